"""Words, sums and days for operators. The console speaks English."""

from datetime import datetime
from decimal import Decimal

from billing.enums import AccessLevel, ChangeState, Interval, RefundState, SubscriptionStatus
from billing.money import STRIPE
from billing.selectors.access import Access
from billing.services.access.amounts import shown_amount

# Colours of labels.
GOOD, INFO, WARNING, BAD, PLAIN = "success", "info", "warning", "danger", "default"
STATUS_TONES: dict[str, str] = {
    SubscriptionStatus.ACTIVE: GOOD,
    SubscriptionStatus.TRIALING: INFO,
    SubscriptionStatus.INCOMPLETE: INFO,
    SubscriptionStatus.PAST_DUE: WARNING,
    SubscriptionStatus.PAUSED: WARNING,
    SubscriptionStatus.UNPAID: BAD,
    SubscriptionStatus.CANCELED: PLAIN,
    SubscriptionStatus.EXPIRED: PLAIN,
}
INVOICE_TONES = {"paid": GOOD, "open": WARNING, "uncollectible": BAD, "void": PLAIN, "draft": PLAIN}
CHANGE_TONES: dict[str, str] = {
    ChangeState.CONFIRMED: GOOD,
    ChangeState.REQUESTED: INFO,
    ChangeState.SCHEDULED: INFO,
    ChangeState.UNPAID: WARNING,
    ChangeState.WITHDRAWN: PLAIN,
    ChangeState.FAILED: BAD,
}
REFUND_TONES: dict[str, str] = {
    RefundState.SUCCEEDED: GOOD,
    RefundState.PENDING: INFO,
    RefundState.REQUESTED: INFO,
    RefundState.FAILED: BAD,
}
ACCESS_TONES: dict[str, str] = {
    AccessLevel.FULL: GOOD,
    AccessLevel.NO_NEW_SEATS: WARNING,
    AccessLevel.READ_ONLY: BAD,
    AccessLevel.CLOSED: BAD,
}
# Said with since when, and until when it stays so.
_ACCESS = {
    AccessLevel.FULL: ("Everything works", ""),
    AccessLevel.NO_NEW_SEATS: ("No new seats are given", "; everything else works"),
    AccessLevel.READ_ONLY: ("People can only read", ""),
    AccessLevel.CLOSED: ("Closed but for reading and exporting by those who manage it", ""),
}
_LENGTHS: dict[str, str] = {Interval.MONTH: "month", Interval.QUARTER: "quarter", Interval.YEAR: "year"}


def money(minor: int, currency: str) -> str:
    """Return a sum of minor units for reading."""
    return shown_amount(minor, currency, "en")


def digits_of(currency: str) -> int:
    """Return how many digits after the point sums of the currency have."""
    known = STRIPE.get(currency.lower())
    return 2 if known is None else known.exponent


def minor_of(amount: Decimal, currency: str) -> int | None:
    """Return a sum in minor units; None for one with more digits than the currency has."""
    minor = amount.scaleb(digits_of(currency))
    return int(minor) if minor == minor.to_integral_value() else None


def day(instant: datetime | None) -> str:
    """Return a day for reading, in UTC; a dash for none."""
    return f"{instant:%d %b %Y}".lstrip("0") if instant is not None else "-"


def moment(instant: datetime) -> str:
    """Return day and minute for reading, in UTC."""
    return f"{day(instant)}, {instant:%H:%M}"


def per(interval: str) -> str:
    """Return "seat and month" for a month's price."""
    return f"seat and {_LENGTHS.get(interval, interval)}"


def access_sentence(access: Access) -> str:
    """Return what people may do, since when and until when."""
    said, rest = _ACCESS[access.level]
    since = f" since {day(access.since)}" if access.since is not None else ""
    until = f" until {day(access.until)}" if access.until is not None else ""
    kept = ""
    if access.seats_kept_until is not None:
        kept = f"; people keep their seats until {day(access.seats_kept_until)}"
    return f"{said}{since}{rest}{until}{kept}."
