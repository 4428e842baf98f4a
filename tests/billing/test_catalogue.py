"""What is sold: amounts a gateway can charge, prices that never change, a catalogue brought over once."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.enums import Interval, TaxBehavior
from billing.errors import AmountNotChargeable, CurrencyUnknown, PlanNotOffered, PriceTaken
from billing.models import Plan, PlanPrice, Subscription
from billing.money import MOST_MINOR, check_price
from billing.selectors.prices import read_price_list
from billing.services.catalogue.prices import archive_price, create_price
from billing.services.catalogue.syncing import sync_catalogue
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import NotFound
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault

OPERATOR = system_actor("tests")
# Currency, an amount that is fine for one seat, and amounts that are not.
CELLS = [
    ("usd", 50, (49, 1)),
    ("eur", 50, (49,)),
    ("gbp", 30, (29,)),
    ("inr", 5_000, (4_999,)),
    ("ngn", 100_000, (99_999,)),
    ("jpy", 50, (49,)),
    ("bhd", 250, (249, 251, 1_005)),
]


def price(plan: Plan, **facts: Any) -> PlanPrice:
    wanted = {"interval": Interval.MONTH, "currency": "eur", "unit_minor": 1200, **facts}
    return create_price(actor=OPERATOR, plan_id=plan.id, **wanted)


@pytest.fixture
def plan(shared: None) -> Plan:
    return Plan.objects.create(code="team", name="Team")


@pytest.mark.feature("SUB-01")
@pytest.mark.parametrize(("currency", "fine", "wrong"), CELLS)
def test_each_currency_has_its_least_amount_and_step(
    currency: str, fine: int, wrong: tuple[int, ...]
) -> None:
    check_price(currency, fine, least_seats=1)
    check_price(currency, 0, least_seats=1)
    for amount in (*wrong, MOST_MINOR + 10):
        with pytest.raises(AmountNotChargeable):
            check_price(currency, amount, least_seats=1)


def test_the_least_charge_counts_with_the_least_seats() -> None:
    check_price("usd", 10, least_seats=5)
    with pytest.raises(AmountNotChargeable):
        check_price("usd", 10, least_seats=4)


@pytest.mark.parametrize("currency", ["xxx", "EUR", "", "isk"])
def test_other_currencies_are_refused(currency: str) -> None:
    with pytest.raises(CurrencyUnknown):
        check_price(currency, 1200, least_seats=1)


@pytest.mark.feature("SUB-01")
def test_a_price_is_replaced_never_changed(plan: Plan) -> None:
    first = price(plan)
    with pytest.raises(PriceTaken) as refused:
        price(plan, unit_minor=1500)
    assert refused.value.facts == {"price": str(first.id)}
    for _ in range(2):
        archive_price(actor=OPERATOR, plan_id=plan.id, price_id=first.id)
    second = price(plan, unit_minor=1500)
    assert list(PlanPrice.objects.order_by("id").values_list("unit_minor", "is_active")) == [
        (1200, False),
        (1500, True),
    ]
    actions = ["prices.create", "prices.archive", "prices.create"]
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == actions
    assert second.key != first.key


def test_prices_hang_on_their_plan(plan: Plan) -> None:
    other = Plan.objects.create(code="other", name="Other")
    made = price(plan)
    with pytest.raises(NotFound):
        archive_price(actor=OPERATOR, plan_id=other.id, price_id=made.id)
    Plan.objects.filter(id=other.id).update(is_active=False)
    with pytest.raises(PlanNotOffered):
        price(other)


@pytest.mark.feature("SUB-01")
def test_the_list_shows_what_can_be_bought(plan: Plan) -> None:
    price(plan)
    assert read_price_list() == []  # the gateway does not have it yet
    PlanPrice.objects.update(gateway_ref="price_1")
    [found] = read_price_list()
    assert [each.unit_minor for each in found.sold] == [1200]  # type: ignore[attr-defined]
    assert read_price_list(currency="usd") == []
    Plan.objects.update(is_active=False)
    assert read_price_list() == []


@pytest.mark.feature("SUB-01")
def test_every_interval_is_brought_over(account: Account) -> None:
    for interval in (Interval.QUARTER, Interval.YEAR):
        price(account.price.plan, interval=interval, tax_behavior=TaxBehavior.INCLUSIVE)
    done = sync_catalogue()
    assert (done.made, done.drifts) == (2, ())
    rhythms = {
        (row["recurring"]["interval"], row["recurring"]["interval_count"], row["tax_behavior"])
        for row in account.server.account.all("price")
    }
    assert rhythms == {("month", 1, "exclusive"), ("month", 3, "inclusive"), ("year", 1, "inclusive")}


@pytest.mark.feature("SUB-01")
def test_an_archived_price_goes_on_for_who_has_it(account: Account) -> None:
    account.subscribe(10)
    deliver_all(account.server)
    archive_price(actor=OPERATOR, plan_id=account.price.plan_id, price_id=account.price.id)
    assert sync_catalogue().retired == 1
    assert account.server.account.all("price")[0]["active"] is False
    row = Subscription.objects.get()
    assert (row.status, row.price_id) == ("active", account.price.id)


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
@pytest.mark.parametrize("route", ["/v1/products", "/v1/prices"])
def test_a_run_that_failed_is_run_again(account: Account, route: str, fault: Fault, settings: Any) -> None:
    second = Plan.objects.create(code="large", name="Large")
    price(second)
    account.server.faults.order(fault, "post", route, times=1 if fault is Fault.TOO_MANY else 3)
    with pytest.raises(CommandError):
        call_command("sync_catalogue", stdout=StringIO())
    call_command("sync_catalogue", stdout=StringIO())
    assert len(account.server.account.all("price")) == 2
    assert len(account.server.account.all("product")) == 2
    assert not PlanPrice.objects.filter(gateway_ref=None).exists()


@pytest.mark.feature("SUB-08")
def test_the_command_tells_a_drift_and_corrects_nothing(account: Account) -> None:
    theirs = account.server.account.objects["price"][str(account.price.gateway_ref)]
    theirs["unit_amount"] = 1
    said = StringIO()
    with pytest.raises(CommandError, match="1 facts differ"):
        call_command("sync_catalogue", stdout=said)
    assert "unit_minor is 1200 here and 1 there" in said.getvalue()
    assert theirs["unit_amount"] == 1


def test_a_check_changes_nothing(account: Account) -> None:
    call_command("sync_catalogue", "--check", stdout=StringIO())
    price(account.price.plan, interval=Interval.YEAR)
    calls = len(account.server.calls)
    with pytest.raises(CommandError, match="does not have everything"):
        call_command("sync_catalogue", "--check", stdout=StringIO())
    assert [call for call in account.server.calls[calls:] if call[0] != "get"] == []
    assert PlanPrice.objects.filter(gateway_ref=None).count() == 1


def test_without_a_gateway_the_command_says_so(shared: None, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    with pytest.raises(CommandError, match="payments_not_set_up"):
        call_command("sync_catalogue", stdout=StringIO())
