"""The organization: a customer company, and the registry row of its tenant schema."""

from typing import Any, NoReturn

from django.db import models
from django.db.models.functions import Lower
from django_tenants.models import TenantMixin

from shared_apps.core.models import Record
from tenants.enums import OrganizationState, Suspension
from tenants.scope import OrganizationRef


class Organization(Record, TenantMixin):
    """One customer company.

    Its id is the id of the pool's schema it claimed, and `schema_name` is spelled from that id: opaque, never
    shown, never used again. The `slug` is the subdomain and may change; nothing is keyed by it.

    django-tenants' own `save()` would run DDL and every migration in the request, and its `__enter__` shares
    one stack between threads: both are switched off here.
    """

    auto_create_schema = False
    auto_drop_schema = False

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=63, unique=True)
    state = models.CharField(
        max_length=20, choices=OrganizationState.choices, default=OrganizationState.PROVISIONING
    )
    state_before = models.CharField(max_length=20, choices=OrganizationState.choices, blank=True)
    state_reason = models.CharField(max_length=500, blank=True)
    state_changed_at = models.DateTimeField(null=True, blank=True)
    # How a suspended organization is closed; empty when it is not suspended.
    suspension = models.CharField(max_length=12, choices=Suspension.choices, blank=True)
    # End of the time in which a closing organization can be kept after all.
    delete_after = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=12, default="en")
    branding = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    placement = models.CharField(max_length=40, default="primary")
    # Its share of the workers, against others' 1; and its requests in a minute, the setting when null.
    queue_weight = models.PositiveSmallIntegerField(default=1)
    request_budget = models.PositiveIntegerField(null=True, blank=True)
    # From when its subscription lets people only read, and from when it is closed to them; null: not. They
    # are compared with the clock at every request, so no job has to run for them to begin (billing's access).
    read_only_from = models.DateTimeField(null=True, blank=True)
    closed_from = models.DateTimeField(null=True, blank=True)
    # What an operator allows it in place of its plan: names of billing.entitlements.
    entitlements = models.JSONField(null=True, blank=True)
    # One request to create is one organization, however often it is sent.
    creation_key = models.CharField(max_length=200, unique=True, null=True, blank=True)
    owner_email = models.EmailField(max_length=254)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                name="organization_slug_is_lower", condition=models.Q(slug=Lower(models.F("slug")))
            ),
            models.CheckConstraint(
                name="organization_queue_weight_1_to_100",
                condition=models.Q(queue_weight__gte=1, queue_weight__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def ref(self) -> OrganizationRef:
        """Return the facts requests and tasks carry."""
        return OrganizationRef(
            id=self.id,
            schema_name=self.schema_name,
            slug=self.slug,
            name=self.name,
            state=self.state,
            timezone=self.timezone,
            language=self.language,
            state_reason=self.state_reason,
            suspended_at=self.state_changed_at if self.state == OrganizationState.SUSPENDED else None,
            cors_origins=tuple(self.settings.get("cors_origins", ())),
            suspension=self.suspension,
            delete_after=self.delete_after,
            request_budget=self.request_budget,
            queue_weight=self.queue_weight,
            read_only_from=self.read_only_from,
            closed_from=self.closed_from,
            # Read with the row by `tenants.selectors.levels.with_level`. A row read without it counts as
            # behind, so whoever forgets it is refused and not let in.
            schema_level=getattr(self, "schema_level", 0),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row only; schemas are made by tenants.services.schemas."""
        models.Model.save(self, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the row stays as the record that its name and schema are used up."""
        raise TypeError("an organization is deleted through onboarding.services.lifecycle")

    def __enter__(self) -> NoReturn:
        raise TypeError("use `with tenants.context.in_organization(organization):`")
