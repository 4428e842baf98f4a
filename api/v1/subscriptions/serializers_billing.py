"""Shapes of an organization's whole billing, of refunds, and of what operators do with subscriptions."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.v1.subscriptions.serializers import MOST_SEATS, SubscriptionOut
from billing.enums import AccessLevel, CheckoutState
from billing.models import (
    BillingAccount,
    Checkout,
    Drift,
    DunningNotice,
    GatewayEvent,
    Refund,
    SubscriptionChange,
    SubscriptionInvoice,
)

_MOST_MINOR = 10**15


class CompsIn(serializers.Serializer[Any]):
    """Seats on top of those that are paid for."""

    seats = serializers.IntegerField(
        min_value=0, max_value=MOST_SEATS, help_text="Comped seats in all, not how many more; 0 for none."
    )
    reason = serializers.CharField(max_length=300)


class UntilIn(serializers.Serializer[Any]):
    """A new end, and why."""

    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=300)


class EndIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=300)


class AmountIn(serializers.Serializer[Any]):
    """A sum."""

    amount_minor = serializers.IntegerField(min_value=1, max_value=_MOST_MINOR)
    currency = serializers.RegexField("^[A-Za-z]{3}$")


class RefundIn(serializers.Serializer[Any]):
    """What to give back, and why."""

    amount = AmountIn(
        required=False, allow_null=True, default=None, help_text="Left out or null: all that is left."
    )
    reason = serializers.CharField(max_length=300)


class RefundOut(serializers.ModelSerializer[Refund]):
    """Money given back. `requested` is still to reach the gateway, `pending` is on its way to the payer; a
    failed one says why in `problem`, and nothing was given back."""

    invoice_id = serializers.UUIDField()
    organization_id = serializers.UUIDField()
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Refund
        fields = (
            "id",
            "organization_id",
            "invoice_id",
            "amount",
            "state",
            "problem",
            "note",
            "gateway_ref",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(MoneyOut)
    def get_amount(self, refund: Refund) -> dict[str, Any]:
        """Return the sum."""
        return money(refund.amount_minor, refund.currency)


class StoryChangeOut(serializers.ModelSerializer[SubscriptionChange]):
    """One thing asked of a subscription at the gateway."""

    subscription_id = serializers.UUIDField()

    class Meta:
        model = SubscriptionChange
        fields = (
            "id",
            "subscription_id",
            "kind",
            "state",
            "from_seats",
            "to_seats",
            "reason",
            "comment",
            "problem",
            "created_at",
            "updated_at",
        )


class StoryAccountOut(serializers.ModelSerializer[BillingAccount]):
    """The organization as the gateway's customer."""

    credit = serializers.SerializerMethodField(help_text="What lowers the next invoices.")

    class Meta:
        model = BillingAccount
        fields = (
            "gateway_ref",
            "name",
            "email",
            "currency",
            "credit",
            "has_payment_method",
            "trial_used_at",
        )

    @extend_schema_field(MoneyOut)
    def get_credit(self, account: BillingAccount) -> dict[str, Any]:
        """Return the credit."""
        return money(account.credit_minor, account.currency)


class StoryInvoiceOut(serializers.ModelSerializer[SubscriptionInvoice]):
    """One invoice."""

    total = serializers.SerializerMethodField()
    paid = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()

    class Meta:
        model = SubscriptionInvoice
        fields = (
            "id",
            "number",
            "gateway_ref",
            "status",
            "total",
            "paid",
            "refunded",
            "issued_at",
            "paid_at",
            "attempts",
            "next_attempt_at",
            "hosted_url",
            "pdf_url",
        )

    @extend_schema_field(MoneyOut)
    def get_total(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return the total with tax."""
        return money(invoice.total_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_paid(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what was paid."""
        return money(invoice.paid_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_refunded(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what was given back."""
        return money(invoice.refunded_minor, invoice.currency)


class StoryCheckoutOut(serializers.ModelSerializer[Checkout]):
    """One page on which the organization subscribed, or was to; `sign_up_id` where it was signed up there."""

    plan = serializers.CharField(source="price.plan.code")
    state = serializers.ChoiceField(choices=CheckoutState.choices)

    class Meta:
        model = Checkout
        fields = ("id", "sign_up_id", "plan", "seats", "trial_days", "state", "created_at", "expires_at")


class StoryNoticeOut(serializers.ModelSerializer[DunningNotice]):
    """One reminder that went out."""

    class Meta:
        model = DunningNotice
        fields = ("stage", "since", "created_at")


class StoryDriftOut(serializers.ModelSerializer[Drift]):
    """One fact that stands, or stood, otherwise at the gateway."""

    class Meta:
        model = Drift
        fields = ("id", "subject", "fact", "ours", "theirs", "created_at", "last_seen_at", "resolved_at")


class StoryEventOut(serializers.ModelSerializer[GatewayEvent]):
    """One message of the gateway that could not be worked off."""

    class Meta:
        model = GatewayEvent
        fields = ("id", "event_key", "kind", "object_ref", "state", "problem", "created_at")


class StoryAccessOut(serializers.Serializer[Any]):
    """What the organization's people may do."""

    level = serializers.ChoiceField(choices=AccessLevel.choices)
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    what_to_do = serializers.ListField(child=serializers.CharField())


class SeatDayOut(serializers.Serializer[Any]):
    """Seats at the end of a day, in UTC."""

    day = serializers.DateField()
    purchased = serializers.IntegerField(help_text="Bought, granted and comped.")
    used = serializers.IntegerField()


class BillingStoryOut(serializers.Serializer[Any]):
    """All of one organization's billing: at most the newest 50 of each sort, and 730 days of seats."""

    account = StoryAccountOut(allow_null=True)
    subscription = SubscriptionOut(allow_null=True, help_text="The one in force, else the last.")
    subscriptions = SubscriptionOut(many=True)
    access = StoryAccessOut()
    changes = StoryChangeOut(many=True)
    invoices = StoryInvoiceOut(many=True)
    refunds = RefundOut(many=True)
    checkouts = StoryCheckoutOut(many=True)
    notices = StoryNoticeOut(many=True)
    drifts = StoryDriftOut(many=True)
    stuck_events = StoryEventOut(source="stuck", many=True)
    seat_days = SeatDayOut(source="days", many=True)
