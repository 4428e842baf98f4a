"""Shapes of the ledger of seats and of monthly statements."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.enums import EntryKind
from billing.models import SeatEntry, SeatStatement, StatementHolding

_DAY = Decimal(86_400)
WHY = ("", "trial", "credit", "other")


class EntryFilter(serializers.Serializer[Any]):
    """Query of the ledger."""

    member_id = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(choices=EntryKind.choices, required=False)
    since = serializers.DateTimeField(required=False, help_text="Posted at that instant or later.")
    until = serializers.DateTimeField(required=False, help_text="Posted before that instant.")


class EntryOut(serializers.ModelSerializer[SeatEntry]):
    """One posting: seats that came or went, and how many were there after it."""

    kind = serializers.ChoiceField(choices=EntryKind.choices)
    member_id = serializers.UUIDField(source="membership_id", allow_null=True)
    seat_id = serializers.UUIDField(source="assignment_id", allow_null=True)
    seats = serializers.IntegerField(
        help_text="Bought and comped move the seats there are, the other kinds the seats that are held."
    )
    version = serializers.IntegerField(help_text="1, 2, 3 ... within the subscription, without a gap.")
    cause = serializers.CharField(allow_blank=True, help_text="What led to it, where it is known.")

    class Meta:
        model = SeatEntry
        # Named by subscription and version: the number of the row counts through all organizations.
        fields = (
            "subscription_id",
            "version",
            "kind",
            "seats",
            "member_id",
            "seat_id",
            "purchased_after",
            "used_after",
            "cause",
            "cause_id",
            "actor_id",
            "at",
        )
        read_only_fields = fields


class LineFilter(serializers.Serializer[Any]):
    """Query of a statement's people."""

    line = serializers.IntegerField(
        min_value=0,
        max_value=10_000,
        default=0,
        help_text="Only who held a seat in the time of this line, 1 for the first; 0 for the whole month.",
    )


class StoredInstant(serializers.DateTimeField):
    """An instant that a statement keeps as text."""

    def to_representation(self, value: Any) -> Any:
        """Return it as other instants are told."""
        return super().to_representation(datetime.fromisoformat(value))


class StatementStepOut(serializers.Serializer[Any]):
    """From an instant on, so many seats."""

    at = StoredInstant()
    purchased = serializers.IntegerField()
    comped = serializers.IntegerField()


