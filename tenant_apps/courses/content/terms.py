"""What being enrolled in a course costs and how long it lasts: pure arithmetic on the course's facts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from billing.errors import AmountNotChargeable
from billing.money import MOST_MINOR, STRIPE, check_price
from tenant_apps.courses.enums import AccessType, PriceType
from tenant_apps.courses.errors import AccessDaysMismatch, PriceMismatch

# A hundred years; more days are "without limit".
MOST_ACCESS_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class CourseTerms:
    """Price and access of one course.

    Attributes:
        price_type: free, paid, or part of a subscription.
        price_minor: price before the discount, in minor units; None unless paid.
        compare_at_minor: the higher price shown struck through; None without one.
        currency: ISO 4217, lower case; "" unless paid.
        discount_percent: 1 to 99; None without a discount.
        access_type: without limit, a number of days, or as long as the subscription.
        access_days: days of access; None unless limited.
    """

    price_type: str = PriceType.FREE
    price_minor: int | None = None
    compare_at_minor: int | None = None
    currency: str = ""
    discount_percent: int | None = None
    access_type: str = AccessType.LIFETIME
    access_days: int | None = None

    @property
    def effective_price_minor(self) -> int | None:
        """The price after the discount, rounded half up to what the currency can be charged in; None unless
        paid."""
        if self.price_minor is None:
            return None
        if not self.discount_percent:
            return self.price_minor
        step = STRIPE[self.currency].step if self.currency in STRIPE else 1
        left = self.price_minor * (100 - self.discount_percent)
        return (2 * left + 100 * step) // (200 * step) * step


def access_ends_at(terms: CourseTerms, since: datetime) -> datetime | None:
    """Return the instant from which access that began at `since` is over; None for access without an end of
    its own (a subscription's is ended by the subscription).

    A day is 24 hours, whatever clocks do meanwhile: who gets 30 days gets 720 hours.
    """
    if terms.access_type != AccessType.LIMITED or terms.access_days is None:
        return None
    return since + timedelta(days=terms.access_days)


def check_terms(terms: CourseTerms) -> None:
    """Refuse terms that contradict themselves or could not be charged.

    Raises:
        PriceMismatch: a price where nothing is paid for, none where something is, or a compare price that is
            not above it. `reason` says which.
        CurrencyUnknown: the currency is none that is sold in.
        AmountNotChargeable: the price, or what the discount leaves of it.
        AccessDaysMismatch: limited access without days, or days where access has no limit.
    """
    _check_access(terms)
    if terms.price_type != PriceType.PAID:
        for field in ("price_minor", "compare_at_minor", "discount_percent"):
            if getattr(terms, field) is not None:
                raise PriceMismatch(field=field, reason="not_paid")
        if terms.currency:
            raise PriceMismatch(field="currency", reason="not_paid")
        return
    if not terms.price_minor:
        raise PriceMismatch(field="price_minor", reason="price_missing")
    _check_chargeable(terms.currency, terms.price_minor, field="price_minor")
    left = terms.effective_price_minor or 1
    if left != terms.price_minor:
        _check_chargeable(terms.currency, left, field="discount_percent")
    if terms.compare_at_minor is not None and not terms.price_minor < terms.compare_at_minor <= MOST_MINOR:
        raise PriceMismatch(field="compare_at_minor", reason="not_above_price")


def _check_chargeable(currency: str, amount_minor: int, *, field: str) -> None:
    try:
        check_price(currency, amount_minor, least_seats=1)
    except AmountNotChargeable as error:
        raise AmountNotChargeable(field=field, **error.facts) from error


def _check_access(terms: CourseTerms) -> None:
    if (terms.access_type == AccessType.LIMITED) != (terms.access_days is not None):
        raise AccessDaysMismatch(field="access_days", access_type=terms.access_type)
