"""What an organization asked the gateway for: a page to subscribe on, a change of seats or plan.

Each row is written before the gateway is called and its id is the key of the call, so a call that is repeated
after a crash has one effect.
"""

import uuid

from django.db import models

from billing.enums import ChangeKind, ChangeState, CheckoutState
from shared_apps.core.models import Record


class Checkout(Record):
    """One page on which an organization subscribes, or somebody signs a new one up."""

    organization_id: uuid.UUID | None
    price_id: uuid.UUID

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    # The sign-up whose organization comes about when this is paid.
    sign_up_id = models.UUIDField(null=True, blank=True)
    customer_ref = models.CharField(max_length=80, blank=True)
    price = models.ForeignKey("billing.PlanPrice", on_delete=models.PROTECT, related_name="+")
    seats = models.PositiveIntegerField()
    trial_days = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=CheckoutState.choices, default=CheckoutState.STARTING)
    gateway_ref = models.CharField(max_length=120, unique=True, null=True, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    requested_by_id = models.UUIDField(null=True, blank=True)
    expires_at = models.DateTimeField()
    # The subscription that came of it, at the gateway.
    subscription_ref = models.CharField(max_length=80, blank=True)
    # What else the page was asked with (addresses, taxes, codes): a call that is repeated must say the same.
    terms = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two pages paid at once would be two subscriptions.
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(state__in=("starting", "open")),
                name="one_open_checkout",
            ),
            models.UniqueConstraint(
                fields=["sign_up_id"],
                condition=models.Q(state__in=("starting", "open")),
                name="one_open_checkout_a_sign_up",
            ),
            models.CheckConstraint(
                name="checkout_is_somebodys",
                condition=models.Q(organization__isnull=False) | models.Q(sign_up_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seats} seats, {self.state}"


class SubscriptionChange(Record):
    """One thing asked of a subscription at the gateway. Its id is the key of the call that makes it."""

    organization_id: uuid.UUID
    subscription_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey("billing.Subscription", on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=16, choices=ChangeKind.choices)
    state = models.CharField(max_length=10, choices=ChangeState.choices, default=ChangeState.REQUESTED)
    from_seats = models.PositiveIntegerField()
    to_seats = models.PositiveIntegerField()
    to_price = models.ForeignKey(
        "billing.PlanPrice", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    # What the preview reckoned from and came to; the change names the same moment.
    prorated_at = models.DateTimeField(null=True, blank=True)
    preview_minor = models.BigIntegerField(null=True, blank=True)
    # What the kind needs besides: the trial's new end, the promotion code.
    facts = models.JSONField(default=dict, blank=True)
    # Why somebody cancels or pauses: a word of a list, and their own words.
    reason = models.CharField(max_length=40, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    problem = models.CharField(max_length=100, blank=True)
    requested_by_id = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two changes at once would each be reckoned from the number before both.
            models.UniqueConstraint(
                fields=["subscription"],
                condition=models.Q(state="requested"),
                name="one_change_on_its_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.from_seats} to {self.to_seats} seats, {self.state}"