class StatementLineOut(serializers.Serializer[Any]):
    """A line of an invoice, and what its seats and its time come to."""

    number = serializers.CharField(allow_blank=True, help_text="Of the invoice.")
    status = serializers.CharField(help_text="Of the invoice.")
    description = serializers.CharField(allow_blank=True)
    seats = serializers.IntegerField()
    is_proration = serializers.BooleanField()
    starts_at = StoredInstant()
    ends_at = StoredInstant()
    invoiced = serializers.SerializerMethodField(help_text="Before discounts, and before taxes on top.")
    net = serializers.SerializerMethodField(help_text="Less discounts.")
    derived = serializers.SerializerMethodField(
        help_text="Price of a seat, times seats, times the share of the period."
    )
    month = serializers.SerializerMethodField(help_text="The part that falls into the statement's month.")
    difference = serializers.SerializerMethodField(help_text="Invoiced less derived.")
    why = serializers.ChoiceField(choices=WHY, help_text="What a difference comes from.")
    seat_seconds = serializers.IntegerField(help_text="Seats times seconds, of the whole line.")
    month_seconds = serializers.IntegerField(help_text="Those within the month.")
    purchased_seconds = serializers.IntegerField(help_text="Seats there were in its time, by the ledger.")
    used_seconds = serializers.IntegerField(help_text="Seats that people held in its time.")
    active_seconds = serializers.IntegerField(help_text="Seats held by people who had joined.")
    unused_seconds = serializers.IntegerField(help_text="Seats that nobody held.")
    people = serializers.IntegerField()

    def _money(self, line: dict[str, Any], name: str) -> dict[str, Any]:
        return money(line[f"{name}_minor"], self.context["currency"])

    @extend_schema_field(MoneyOut)
    def get_invoiced(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the sum of the line."""
        return self._money(line, "invoiced")

    @extend_schema_field(MoneyOut)
    def get_net(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the sum after discounts."""
        return self._money(line, "net")

    @extend_schema_field(MoneyOut)
    def get_derived(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return what seats and time come to."""
        return self._money(line, "derived")

    @extend_schema_field(MoneyOut)
    def get_month(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the month's part."""
        return self._money(line, "month")

    @extend_schema_field(MoneyOut)
    def get_difference(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return what was invoiced beyond."""
        return self._money(line, "difference")


class StatementInvoiceOut(serializers.Serializer[Any]):
    """An invoice whose lines a statement tells."""

    number = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    issued_at = StoredInstant()
    discount = serializers.SerializerMethodField()
    tax = serializers.SerializerMethodField()
    total = serializers.SerializerMethodField()

    @extend_schema_field(MoneyOut)
    def get_discount(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """Return the discounts."""
        return money(invoice["discount_minor"], self.context["currency"])

    @extend_schema_field(MoneyOut)
    def get_tax(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """Return the tax."""
        return money(invoice["tax_minor"], self.context["currency"])

    @extend_schema_field(MoneyOut)
    def get_total(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """Return the total."""
        return money(invoice["total_minor"], self.context["currency"])


class StatementOut(serializers.ModelSerializer[SeatStatement]):
    """The statement of one month."""

    invoiced = serializers.SerializerMethodField(help_text="Lines whose time begins in the month.")
    derived = serializers.SerializerMethodField(help_text="What the same lines come to by seats and time.")
    unused_seconds = serializers.SerializerMethodField(help_text="Purchased less used.")
    seat_days = serializers.SerializerMethodField(help_text="Purchased seconds in days, to four places.")
    content_hash = serializers.CharField(
        allow_blank=True, help_text="SHA-256 over all of it; empty while the month runs."
    )

    class Meta:
        model = SeatStatement
        fields: tuple[str, ...] = (
            "id",
            "subscription_id",
            "starts_at",
            "ends_at",
            "invoiced",
            "derived",
            "purchased_seconds",
            "used_seconds",
            "active_seconds",
            "unused_seconds",
            "seat_days",
            "people",
            "content_hash",
        )
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(MoneyOut)
    def get_invoiced(self, statement: SeatStatement) -> dict[str, Any]:
        """Return the invoiced sum."""
        return money(statement.invoiced_minor, statement.currency)

    @extend_schema_field(MoneyOut)
    def get_derived(self, statement: SeatStatement) -> dict[str, Any]:
        """Return the derived sum."""
        return money(statement.derived_minor, statement.currency)

    def get_unused_seconds(self, statement: SeatStatement) -> int:
        """Return the seconds of seats that nobody held."""
        return statement.purchased_seconds - statement.used_seconds

    def get_seat_days(self, statement: SeatStatement) -> str:
        """Return seat-days."""
        return days(statement.purchased_seconds)


class StatementDetailOut(StatementOut):
    """The statement of one month with its lines."""

    steps = serializers.SerializerMethodField(help_text="How many seats there were from when on.")
    lines = serializers.SerializerMethodField()
    invoices = serializers.SerializerMethodField()

    class Meta(StatementOut.Meta):
        fields = (*StatementOut.Meta.fields, "steps", "lines", "invoices")
        read_only_fields = fields

    @extend_schema_field(StatementStepOut(many=True))
    def get_steps(self, statement: SeatStatement) -> Any:
        """Return the steps."""
        return StatementStepOut(statement.content["steps"], many=True).data

    @extend_schema_field(StatementLineOut(many=True))
    def get_lines(self, statement: SeatStatement) -> Any:
        """Return the lines."""
        context = {"currency": statement.currency}
        return StatementLineOut(statement.content["lines"], many=True, context=context).data

    @extend_schema_field(StatementInvoiceOut(many=True))
    def get_invoices(self, statement: SeatStatement) -> Any:
        """Return the invoices."""
        context = {"currency": statement.currency}
        return StatementInvoiceOut(statement.content["invoices"], many=True, context=context).data


class StatementPersonOut(serializers.ModelSerializer[StatementHolding]):
    """Who held a seat, from when to when within the month, by the name of the day it was written."""

    member_id = serializers.UUIDField(source="membership_id")
    seat_id = serializers.UUIDField(source="assignment_id")
    active_from = serializers.DateTimeField(
        allow_null=True, help_text="From when on its holder had joined; null for one who never did."
    )

    class Meta:
        model = StatementHolding
        fields = ("position", "member_id", "seat_id", "name", "email", "held_from", "held_to", "active_from")
        read_only_fields = fields


def days(seconds: int) -> str:
    """Return seconds of seats in days, to four places."""
    return f"{Decimal(seconds) / _DAY:.4f}"
