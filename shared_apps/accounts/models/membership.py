"""Membership: a user in an organization, with a built-in role."""

import uuid

from django.db import models

from shared_apps.accounts.enums import ROLE_CHOICES, MembershipStatus
from shared_apps.core.actors import Role
from shared_apps.core.models import Record


class Membership(Record):
    """One row per user and organization, kept when the person leaves; its id is the tenant's Member id."""

    organization_id: uuid.UUID
    user_id: uuid.UUID

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="memberships"
    )
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLE_CHOICES, default=Role.LEARNER)
    status = models.CharField(
        max_length=12, choices=MembershipStatus.choices, default=MembershipStatus.INVITED
    )
    joined_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} in {self.organization_id}"
