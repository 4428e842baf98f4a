"""The sums of recurring billing in integer minor units, from Stripe's public description of proration.

Nothing here is shared with the product, so that the two can be held against each other.
"""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction

# What Stripe Tax would find for a business customer of the country; a fixed table, in basis points.
TAX_BASIS_POINTS = {
    "AT": 2000,
    "DE": 1900,
    "ES": 2100,
    "FR": 2000,
    "GB": 2000,
    "IN": 1800,
    "IT": 2200,
    "NL": 2100,
}
# Where the seller sits: customers of other countries of the union with a VAT id owe the tax themselves.
SELLER_COUNTRY = "DE"
UNION = frozenset({"AT", "DE", "ES", "FR", "IT", "NL"})

_MONTHS = {"month": 1, "year": 12}
_SECONDS = {"day": 86_400, "week": 604_800}


def rounded(value: Fraction) -> int:
    """Return the value rounded half to even, as Python's own `round` of a fraction does."""
    return round(value)


def prorated(amount: int, part_seconds: int, whole_seconds: int) -> int:
    """Return what `amount` for the whole comes to for a part of it."""
    return rounded(Fraction(amount * part_seconds, whole_seconds))


def add_interval(start: int, interval: str, count: int, anchor: int) -> int:
    """Return the end of a period that starts at `start`.

    Args:
        start: seconds since 1970, UTC.
        interval: day, week, month or year.
        anchor: the subscription's billing anchor, whose day of the month and time each month keeps as far as
            it has such a day (31 January, 28 February, 31 March).
    """
    if interval in _SECONDS:
        return start + _SECONDS[interval] * count
    begin, fixed = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(anchor, UTC)
    months = begin.year * 12 + begin.month - 1 + _MONTHS[interval] * count
    year, month = divmod(months, 12)
    day = min(fixed.day, calendar.monthrange(year, month + 1)[1])
    end = begin.replace(
        year=year, month=month + 1, day=day, hour=fixed.hour, minute=fixed.minute, second=fixed.second
    )
    return int(end.timestamp())


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Return `total` in parts that go with the weights and sum to it exactly (largest remainder)."""
    whole = sum(weights)
    if whole == 0:
        return [0 for _ in weights]
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(each) for each in exact]
    by_rest = sorted(range(len(weights)), key=lambda place: (parts[place] - exact[place], place))
    step = 1 if total >= sum(parts) else -1
    for place in by_rest[: abs(total - sum(parts))]:
        parts[place] += step
    return parts


def tax_rate(country: str | None, *, has_vat_id: bool) -> tuple[int, str]:
    """Return basis points and Stripe's word for why."""
    if country is None or country not in TAX_BASIS_POINTS:
        return 0, "not_collecting"
    if has_vat_id and country in UNION and country != SELLER_COUNTRY:
        return 0, "reverse_charge"
    return TAX_BASIS_POINTS[country], "standard_rated"


def tax_of(amount: int, basis_points: int, *, inclusive: bool) -> int:
    """Return the tax in (inclusive) or upon (exclusive) an amount."""
    whole = 10_000 + basis_points if inclusive else 10_000
    return rounded(Fraction(amount * basis_points, whole))
