"""What a line of an invoice comes to when it is reckoned from seats and time. Pure arithmetic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from billing.selectors.statement_months import Window, months_after


@dataclass(frozen=True, slots=True)
class Terms:
    """What is sold under a price: one seat for so many months."""

    unit_minor: int
    months: int


@dataclass(frozen=True, slots=True)
class DerivedLine:
    """A line of an invoice beside what its seats and its time come to.

    Attributes:
        invoiced_minor: before discounts, and before tax that comes on top; negative for a credit.
        net_minor: less discounts.
        derived_minor: price of a seat x seats x share of the period, rounded half to even, once.
        month_minor: the part of it that falls into the statement's month.
        seat_seconds: seats x seconds of the whole line; `month_seconds` those in the month.
        why: what a difference comes from: `trial`, `credit` (given at what was paid, discounts and rounding
            of before included), `other` (not a price of ours: taken as invoiced), else empty.
    """

    invoice_ref: str
    number: str
    status: str
    description: str
    seats: int
    is_proration: bool
    starts_at: datetime
    ends_at: datetime
    invoiced_minor: int
    net_minor: int
    derived_minor: int
    month_minor: int
    seat_seconds: int
    month_seconds: int
    why: str

    @property
    def difference_minor(self) -> int:
        """Return how much more was invoiced than the seats come to."""
        return self.invoiced_minor - self.derived_minor


def derive_line(
    line: Mapping[str, Any],
    *,
    invoice: Mapping[str, str],
    terms: Terms | None,
    periods: Iterable[Window],
    month: Window,
    trial_ends_at: datetime | None,
) -> DerivedLine:
    """Return the line beside what it comes to.

    Args:
        line: as it is kept with the invoice.
        invoice: its ref, number and status.
        terms: of the line's price; None for one that is not ours.
        periods: the whole periods that are known; a line for the rest of one is a share of it.
        month: of the statement.
    """
    window = _moment(line["period_start"]), _moment(line["period_end"])
    amount, seats = int(line["amount_minor"]), int(line["seats"])
    exact, why = _exact(amount, seats, window, bool(line["is_proration"]), terms, periods, trial_ends_at)
    inside = clipped(window, month)
    length = seconds(window)
    share = Fraction(seconds(inside), length) if length else Fraction(1)
    return DerivedLine(
        invoice_ref=invoice["ref"],
        number=invoice["number"],
        status=invoice["status"],
        description=str(line["description"]),
        seats=seats,
        is_proration=bool(line["is_proration"]),
        starts_at=window[0],
        ends_at=window[1],
        invoiced_minor=amount,
        net_minor=int(line["net_minor"]),
        derived_minor=round(exact),
        month_minor=round(exact * share),
        seat_seconds=seats * length,
        month_seconds=seats * seconds(inside),
        why=why,
    )


def clipped(window: Window, month: Window) -> Window:
    """Return the part of the window that lies in the month; of no length where none does."""
    start = min(max(window[0], month[0]), month[1])
    return start, max(start, min(window[1], month[1]))


def seconds(window: Window) -> int:
    """Return how many seconds it lasts, each instant counted as the second it falls in."""
    return int(window[1].timestamp()) - int(window[0].timestamp())


def _exact(
    amount: int,
    seats: int,
    window: Window,
    is_proration: bool,
    terms: Terms | None,
    periods: Iterable[Window],
    trial_ends_at: datetime | None,
) -> tuple[Fraction, str]:
    if terms is None or seats == 0:
        return Fraction(amount), "other"
    if amount == 0 and trial_ends_at is not None and window[1] <= trial_ends_at:
        return Fraction(0), "trial"
    whole = Fraction(terms.unit_minor * seats)
    if not is_proration:
        return whole, ""
    sign, why = (-1, "credit") if amount < 0 else (1, "")
    return sign * whole * Fraction(seconds(window), seconds(_period(window, terms, periods))), why


def _period(window: Window, terms: Terms, periods: Iterable[Window]) -> Window:
    """Return the period whose rest the window is."""
    ending = [each for each in periods if each[1] == window[1] and each[0] <= window[0]]
    return min(ending) if ending else (months_after(window[1], -terms.months), window[1])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
