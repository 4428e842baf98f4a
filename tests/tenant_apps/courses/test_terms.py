"""Prices and lengths of access: arithmetic, and what is refused."""

from datetime import UTC, datetime

import pytest

from billing.errors import AmountNotChargeable, CurrencyUnknown
from shared_apps.core.errors import DomainError
from tenant_apps.courses.content.terms import CourseTerms, access_ends_at, check_terms
from tenant_apps.courses.errors import AccessDaysMismatch, PriceMismatch

PAID = {"price_type": "paid", "currency": "eur"}


@pytest.mark.feature("CRS-04")
@pytest.mark.parametrize(
    ("currency", "price", "percent", "left"),
    [
        ("eur", 1299, None, 1299),
        ("eur", 1299, 10, 1169),  # 1169.1
        ("eur", 1250, 33, 838),  # 837.5, half up
        ("eur", 9999, 99, 100),
        ("jpy", 999, 50, 500),  # 499.5
        ("bhd", 12340, 33, 8270),  # 8267.8, to the next ten
    ],
)
def test_the_discount_leaves_a_chargeable_price(
    currency: str, price: int, percent: int | None, left: int
) -> None:
    terms = CourseTerms("paid", price, None, currency, percent)
    check_terms(terms)
    assert terms.effective_price_minor == left


@pytest.mark.feature("CRS-04")
@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        (PAID, PriceMismatch, "price_minor"),
        (PAID | {"price_minor": 0}, PriceMismatch, "price_minor"),
        (PAID | {"price_minor": 999, "currency": "xyz"}, CurrencyUnknown, "currency"),
        (PAID | {"price_minor": 999, "currency": ""}, CurrencyUnknown, "currency"),
        (PAID | {"price_minor": -999}, AmountNotChargeable, "price_minor"),
        (PAID | {"price_minor": 999, "compare_at_minor": 999}, PriceMismatch, "compare_at_minor"),
        (PAID | {"price_minor": 100, "discount_percent": 60}, AmountNotChargeable, "discount_percent"),
        ({"price_minor": 999}, PriceMismatch, "price_minor"),
        ({"currency": "eur"}, PriceMismatch, "currency"),
        ({"price_type": "subscription", "discount_percent": 5}, PriceMismatch, "discount_percent"),
        ({"access_type": "limited"}, AccessDaysMismatch, "access_days"),
        ({"access_days": 30}, AccessDaysMismatch, "access_days"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(
    facts: dict[str, object], error: type[DomainError], field: str
) -> None:
    with pytest.raises(error) as refused:
        check_terms(CourseTerms(**facts))  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.feature("CRS-05")
@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({}, None),
        ({"access_type": "subscription"}, None),
        # 720 hours, also where the clocks went forward in between
        ({"access_type": "limited", "access_days": 30}, datetime(2026, 4, 14, 10, 30, 7, tzinfo=UTC)),
        ({"access_type": "limited", "access_days": 1}, datetime(2026, 3, 16, 10, 30, 7, tzinfo=UTC)),
    ],
)
def test_access_ends_at_the_computed_instant(facts: dict[str, object], end: datetime | None) -> None:
    terms = CourseTerms(**facts)  # type: ignore[arg-type]
    assert access_ends_at(terms, datetime(2026, 3, 15, 10, 30, 7, tzinfo=UTC)) == end
