"""Shapes of invoices."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.models import SubscriptionInvoice

STATUSES = ("draft", "open", "paid", "void", "uncollectible")


class InvoiceFilter(serializers.Serializer[Any]):
    """Query of the list."""

    status = serializers.ChoiceField(choices=STATUSES, required=False)


class InvoiceLineOut(serializers.Serializer[Any]):
    """One line: seats at a price for a period, or the rest of a period that a change costs or gives back."""

    description = serializers.CharField(allow_blank=True)
    seats = serializers.IntegerField()
    amount = serializers.SerializerMethodField(help_text="Before discounts and taxes on top.")
    net = serializers.SerializerMethodField(help_text="After discounts.")
    is_proration = serializers.BooleanField()
    period_start = serializers.DateTimeField()
    period_end = serializers.DateTimeField()

    @extend_schema_field(MoneyOut)
    def get_amount(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the sum of the line."""
        return money(line["amount_minor"], self.context["currency"])

    @extend_schema_field(MoneyOut)
    def get_net(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the sum after discounts."""
        return money(line["net_minor"], self.context["currency"])


def _sum(column: str, words: str) -> serializers.SerializerMethodField:
    return serializers.SerializerMethodField(method_name=f"get_{column}", help_text=words)


class InvoiceOut(serializers.ModelSerializer[SubscriptionInvoice]):
    """One invoice, as the payment gateway made it."""

    status = serializers.ChoiceField(choices=STATUSES)
    subtotal = _sum("subtotal", "Of the lines.")
    discount = _sum("discount", "What promotions took off.")
    tax = _sum("tax", "Of all taxes.")
    total = _sum("total", "With taxes, less discounts.")
    due = _sum("due", "What was to be paid after credits.")
    paid = _sum("paid", "What was paid.")
    refunded = _sum("refunded", "What was paid back.")

    class Meta:
        model = SubscriptionInvoice
        fields = (
            "id",
            "number",
            "status",
            "reason",
            "subtotal",
            "discount",
            "tax",
            "total",
            "due",
            "paid",
            "refunded",
            "issued_at",
            "paid_at",
            "next_attempt_at",
            "hosted_url",
            "pdf_url",
        )

    @extend_schema_field(MoneyOut)
    def get_subtotal(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return the sum of the lines."""
        return money(invoice.subtotal_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_discount(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what promotions took off."""
        return money(invoice.discount_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_tax(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return all taxes."""
        return money(invoice.tax_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_total(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return the whole."""
        return money(invoice.total_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_due(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what was to be paid."""
        return money(invoice.due_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_paid(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what was paid."""
        return money(invoice.paid_minor, invoice.currency)

    @extend_schema_field(MoneyOut)
    def get_refunded(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what was paid back."""
        return money(invoice.refunded_minor, invoice.currency)


class InvoiceDetailOut(InvoiceOut):
    """One invoice with its lines."""

    lines = serializers.SerializerMethodField()

    class Meta(InvoiceOut.Meta):
        fields = (*InvoiceOut.Meta.fields, "lines")  # type: ignore[assignment]  # one more than the list's

    @extend_schema_field(InvoiceLineOut(many=True))
    def get_lines(self, invoice: SubscriptionInvoice) -> Any:
        """Return the lines in the invoice's currency."""
        return InvoiceLineOut(invoice.lines, many=True, context={"currency": invoice.currency}).data
