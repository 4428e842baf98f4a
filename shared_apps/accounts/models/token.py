"""Sign-ins and tokens. Every secret is kept as its SHA-256: 32 random bytes need no slow hash."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from shared_apps.accounts.enums import SignInKind
from shared_apps.core.models import Record


class SignIn(Record):
    """One sign-in on one device: the family that its refresh tokens belong to, bound to one organization.

    Revoking it ends every token of the family; presenting a used refresh token revokes it, since then two
    parties hold the family's tokens.
    """

    user_id: uuid.UUID

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="sign_ins")
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    membership = models.ForeignKey(
        "accounts.Membership", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=SignInKind.choices, default=SignInKind.API)
    session_key = models.CharField(max_length=40, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"sign-in {self.id}"


class RefreshToken(Record):
    """One link of a family's chain; used once."""

    sign_in_id: uuid.UUID

    sign_in = models.ForeignKey("accounts.SignIn", on_delete=models.CASCADE, related_name="refresh_tokens")
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"refresh token {self.id}"


class PersonalAccessToken(Record):
    """A named token a person makes for a script, shown once, bound to the host it was made on."""

    user_id: uuid.UUID

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="access_tokens")
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    membership = models.ForeignKey(
        "accounts.Membership", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    name = models.CharField(max_length=100)
    # The first characters, to recognise a token in a list and in a leak report.
    prefix = models.CharField(max_length=16)
    token_hash = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
