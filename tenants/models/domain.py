"""Host names of organizations, and names that were given back and rest."""

from typing import Any

from django.db import models
from django_tenants.models import DomainMixin

from shared_apps.core.models import Record
from tenants.enums import DomainKind


class Domain(Record, DomainMixin):
    """One host name, lower case and without port. Unique over the platform, so a host has one tenant."""

    kind = models.CharField(max_length=12, choices=DomainKind.choices, default=DomainKind.SUBDOMAIN)
    # A custom domain serves nothing before its DNS proof.
    verified_at = models.DateTimeField(null=True, blank=True)
    # A subdomain the organization moved away from goes on answering until then, so that links heal.
    retires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("domain",)
        constraints = [
            # Two requests that both make a first domain primary would otherwise leave two.
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_primary=True), name="one_primary_domain"
            )
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row only; which domain is primary is decided by the service."""
        models.Model.save(self, *args, **kwargs)


class ReleasedName(Record):
    """A subdomain that an organization gave back. It rests, so that old links and cookies cannot meet a
    stranger under the same name."""

    name = models.CharField(max_length=63, unique=True)
    organization_id = models.UUIDField()
    free_from = models.DateTimeField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
