"""A host name that an organization says is its own, until DNS proves it."""

from django.db import models

from shared_apps.core.models import Record


class DomainClaim(Record):
    """Wish for one custom domain. Many organizations may claim a name; only the one whose token stands in its
    DNS gets the `Domain` row, so nobody can keep a name from its owner."""

    organization = models.ForeignKey("tenants.Organization", on_delete=models.CASCADE, related_name="+")
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    checked_at = models.DateTimeField(null=True, blank=True)
    # What the last look at DNS found wrong, a stable code; empty when it was not looked yet or proven.
    problem = models.CharField(max_length=40, blank=True)
    proven_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("domain",)
        constraints = [
            models.UniqueConstraint(fields=["organization", "domain"], name="one_claim_of_a_domain_each")
        ]

    def __str__(self) -> str:
        return self.domain
