"""Promotion codes: coherent, brought to the gateway once, taken no more when archived."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from billing.enums import Duration
from billing.errors import (
    AmountNotChargeable,
    CurrencyUnknown,
    GatewayUnavailable,
    PromotionCodeTaken,
    PromotionIncoherent,
)
from billing.models import Promotion
from billing.services.catalogue.promotions import (
    PromotionDraft,
    archive_promotion,
    create_promotion,
    sync_promotions,
)
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import NotFound
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault

OPERATOR = system_actor("tests")


def make(**facts: Any) -> Promotion:
    return create_promotion(actor=OPERATOR, draft=PromotionDraft(**{"code": "spring", **facts}))


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({}, PromotionIncoherent),
        ({"percent": 10, "amount_minor": 10, "currency": "eur"}, PromotionIncoherent),
        ({"percent": 10, "currency": "eur"}, PromotionIncoherent),
        ({"amount_minor": 10}, PromotionIncoherent),
        ({"percent": 10, "months": 3}, PromotionIncoherent),
        ({"percent": 10, "duration": Duration.REPEATING}, PromotionIncoherent),
        ({"amount_minor": 10, "currency": "xxx"}, CurrencyUnknown),
        ({"amount_minor": 15, "currency": "bhd"}, AmountNotChargeable),
        ({"percent": 10, "plan_id": uuid.UUID(int=9)}, NotFound),
    ],
)
def test_facts_that_do_not_go_together(shared: None, facts: dict[str, Any], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        make(**facts)
    assert Promotion.objects.count() == 0


def test_a_code_that_is_over_is_not_begun(shared: None) -> None:
    with pytest.raises(PromotionIncoherent):
        make(percent=10, expires_at=clock.now())


def test_a_code_is_taken_once_however_it_is_written(shared: None) -> None:
    assert make(percent=10).code == "SPRING"
    with pytest.raises(PromotionCodeTaken):
        make(code="Spring", percent=20)


def test_a_code_is_brought_over_with_all_it_says(account: Account) -> None:
    ends = clock.now() + timedelta(days=30)
    made = make(
        percent=20,
        duration=Duration.REPEATING,
        months=3,
        plan_id=account.price.plan_id,
        max_redemptions=7,
        expires_at=ends,
    )
    assert (sync_promotions(), sync_promotions()) == (1, 0)
    [coupon] = account.server.account.all("coupon")
    assert (coupon["percent_off"], coupon["duration"], coupon["duration_in_months"]) == (20, "repeating", 3)
    assert coupon["applies_to"] == {"products": ["palaestra-team"]}
    [code] = account.server.account.all("promotion_code")
    assert (code["code"], code["max_redemptions"]) == ("SPRING", 7)
    assert code["expires_at"] == int(ends.timestamp())
    made.refresh_from_db()
    assert made.gateway_ref == code["id"]


def test_an_archived_code_is_taken_no_more(account: Account) -> None:
    made = make(amount_minor=500, currency="eur")
    sync_promotions()
    for _ in range(2):
        archive_promotion(actor=OPERATOR, promotion_id=made.id)
    sync_promotions()
    [code] = account.server.account.all("promotion_code")
    assert code["active"] is False
    with pytest.raises(NotFound):
        archive_promotion(actor=OPERATOR, promotion_id=uuid.UUID(int=9))


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
@pytest.mark.parametrize("route", ["/v1/coupons", "/v1/promotion_codes"])
def test_a_call_that_fails_is_made_again(account: Account, route: str, fault: Fault) -> None:
    make(percent=20)
    account.server.faults.order(fault, "post", route, times=1 if fault is Fault.TOO_MANY else 3)
    with pytest.raises(GatewayUnavailable):
        sync_promotions()
    assert sync_promotions() == 1
    assert len(account.server.account.all("coupon")) == 1
    assert len(account.server.account.all("promotion_code")) == 1


def test_one_that_is_refused_keeps_no_other_back(account: Account) -> None:
    make(code="FIRST", percent=20)
    sync_promotions()
    Promotion.objects.all().delete()
    make(code="FIRST", percent=30)
    make(code="SECOND", percent=30)
    assert sync_promotions() == 1
    assert Promotion.objects.get(gateway_ref__isnull=False).code == "SECOND"
