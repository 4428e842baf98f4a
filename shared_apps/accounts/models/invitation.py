"""Invitations: a single-use link that lets somebody into an organization."""

import uuid

from django.db import models

from shared_apps.accounts.enums import ROLE_CHOICES
from shared_apps.core.actors import Role
from shared_apps.core.models import Record


class Invitation(Record):
    """One invitation. The token travels in the mail only; here is its SHA-256."""

    organization_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(
        "accounts.Membership", on_delete=models.PROTECT, related_name="invitations", null=True, blank=True
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=20, choices=ROLE_CHOICES, default=Role.LEARNER)
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    invited_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            # A second invitation replaces the first: two live links for one address would let one be
            # forwarded unnoticed.
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"
