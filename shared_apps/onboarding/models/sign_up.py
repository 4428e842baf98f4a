"""A company that signs itself up, from its first form to its own host."""

from django.db import models

from billing.enums import Interval
from shared_apps.core.models import Record
from shared_apps.onboarding.enums import SignUpStatus


class SignUp(Record):
    """One wish for an organization, made by somebody who is not signed in.

    Its id is the creation key of the organization, so that however often the payment is told, one is made.
    While it lasts it holds the organization's name and subdomain: `held_name` and `held_skeleton` are
    unique, and empty once nothing is held any more.
    """

    status = models.CharField(max_length=16, choices=SignUpStatus.choices, default=SignUpStatus.UNVERIFIED)
    # --- The organization to be.
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=63)
    held_name = models.CharField(max_length=200, unique=True, null=True, blank=True)
    # Of the subdomain: what reads like it is held too, as with organizations.
    held_skeleton = models.CharField(max_length=63, unique=True, null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=12, default="en")
    # --- Its owner.
    owner_name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254)
    verified_at = models.DateTimeField(null=True, blank=True)
    # --- What is bought.
    plan_code = models.CharField(max_length=40)
    interval = models.CharField(max_length=8, choices=Interval.choices)
    currency = models.CharField(max_length=3)
    seats = models.PositiveIntegerField()
    card_later = models.BooleanField(default=False)
    # Known only once the address is verified: before, it would tell strangers who is a customer.
    trial_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # The address without what people put behind a plus, hashed: who had a trial gets no second one.
    trial_mark = models.BinaryField(max_length=32)
    # --- Secrets, of which only hashes are kept.
    secret_hash = models.BinaryField(max_length=32)
    token_hash = models.BinaryField(max_length=32, null=True, blank=True)
    token_sent_at = models.DateTimeField(null=True, blank=True)
    # --- Its end.
    expires_at = models.DateTimeField()
    # Its page is being closed at the gateway: no other one is opened meanwhile.
    closing_at = models.DateTimeField(null=True, blank=True)
    # The page that was paid, ours; and what came of it.
    checkout_id = models.UUIDField(null=True, blank=True)
    organization_id = models.UUIDField(null=True, blank=True)
    # Why an operator is needed, a stable code.
    problem = models.CharField(max_length=60, blank=True)
    ended_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["status", "expires_at"], name="sign_up_by_end"),
            models.Index(fields=["trial_mark"], name="sign_up_by_trial_mark"),
            models.Index(fields=["organization_id"], name="sign_up_by_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.slug}: {self.status}"
