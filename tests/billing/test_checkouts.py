"""Pages on which an organization subscribes: one at a time, whatever fails; paid when the gateway says so."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import requests

from billing.enums import CheckoutState, Interval
from billing.errors import (
    CheckoutPaid,
    CheckoutReplaced,
    CurrencyFixed,
    GatewayUnavailable,
    GrantedSubscriptionExists,
    PlanNotOffered,
    PromotionNotValid,
    ReturnAddressForeign,
    TrialUsed,
)
from billing.gateways.stripe_gateway import StripeGateway
from billing.models import BillingAccount, Checkout, Plan, PlanPrice, Promotion, Subscription
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.customers.checkouts import (
    do_adopt_customer,
    expire_checkout,
    start_checkout,
    start_sign_up_checkout,
    sweep_checkouts,
)
from shared_apps.core import clock
from shared_apps.core.errors import Conflict
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.models import OutboxMessage
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault

PAGES = "/v1/checkout/sessions"


def wish(account: Account, **more: Any) -> Checkout:
    return start_checkout(
        **{
            "actor": account.actor,
            "organization_id": account.organization.id,
            "plan_code": "team",
            "interval": Interval.MONTH,
            "currency": "eur",
            "seats": 10,
            **more,
        }
    )


def pay(account: Account, page: Checkout, **facts: str) -> requests.Response:
    address = f"{account.server.url}/_payer/checkout/{page.gateway_ref}/pay"
    return requests.post(address, data=facts, timeout=5)


@contextmanager
def spoilt(account: Account, fault: Fault, route: str, settings: Any) -> Iterator[None]:
    """Have the call fail as often as it is tried: the SDK repeats all but what says that it is too busy."""
    account.server.faults.stall_seconds = 0.5
    account.server.faults.order(fault, "post", route, times=1 if fault is Fault.TOO_MANY else 3)
    before = settings.STRIPE_ANSWER_SECONDS
    # A call that is late without a fault is one that is repeated, too.
    settings.STRIPE_ANSWER_SECONDS = 0.1 if fault is Fault.STALL else before
    with pytest.raises(GatewayUnavailable):
        yield
    settings.STRIPE_ANSWER_SECONDS = before
    account.server.faults.clear()


def pages_open(account: Account) -> list[str]:
    return [row["id"] for row in account.server.account.all("checkout.session", status="open")]


def sign_up(account: Account, sign_up_id: uuid.UUID, **more: Any) -> Checkout:
    return start_sign_up_checkout(
        **{
            "sign_up_id": sign_up_id,
            "name": "Initech",
            "email": "bill@initech.example",
            "plan_code": "team",
            "interval": Interval.MONTH,
            "currency": "eur",
            "seats": 10,
            "with_card": True,
            "success_url": "https://app.palaestra.test/done",
            "cancel_url": "https://app.palaestra.test/plans",
            **more,
        }
    )


@pytest.mark.feature("PAY-02", "BIL-01")
def test_a_page_says_all_that_is_wished(account: Account, settings: Any) -> None:
    settings.CHECKOUT_AUTOMATIC_TAX = settings.CHECKOUT_TAX_IDS = settings.CHECKOUT_PROMOTION_CODES = True
    page = wish(account)
    [seen] = account.server.account.all("checkout.session")
    assert (page.state, page.url) == (CheckoutState.OPEN, seen["url"])
    assert (seen["client_reference_id"], seen["amount_total"]) == (str(page.id), 12_000)
    assert seen["customer"] == BillingAccount.objects.get().gateway_ref
    assert seen["automatic_tax"]["enabled"] is True
    assert seen["allow_promotion_codes"] is True
    assert seen["payment_method_collection"] == "always"
    assert seen["success_url"] == "http://acme.palaestra.test/billing?paid=1"
    assert account.server.account.wishes[seen["id"]]["data"]["billing_mode"] == {"type": "flexible"}


@pytest.mark.feature("PAY-11", "BIL-01")
def test_the_browser_coming_back_proves_nothing(account: Account) -> None:
    page = wish(account)
    # Somebody opens the address that the page leads to, without paying: nothing comes of it.
    assert Subscription.objects.count() == 0
    assert Checkout.objects.get(id=page.id).state == CheckoutState.OPEN
    pay(account, page)
    # Paid, and still nothing before the gateway says so.
    assert Subscription.objects.count() == 0
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert (row.purchased, row.status) == (10, "active")
    done = Checkout.objects.get(id=page.id)
    assert (done.state, done.subscription_ref) == (CheckoutState.COMPLETE, row.gateway_ref)
    assert BillingAccount.objects.get().currency == "eur"


@pytest.mark.feature("PAY-11")
def test_a_debit_that_the_bank_has_not_confirmed_gives_no_seats(account: Account) -> None:
    page = wish(account)
    pay(account, page, card="bank")
    deliver_all(account.server)
    assert Checkout.objects.get(id=page.id).state == CheckoutState.COMPLETE
    assert not Subscription.objects.filter(status="active").exists()


def test_a_second_wish_closes_the_first(account: Account) -> None:
    first = wish(account, seats=10)
    second = wish(account, seats=20)
    assert pages_open(account) == [second.gateway_ref]
    assert Checkout.objects.get(id=first.id).state == CheckoutState.EXPIRED
    assert pay(account, first).status_code == 400


def test_another_address_to_come_back_to_is_another_wish(account: Account) -> None:
    first = wish(account)
    second = wish(account, success_url="http://acme.palaestra.test/thanks")
    assert first.id != second.id
    assert pages_open(account) == [second.gateway_ref]


@pytest.mark.feature("PAY-11")
def test_a_second_wish_hears_that_the_first_was_paid(account: Account) -> None:
    first = wish(account, seats=10)
    pay(account, first)
    with pytest.raises(CheckoutPaid):
        wish(account, seats=20)
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    assert pages_open(account) == []
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == 10


@pytest.mark.feature("PAY-11")
def test_nobody_pays_again_for_what_is_on_its_way(account: Account) -> None:
    """The page was paid and its subscription has not arrived: asking twice is no way to a second page."""
    first = wish(account, seats=10)
    pay(account, first)
    for _ in range(2):
        with pytest.raises(CheckoutPaid) as refused:
            wish(account, seats=20)
        assert refused.value.facts == {"checkout": str(first.id)}
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    assert pages_open(account) == []
    # It arrives and ends: who wants to can subscribe again.
    deliver_all(account.server)
    account.gateway.cancel(str(Subscription.objects.get().gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    assert wish(account, seats=20).state == CheckoutState.OPEN


def test_a_first_page_that_may_still_be_open_lets_no_second_open(account: Account) -> None:
    first = wish(account, seats=10)
    account.server.faults.order(Fault.ERROR_BEFORE, "post", f"{PAGES}/{{session}}/expire", times=9)
    with pytest.raises(GatewayUnavailable):
        wish(account, seats=20)
    assert Checkout.objects.get().state == CheckoutState.OPEN
    assert pages_open(account) == [first.gateway_ref]


def test_a_wish_that_is_overtaken_closes_its_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = StripeGateway.start_checkout, []

    def slowly(gateway: Any, wanted: Any, **more: Any) -> Any:
        started = real(gateway, wanted, **more)
        if wanted.seats == 10:  # while this page was being made, another is wished
            other.append(wish(account, seats=20))
        return started

    monkeypatch.setattr(StripeGateway, "start_checkout", slowly)
    with pytest.raises(CheckoutReplaced):
        wish(account, seats=10)
    assert pages_open(account) == [other[0].gateway_ref]


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("route", ["/v1/customers", PAGES])
def test_a_call_that_fails_heals_with_the_same_wish(
    account: Account, route: str, fault: Fault, settings: Any
) -> None:
    with spoilt(account, fault, route, settings):
        wish(account)
    page = wish(account)
    assert page.state == CheckoutState.OPEN
    assert pages_open(account) == [page.gateway_ref]
    assert len(account.server.account.all("customer")) == 1
    assert Checkout.objects.count() == 1
    pay(account, page)
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == 10
    assert len(account.server.account.all("payment_intent")) == 1


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.DROP_AFTER])
def test_a_lost_page_is_closed_before_another_is_opened(account: Account, fault: Fault) -> None:
    account.server.faults.order(fault, "post", PAGES, times=3)
    with pytest.raises(GatewayUnavailable):
        wish(account, seats=10)
    assert len(pages_open(account)) == 1
    page = wish(account, seats=20)
    assert pages_open(account) == [page.gateway_ref]


def test_pages_whose_time_is_over_are_settled(account: Account) -> None:
    lost = wish(account)
    Checkout.objects.update(expires_at=clock.now() - timedelta(minutes=1))
    assert sweep_checkouts() == 1
    assert Checkout.objects.get(id=lost.id).state == CheckoutState.EXPIRED
    assert sweep_checkouts() == 0
    paid = wish(account)
    pay(account, paid)
    Checkout.objects.filter(id=paid.id).update(expires_at=clock.now() - timedelta(minutes=1))
    assert sweep_checkouts() == 1
    assert Checkout.objects.get(id=paid.id).state == CheckoutState.COMPLETE


def test_the_sweep_waits_for_a_gateway_that_is_away(account: Account) -> None:
    wish(account)
    Checkout.objects.update(expires_at=clock.now() - timedelta(minutes=1))
    account.server.faults.order(Fault.ERROR_BEFORE, "post", f"{PAGES}/{{session}}/expire", times=3)
    assert sweep_checkouts() == 0
    assert Checkout.objects.get().state == CheckoutState.OPEN
    assert sweep_checkouts() == 1


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://acme.palaestra.test.evil.example/",
        "https://globex.palaestra.test/",
        "https://acme.palaestra.test@evil.example/",
        "https://evil.example\\@acme.palaestra.test/",
        "//evil.example/",
        "/relative",
        "javascript:alert(1)",
        "ftp://acme.palaestra.test/",
        "https://acme.palaestra.test:8443/",
        "https://acme.palaestra.test/\nx",
        "https://[::1/",
        " https://acme.palaestra.test/",
    ],
)
def test_pages_lead_back_to_own_hosts_only(account: Account, globex: Organization, address: str) -> None:
    with pytest.raises(ReturnAddressForeign):
        wish(account, success_url=address)
    with pytest.raises(ReturnAddressForeign):
        wish(account, cancel_url=address)
    assert Checkout.objects.count() == 0


def test_hosts_of_the_settings_are_fine(account: Account, settings: Any) -> None:
    settings.BILLING_RETURN_HOSTS = ["front.example:8443"]
    assert wish(account, success_url="https://front.example:8443/a?b=c").state == CheckoutState.OPEN
    with pytest.raises(ReturnAddressForeign):
        wish(account, success_url="https://front.example/")


# --- Trials and currencies ------------------------------------------------------------------------


@pytest.mark.feature("SUB-02")
def test_one_trial_for_a_customer(account: Account) -> None:
    Plan.objects.update(trial_days=14)
    page = wish(account)
    assert page.trial_days == 14
    pay(account, page)
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert row.status == "trialing"
    assert BillingAccount.objects.get().trial_used_at is not None
    account.gateway.cancel(str(row.gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    assert wish(account).trial_days == 0
    with pytest.raises(TrialUsed):
        wish(account, trial=True)


@pytest.mark.feature("SUB-02")
def test_a_trial_that_only_the_subscription_tells_of_counts(account: Account) -> None:
    """The message of the page was lost; the subscription's came."""
    Plan.objects.update(trial_days=14)
    page = wish(account)
    pay(account, page)
    deliver_all(account.server)
    BillingAccount.objects.update(trial_used_at=None)
    account.gateway.cancel(str(Subscription.objects.get().gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    assert wish(account).trial_days == 0


def test_a_trial_can_be_declined(account: Account) -> None:
    Plan.objects.update(trial_days=14)
    assert wish(account, trial=False).trial_days == 0


def test_a_customer_pays_in_one_currency(account: Account) -> None:
    PlanPrice.objects.create(
        plan=account.price.plan, interval=Interval.MONTH, currency="usd", unit_minor=1300
    )
    sync_catalogue()
    account.subscribe()
    deliver_all(account.server)
    account.gateway.cancel(str(Subscription.objects.get().gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    with pytest.raises(CurrencyFixed) as refused:
        wish(account, currency="usd")
    assert refused.value.facts == {"currency": "EUR", "asked": "USD"}
    assert wish(account, currency="eur").state == CheckoutState.OPEN


def test_a_granted_subscription_is_told_apart(account: Account) -> None:
    Subscription.objects.create(
        organization=account.organization, plan=account.price.plan, purchased=5, starts_at=clock.now()
    )
    with pytest.raises(GrantedSubscriptionExists) as refused:
        wish(account)
    assert refused.value.code == "subscription_exists"
    assert "operator" in refused.value.advice
    assert account.server.account.all("customer") == []


@pytest.mark.feature("SUB-01")
def test_an_archived_plan_is_not_sold(account: Account) -> None:
    Plan.objects.update(is_active=False)
    with pytest.raises(PlanNotOffered):
        wish(account)
    assert Checkout.objects.count() == 0


# --- Promotions ------------------------------------------------------------------------------------


def test_a_code_lowers_the_page(account: Account) -> None:
    Promotion.objects.create(code="SPRING", percent=25)
    sync_promotions()
    page = wish(account, promotion="spring")
    pay(account, page)
    [invoice] = account.server.account.all("invoice")
    assert invoice["total"] == 9_000


def test_a_code_can_be_typed_on_the_page(account: Account) -> None:
    Promotion.objects.create(code="SPRING", amount_minor=500, currency="eur")
    sync_promotions()
    page = wish(account)
    assert pay(account, page, promotion_code="WINTER").status_code == 400
    pay(account, page, promotion_code="SPRING")
    [invoice] = account.server.account.all("invoice")
    assert invoice["total"] == 11_500


@pytest.mark.parametrize(
    "facts",
    [
        {"is_active": False},
        {"expires_at": "past"},
        {"gateway_ref": None},
        {"percent": None, "amount_minor": 100, "currency": "usd"},
        {"plan": "another"},
    ],
)
def test_a_code_that_does_not_work_is_refused(account: Account, facts: dict[str, Any]) -> None:
    if facts.get("expires_at"):
        facts = {"expires_at": clock.now() - timedelta(days=1)}
    if facts.get("plan"):
        facts = {"plan": Plan.objects.create(code="another", name="Another")}
    Promotion.objects.create(**{"code": "SPRING", "percent": 25, "gateway_ref": "promo_1", **facts})
    with pytest.raises(PromotionNotValid):
        wish(account, promotion="SPRING")
    assert Checkout.objects.count() == 0


# --- Sign-ups --------------------------------------------------------------------------------------


@pytest.mark.feature("BIL-01")
def test_a_sign_up_is_paid_before_there_is_an_organization(account: Account) -> None:
    identifier = uuid.uuid4()
    page = sign_up(account, identifier)
    assert sign_up(account, identifier).id == page.id
    assert (page.organization_id, page.sign_up_id) == (None, identifier)
    pay(account, page)
    deliver_all(account.server)
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    [message] = OutboxMessage.objects.filter(topic="billing.checkout_paid")
    assert message.payload == {"checkout_id": str(page.id)}
    assert len(account.server.account.all("customer")) == 1
    with pytest.raises(CheckoutPaid):
        sign_up(account, identifier, seats=11)


def test_a_sign_up_that_waits_for_the_bank_is_not_paid(account: Account) -> None:
    page = sign_up(account, uuid.uuid4())
    pay(account, page, card="bank")
    deliver_all(account.server)
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    assert not OutboxMessage.objects.filter(topic="billing.checkout_paid").exists()


@pytest.mark.feature("SUB-02")
def test_a_sign_up_tries_without_a_card(account: Account) -> None:
    Plan.objects.update(trial_days=14)
    sign_up(account, uuid.uuid4(), with_card=False)
    [seen] = account.server.account.all("checkout.session")
    assert seen["payment_method_collection"] == "if_required"


def test_an_organization_takes_its_sign_ups_customer_over(account: Account, globex: Organization) -> None:
    Plan.objects.update(trial_days=14)
    page = sign_up(account, uuid.uuid4())
    pay(account, page)
    for _ in range(2):
        with entry_transaction():
            made = do_adopt_customer(organization=account.organization, checkout=page)
    assert (made.gateway_ref, made.currency) == (page.customer_ref, "eur")
    assert made.trial_used_at is not None
    assert Checkout.objects.get().organization_id == account.organization.id
    with pytest.raises(Conflict), entry_transaction():
        do_adopt_customer(organization=globex, checkout=page)


def test_a_page_can_be_closed(account: Account) -> None:
    page = sign_up(account, uuid.uuid4())
    assert expire_checkout(page.id) == CheckoutState.EXPIRED
    assert pages_open(account) == []
    assert expire_checkout(page.id) == CheckoutState.EXPIRED
    paid = sign_up(account, uuid.uuid4())
    pay(account, paid)
    assert expire_checkout(paid.id) == CheckoutState.COMPLETE


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("route", ["/v1/customers", PAGES])
def test_a_sign_up_whose_call_fails_has_one_customer(
    account: Account, route: str, fault: Fault, settings: Any
) -> None:
    identifier = uuid.uuid4()
    with spoilt(account, fault, route, settings):
        sign_up(account, identifier)
    page = sign_up(account, identifier)
    assert pages_open(account) == [page.gateway_ref]
    assert len(account.server.account.all("customer")) == 1
