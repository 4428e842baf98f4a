"""What operators sell, and what somebody sees who has not signed up yet."""

import uuid
from typing import Any

import pytest

from billing.models import Plan, PlanPrice, Promotion
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from tests.billing.conftest import Account, account, account_of, server
from tests.support.client import PLATFORM_HOST, Caller

__all__ = ["account", "account_of", "server"]

P = "/api/v1/plans"
PRICE = {"interval": "month", "currency": "EUR", "unit_minor": 1200}


@pytest.fixture
def plan(operator: Caller) -> dict[str, Any]:
    made: dict[str, Any] = operator.post(P, {"code": "large", "name": "Large", "max_seats": 50}).json()
    return made


@pytest.mark.feature("SUB-01")
def test_an_operator_sells_a_plan(account: Account, operator: Caller, plan: dict[str, Any]) -> None:
    made = operator.post(f"{P}/{plan['id']}/prices", PRICE)
    assert made.status_code == 201
    assert made.json()["unit"] == {"amount_minor": 1200, "currency": "EUR"}
    assert made.json()["gateway_ref"] is None
    taken = operator.post(f"{P}/{plan['id']}/prices", {**PRICE, "unit_minor": 1})
    assert taken.status_code == 400
    taken = operator.post(f"{P}/{plan['id']}/prices", {**PRICE, "unit_minor": 1300})
    assert (taken.status_code, taken.json()["code"]) == (409, "price_taken")
    sync_catalogue()
    [listed] = operator.get(f"{P}/{plan['id']}/prices").json()["results"]
    assert listed["gateway_ref"].startswith("price_")
    archived = operator.post(f"{P}/{plan['id']}/prices/{listed['id']}/archive")
    assert (archived.status_code, archived.json()["is_active"]) == (200, False)
    assert operator.post(f"{P}/{plan['id']}/prices", {**PRICE, "unit_minor": 1300}).status_code == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unit_minor": 1}, "amount_not_chargeable"),
        ({"unit_minor": -1}, ""),
        ({"unit_minor": 10**9}, ""),
        ({"currency": "XXX"}, "currency_unknown"),
        ({"currency": "eur"}, ""),
        ({"currency": "BHD", "unit_minor": 1005}, "amount_not_chargeable"),
        ({"interval": "week"}, ""),
        ({"tax_behavior": "none"}, ""),
    ],
)
def test_a_wrong_price_is_refused(
    operator: Caller, plan: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    answer = operator.post(f"{P}/{plan['id']}/prices", {**PRICE, **change})
    assert answer.status_code == 400
    if code:
        assert answer.json()["code"] == code
    assert PlanPrice.objects.count() == 0


def test_a_plan_that_is_not_there(operator: Caller, plan: dict[str, Any]) -> None:
    nobody = uuid.UUID(int=9)
    assert operator.get(f"{P}/{nobody}/prices").status_code == 404
    assert operator.post(f"{P}/{nobody}/prices", PRICE).status_code == 404
    assert operator.post(f"{P}/{plan['id']}/prices/{nobody}/archive").status_code == 404


def test_a_plan_says_how_seats_move(operator: Caller, plan: dict[str, Any]) -> None:
    said = {"position": 3, "cooling_hours": 24, "moves_percent": 20, "overuse": "grow"}
    changed = operator.patch(f"{P}/{plan['id']}", said).json()
    assert {name: changed[name] for name in said} == said
    assert operator.patch(f"{P}/{plan['id']}", {"overuse": "sell"}).status_code == 400
    assert operator.patch(f"{P}/{plan['id']}", {"cooling_hours": -1}).status_code == 400
    unknown = operator.patch(f"{P}/{plan['id']}", {"features": {"teleport": True}})
    assert unknown.status_code == 400


@pytest.mark.feature("SUB-01")
def test_anybody_sees_what_is_sold(account: Account) -> None:
    visitor = Caller(PLATFORM_HOST)
    answer = visitor.get("/api/v1/prices?currency=EUR")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=60"
    assert "RateLimit-Limit" in answer
    [shown] = answer.json()
    assert (shown["code"], shown["prices"][0]["unit"]) == (
        "team",
        {"amount_minor": 1200, "currency": "EUR"},
    )
    assert "id" not in shown
    assert visitor.get("/api/v1/prices?currency=USD").json() == []
    assert visitor.get("/api/v1/prices?currency=%00").status_code == 400
    Plan.objects.update(is_active=False)
    assert visitor.get("/api/v1/prices").json() == []


def test_an_operator_keeps_promotion_codes(account: Account, operator: Caller) -> None:
    made = operator.post("/api/v1/promotions", {"code": "spring", "percent": 25})
    assert (made.status_code, made.json()["code"]) == (201, "SPRING")
    assert made.json()["is_at_gateway"] is False
    again = operator.post("/api/v1/promotions", {"code": "Spring", "percent": 10})
    assert (again.status_code, again.json()["code"]) == (409, "promotion_code_taken")
    sync_promotions()
    path = f"/api/v1/promotions/{made.json()['id']}"
    assert operator.get(path).json()["is_at_gateway"] is True
    assert operator.post(f"{path}/archive").json()["is_active"] is False
    assert operator.get("/api/v1/promotions?is_active=true").json()["results"] == []
    amount = {"amount_minor": 500, "currency": "EUR"}
    other = operator.post("/api/v1/promotions", {"code": "less", "amount": amount})
    assert other.json()["amount"] == amount


@pytest.mark.parametrize(
    "facts",
    [
        {"code": "x1y"},
        {"code": "x1y", "percent": 0},
        {"code": "x1y", "percent": 101},
        {"code": "x1y", "percent": 10, "amount": {"amount_minor": 1, "currency": "EUR"}},
        {"code": "x1y", "amount": {"amount_minor": 1, "currency": "XXX"}},
        {"code": "x1y", "amount": {"amount_minor": 0, "currency": "EUR"}},
        {"code": "x1y", "percent": 10, "duration": "repeating"},
        {"code": "x1y", "percent": 10, "months": 2},
        {"code": "x1y", "percent": 10, "expires_at": "2001-01-01T00:00:00Z"},
        {"code": "with space", "percent": 10},
        {"code": "nul\0", "percent": 10},
    ],
)
def test_a_wrong_promotion_is_refused(operator: Caller, facts: dict[str, Any]) -> None:
    assert operator.post("/api/v1/promotions", facts).status_code == 400
    assert Promotion.objects.count() == 0
