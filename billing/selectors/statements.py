"""Statements as they are read: the frozen ones, and the one of the month that runs."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min, Q, QuerySet

from billing.enums import Interval
from billing.models import (
    PlanPrice,
    SeatEntry,
    SeatStatement,
    StatementHolding,
    Subscription,
    SubscriptionInvoice,
)
from billing.policies import BILLING_VIEW, require_in
from billing.selectors.statement_lines import DerivedLine, Terms, clipped, derive_line
from billing.selectors.statement_months import Window, months_of
from billing.selectors.statement_seats import SeatTime, measure_seats, read_steps
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound

_MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}
# Drafts may still change; a void invoice asks for nothing.
_NO_INVOICE = ("draft", "void")


@dataclass(frozen=True, slots=True)
class Books:
    """What statements of a subscription are reckoned from, read once."""

    subscription: Subscription
    invoices: Sequence[SubscriptionInvoice]
    terms: dict[str, Terms]
    begin: datetime

    @property
    def periods(self) -> list[Window]:
        """Return the billing periods that are known, by the invoices and by the subscription itself."""
        row = self.subscription
        found = [
            (datetime.fromisoformat(line["period_start"]), datetime.fromisoformat(line["period_end"]))
            for invoice in self.invoices
            for line in invoice.lines
            if not line["is_proration"] and line["price_ref"] in self.terms
        ]
        if row.period_starts_at is not None and row.period_ends_at is not None:
            found.append((row.period_starts_at, row.period_ends_at))
        return found

    def months(self, until: datetime) -> list[Window]:
        """Return the months from the first seat to `until`."""
        ended = self.subscription.canceled_at
        return months_of(
            self.begin, self.periods, end=ended.replace(microsecond=0) if ended else None, until=until
        )


def list_statements(*, actor: Actor, organization_id: uuid.UUID) -> QuerySet[SeatStatement]:
    """Return the organization's frozen statements."""
    require_in(actor, BILLING_VIEW, organization_id)
    return SeatStatement.objects.filter(organization_id=organization_id)


def get_statement(*, actor: Actor, organization_id: uuid.UUID, statement_id: uuid.UUID) -> SeatStatement:
    """Return one frozen statement; NotFound when the organization has none of this id."""
    found = list_statements(actor=actor, organization_id=organization_id).filter(id=statement_id).first()
    if found is None:
        raise NotFound(statement=str(statement_id))
    return found


def get_current_statement(*, actor: Actor, organization_id: uuid.UUID) -> SeatStatement:
    """Return what the statement of the running month would say now; it is not kept and has no hash.

    Raises:
        NotFound: the organization has no subscription.
    """
    require_in(actor, BILLING_VIEW, organization_id)
    row = Subscription.objects.filter(organization_id=organization_id).order_by("-id").first()
    books = read_books(row) if row else None
    if books is None:
        raise NotFound(subscription="")
    now = clock.now().replace(microsecond=0)
    start, end = ([month for month in books.months(now) if month[0] <= now] or [(books.begin, now)])[-1]
    return reckon(books, (start, min(end, max(now, start))))


def list_people(
    *, statement: SeatStatement, line: int = 0, after: int = 0, most: int | None = None
) -> QuerySet[StatementHolding]:
    """Return the holdings of a statement that a line of it stands for, in the order of the file.

    Args:
        line: 1 for the first line; 0 for the whole month.
        after: the position of the last one that is known.
    """
    start, end = window_of(statement, line)
    rows = StatementHolding.objects.filter(statement=statement, position__gt=after).filter(
        Q(held_from__lt=end) & Q(held_to__gt=start)
    )
    return rows.order_by("position")[:most] if most else rows.order_by("position")


def window_of(statement: SeatStatement, line: int) -> Window:
    """Return the part of the month that a line is about, 0 for all of it.

    Raises:
        NotFound: there is no such line.
    """
    month = statement.starts_at, statement.ends_at
    if line == 0:
        return month
    lines = statement.content["lines"]
    if line > len(lines):
        raise NotFound(line=line)
    found = lines[line - 1]
    window = datetime.fromisoformat(found["starts_at"]), datetime.fromisoformat(found["ends_at"])
    return clipped(window, month)


