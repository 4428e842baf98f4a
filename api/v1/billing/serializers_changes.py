"""Shapes of previews and changes of the subscription."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.enums import CancelReason, ChangeKind, ChangeState, Interval
from billing.gateways.types import SeenLine
from billing.models import SubscriptionChange
from billing.services.changes.previewed import Preview

MOST_SEATS = 1_000_000


class TermsIn(serializers.Serializer[Any]):
    """Terms of the subscription; what is left out stays as it is."""

    seats = serializers.IntegerField(
        min_value=1, max_value=MOST_SEATS, required=False, help_text="Seats that are paid for."
    )
    plan = serializers.SlugField(max_length=40, required=False, help_text="Code of the plan.")
    interval = serializers.ChoiceField(choices=Interval.choices, required=False)


class PreviewIn(TermsIn):
    """The change to be previewed."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a preview of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name seats, a plan or an interval.")
        return attrs


class ConfirmIn(serializers.Serializer[Any]):
    """What a preview gave."""

    token = serializers.CharField(max_length=2000)


class CancelSubscriptionIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.ChoiceField(choices=CancelReason.choices, required=False)
    comment = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class PauseSubscriptionIn(serializers.Serializer[Any]):
    """Why."""

    comment = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class RedeemPromotionIn(serializers.Serializer[Any]):
    """A promotion code."""

    code = serializers.CharField(max_length=40)


class ChangeFilter(serializers.Serializer[Any]):
    """Query of the list."""

    state = serializers.ChoiceField(choices=ChangeState.choices, required=False)


class PreviewLineOut(serializers.Serializer[Any]):
    """One line of the invoice that the change would make."""

    description = serializers.CharField()
    amount = serializers.SerializerMethodField(help_text="Before discounts and tax; negative for a credit.")
    seats = serializers.IntegerField()
    is_proration = serializers.BooleanField()
    period_start = serializers.DateTimeField()
    period_end = serializers.DateTimeField()

    @extend_schema_field(MoneyOut)
    def get_amount(self, line: SeenLine) -> dict[str, Any]:
        return money(line.amount_minor, self.context["currency"])


class HappeningOut(serializers.Serializer[Any]):
    """One thing that confirming brings about."""

    code = serializers.CharField(help_text="A stable word: seats_added, charged_now, credit_given ...")
    text = serializers.CharField()


class NextInvoiceOut(serializers.Serializer[Any]):
    """One whole period after the change, as it stands today."""

    at = serializers.DateTimeField(allow_null=True)
    total = MoneyOut()


class PreviewOut(serializers.Serializer[Preview]):
    """What a change costs now; the invoice will come to the same, to the smallest unit."""

    token = serializers.CharField(help_text="Confirms exactly this: POST /billing/changes.")
    expires_at = serializers.DateTimeField()
    from_seats = serializers.IntegerField()
    to_seats = serializers.IntegerField()
    plan = serializers.CharField(source="price.plan.code")
    interval = serializers.ChoiceField(choices=Interval.choices, source="price.interval")
    lines = serializers.SerializerMethodField()
    discount = serializers.SerializerMethodField(help_text="Taken off by promotions.")
    tax = serializers.SerializerMethodField()
    total = serializers.SerializerMethodField(help_text="Negative when the change gives money back.")
    credit_used = serializers.SerializerMethodField(help_text="Paid from the organization's credit.")
    credit_given = serializers.SerializerMethodField(help_text="Lowers later invoices.")
    due_now = serializers.SerializerMethodField(help_text="Charged to the card on confirming.")
    next_invoice = serializers.SerializerMethodField(help_text="null when the subscription ends before.")
    happens = HappeningOut(many=True)

    @extend_schema_field(PreviewLineOut(many=True))
    def get_lines(self, shown: Preview) -> Any:
        return PreviewLineOut(list(shown.invoice.lines), many=True, context={"currency": shown.currency}).data

    @extend_schema_field(MoneyOut)
    def get_discount(self, shown: Preview) -> dict[str, Any]:
        return money(shown.discount_minor, shown.currency)

    @extend_schema_field(MoneyOut)
    def get_tax(self, shown: Preview) -> dict[str, Any]:
        return money(shown.tax_minor, shown.currency)

    @extend_schema_field(MoneyOut)
    def get_total(self, shown: Preview) -> dict[str, Any]:
        return money(shown.total_minor, shown.currency)

    @extend_schema_field(MoneyOut)
    def get_credit_used(self, shown: Preview) -> dict[str, Any]:
        return money(shown.credit_used_minor, shown.currency)

    @extend_schema_field(MoneyOut)
    def get_credit_given(self, shown: Preview) -> dict[str, Any]:
        return money(shown.credit_given_minor, shown.currency)

    @extend_schema_field(MoneyOut)
    def get_due_now(self, shown: Preview) -> dict[str, Any]:
        return money(shown.due_minor, shown.currency)

    @extend_schema_field(NextInvoiceOut(allow_null=True))
    def get_next_invoice(self, shown: Preview) -> Any:
        if shown.renewal is None:
            return None
        total = money(shown.renewal.total_minor, shown.currency)
        return NextInvoiceOut({"at": shown.renews_at, "total": total}).data


class ChangeOut(serializers.ModelSerializer[SubscriptionChange]):
    """One thing that was asked of the subscription, and what became of it."""

    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    state = serializers.ChoiceField(choices=ChangeState.choices)
    plan = serializers.CharField(
        source="to_price.plan.code", default=None, allow_null=True, help_text="null when it stays."
    )
    interval = serializers.ChoiceField(
        choices=Interval.choices, source="to_price.interval", default=None, allow_null=True
    )
    preview_total = serializers.SerializerMethodField(help_text="What the preview came to; null without one.")
    promotion_code = serializers.SerializerMethodField(help_text="Empty but for a promotion.")
    trial_ends_at = serializers.SerializerMethodField(help_text="null but for a longer trial.")
    problem = serializers.CharField(help_text="A stable word for why it failed or is tried again, or empty.")
    invoice_url = serializers.SerializerMethodField(
        help_text="Where the invoice can be paid while the change is unpaid; else empty."
    )
    unpaid_until = serializers.SerializerMethodField(help_text="When an unpaid change lapses; else null.")

    class Meta:
        model = SubscriptionChange
        fields = (
            "id",
            "kind",
            "state",
            "from_seats",
            "to_seats",
            "plan",
            "interval",
            "preview_total",
            "promotion_code",
            "trial_ends_at",
            "reason",
            "comment",
            "problem",
            "invoice_url",
            "unpaid_until",
            "requested_by_id",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_preview_total(self, change: SubscriptionChange) -> dict[str, Any] | None:
        price = change.subscription.price
        if change.preview_minor is None or price is None:
            return None
        return money(change.preview_minor, price.currency)

    def get_promotion_code(self, change: SubscriptionChange) -> str:
        return str(change.facts.get("code", ""))

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_trial_ends_at(self, change: SubscriptionChange) -> str | None:
        end: str | None = change.facts.get("trial_end")
        return end

    def get_invoice_url(self, change: SubscriptionChange) -> str:
        return str(change.facts.get("invoice_url", "")) if change.state == ChangeState.UNPAID else ""

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_unpaid_until(self, change: SubscriptionChange) -> str | None:
        until: str | None = change.facts.get("until")
        return until if change.state == ChangeState.UNPAID else None