def read_books(subscription: Subscription) -> Books | None:
    """Return what the subscription's statements are reckoned from; None before its first seat."""
    first = SeatEntry.objects.filter(subscription_id=subscription.id).aggregate(at=Min("at"))["at"]
    if first is None:
        return None
    invoices = list(
        SubscriptionInvoice.objects.filter(subscription=subscription)
        .exclude(status__in=_NO_INVOICE)
        .order_by("issued_at", "id")
    )
    refs = {line["price_ref"] for invoice in invoices for line in invoice.lines}
    prices = PlanPrice.objects.filter(gateway_ref__in=refs)
    return Books(
        subscription=subscription,
        invoices=invoices,
        terms={
            str(row.gateway_ref): Terms(row.unit_minor, _MONTHS[Interval(row.interval)]) for row in prices
        },
        begin=min(first, subscription.starts_at).replace(microsecond=0),
    )


def reckon(books: Books, month: Window) -> SeatStatement:
    """Return the statement of a month, not saved and without people."""
    row = books.subscription
    lines = list(_lines(books, month))
    windows = [clipped((line.starts_at, line.ends_at), month) for line in lines]
    whole, *parts = measure_seats(subscription_id=row.id, windows=[month, *windows])
    # A line counts in the month in which its time begins.
    counted = [line for line in lines if month[0] <= line.starts_at < month[1]]
    return SeatStatement(
        organization_id=row.organization_id,
        subscription=row,
        starts_at=month[0],
        ends_at=month[1],
        currency=books.invoices[0].currency if books.invoices else "",
        purchased_seconds=whole.purchased,
        used_seconds=whole.used,
        active_seconds=whole.active,
        invoiced_minor=sum(line.invoiced_minor for line in counted),
        derived_minor=sum(line.derived_minor for line in counted),
        people=whole.people,
        content={
            "steps": [
                {"at": step.at.isoformat(), "purchased": step.purchased, "comped": step.comped}
                for step in read_steps(subscription_id=row.id, month=month)
            ],
            "lines": [_told(line, time) for line, time in zip(lines, parts, strict=True)],
            "invoices": [
                {
                    "number": invoice.number,
                    "status": invoice.status,
                    "issued_at": invoice.issued_at.isoformat(),
                    "discount_minor": invoice.discount_minor,
                    "tax_minor": invoice.tax_minor,
                    "total_minor": invoice.total_minor,
                }
                for invoice in books.invoices
                if invoice.gateway_ref in {line.invoice_ref for line in lines}
            ],
        },
    )


def hash_of(statement: SeatStatement) -> str:
    """Return the SHA-256 of what the statement says, its holdings included, in hex."""
    facts = {
        name: getattr(statement, name)
        for name in ("purchased_seconds", "used_seconds", "active_seconds", "invoiced_minor", "derived_minor")
    }
    facts |= {
        "subscription": str(statement.subscription_id),
        "starts_at": statement.starts_at.isoformat(),
        "ends_at": statement.ends_at.isoformat(),
        "currency": statement.currency,
        "people": statement.people,
        "content": statement.content,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode())
    columns = (
        "position",
        "assignment_id",
        "membership_id",
        "name",
        "email",
        "held_from",
        "held_to",
        "active_from",
    )
    rows = StatementHolding.objects.filter(statement=statement).order_by("position").values_list(*columns)
    for row in rows.iterator(chunk_size=2000):
        told = [value.isoformat() if isinstance(value, datetime) else str(value) for value in row]
        digest.update(json.dumps(told).encode())
    return digest.hexdigest()


def _lines(books: Books, month: Window) -> Iterator[DerivedLine]:
    periods = books.periods
    for invoice in books.invoices:
        named = {"ref": invoice.gateway_ref, "number": invoice.number, "status": invoice.status}
        for line in invoice.lines:
            derived = derive_line(
                line,
                invoice=named,
                terms=books.terms.get(line["price_ref"]),
                periods=periods,
                month=month,
                trial_ends_at=books.subscription.trial_ends_at,
            )
            # A line of no length, a fee, belongs to the month of its instant.
            ends_inside = derived.ends_at > month[0] or derived.starts_at == derived.ends_at >= month[0]
            if derived.starts_at < month[1] and ends_inside:
                yield derived


def _told(line: DerivedLine, time: SeatTime) -> dict[str, Any]:
    """Return the line as the statement keeps it, with what became of the seats in its time."""
    told = asdict(line)
    told["starts_at"], told["ends_at"] = line.starts_at.isoformat(), line.ends_at.isoformat()
    return told | {
        "difference_minor": line.difference_minor,
        "people": time.people,
        "purchased_seconds": time.purchased,
        "used_seconds": time.used,
        "active_seconds": time.active,
        "unused_seconds": time.unused,
    }
