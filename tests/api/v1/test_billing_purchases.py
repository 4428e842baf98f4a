"""Subscribe and look after it over HTTP, on the organization's host and under its role of the database."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from billing.enums import Interval
from billing.models import BillingAccount, Checkout, Plan, PlanPrice, Subscription, SubscriptionInvoice
from billing.services.catalogue.syncing import sync_catalogue
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.billing.conftest import Account, account, account_of, deliver_all, server
from tests.fakes.stripe import Fault
from tests.support.client import Caller
from tests.support.measures import statements

__all__ = ["account", "account_of", "server"]

B = "/api/v1/billing"
WISH = {"plan": "team", "interval": "month", "currency": "EUR", "seats": 10}
SignIn = Callable[..., Caller]


@pytest.fixture
def admin(account: Account, sign_in: SignIn) -> Caller:
    return sign_in(account.organization, Role.BILLING_ADMIN)


@pytest.fixture
def stranger(account: Account, globex: Organization, account_of: Any, sign_in: SignIn) -> Caller:
    """An administrator of another organization, with an account of its own."""
    account_of(globex)
    return sign_in(globex, Role.ADMIN)


def pay(account: Account, page: dict[str, Any], **facts: str) -> None:
    ref = Checkout.objects.get(id=page["id"]).gateway_ref
    requests.post(f"{account.server.url}/_payer/checkout/{ref}/pay", data=facts, timeout=5)


def subscribed(account: Account, admin: Caller) -> dict[str, Any]:
    page: dict[str, Any] = admin.post(f"{B}/checkouts", WISH).json()
    pay(account, page)
    deliver_all(account.server)
    return page


# --- Checkout -------------------------------------------------------------------------------------


@pytest.mark.feature("BIL-01", "PAY-02", "PAY-11")
def test_an_organization_subscribes(account: Account, admin: Caller) -> None:
    opened = admin.post(f"{B}/checkouts", WISH)
    page = opened.json()
    assert opened.status_code == 201
    assert opened["Location"] == f"{B}/checkouts/{page['id']}"
    assert (page["state"], page["seats"], page["unit"]) == (
        "open",
        10,
        {"amount_minor": 1200, "currency": "EUR"},
    )
    assert page["url"].startswith(account.server.url)
    # The browser is back, whatever it says: nothing is there before the gateway says so.
    admin.get("/billing?paid=1")
    assert admin.get(f"{B}/subscription").json()["subscription"] is None
    pay(account, page)
    assert admin.get(f"{B}/checkouts/{page['id']}").json()["state"] == "open"
    deliver_all(account.server)
    done = admin.get(f"{B}/checkouts/{page['id']}").json()
    assert (done["state"], done["url"]) == ("complete", None)
    shown = admin.get(f"{B}/subscription").json()
    assert shown["subscription"]["status"] == "active"
    assert shown["subscription"]["price"]["unit"] == {"amount_minor": 1200, "currency": "EUR"}
    assert shown["subscription"]["seats"] == {
        "purchased": 10,
        "used": 0,
        "free": 10,
        "pending": None,
        "unpaid": None,
        "comped": 0,
    }
    assert (shown["owed"], shown["access_level"]) == ([], "full")
    again = admin.post(f"{B}/checkouts", WISH)
    assert (again.status_code, again.json()["code"]) == (409, "subscription_exists")
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert "billing.checkout" in actions


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"seats": 0}, "validation"),
        ({"seats": -1}, "validation"),
        ({"seats": 10**9}, "validation"),
        ({"seats": 501}, "seats_outside_plan"),
        ({"seats": "many"}, "validation"),
        ({"currency": "XXX"}, "validation"),
        ({"currency": "eur"}, "validation"),
        ({"currency": "USD"}, "price_not_offered"),
        ({"interval": "week"}, "validation"),
        ({"interval": "year"}, "price_not_offered"),
        ({"plan": "nothing"}, "price_not_offered"),
        ({"plan": "../../x"}, "validation"),
        ({"success_url": "https://evil.example/"}, "return_address_foreign"),
        ({"success_url": "https://globex.palaestra.test/"}, "return_address_foreign"),
        ({"cancel_url": "javascript:alert(1)"}, "return_address_foreign"),
        ({"promotion": "NOTHING"}, "promotion_not_valid"),
        ({"plan": "nul\0"}, "validation"),
    ],
)
def test_what_is_not_sold_changes_nothing(
    account: Account, admin: Caller, globex: Organization, change: dict[str, Any], code: str
) -> None:
    calls = len(account.server.calls)
    answer = admin.post(f"{B}/checkouts", {**WISH, **change})
    assert answer.status_code == 400
    if code != "validation":
        assert answer.json()["code"] == code
    assert account.server.calls[calls:] == []
    assert Checkout.objects.count() == BillingAccount.objects.count() == 0


@pytest.mark.parametrize("role", [Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER])
def test_others_are_refused(account: Account, sign_in: SignIn, role: Role) -> None:
    caller = sign_in(account.organization, role)
    nobody = uuid.UUID(int=9)
    answers = [
        *(caller.get(f"{B}/{path}") for path in ("subscription", "prices", "account", "invoices")),
        *(caller.get(f"{B}/{path}/{nobody}") for path in ("checkouts", "invoices")),
        caller.post(f"{B}/checkouts", WISH),
        caller.patch(f"{B}/account", {"name": "Mine"}),
        caller.post(f"{B}/account/tax-ids", {"type": "eu_vat", "value": "DE136695976"}),
        caller.delete(f"{B}/account/tax-ids/{uuid.uuid4()}"),
        caller.post(f"{B}/portal-sessions", {}),
        caller.post(f"{B}/invoices/{nobody}/pay"),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert account.server.account.all("customer") == []


def test_anothers_objects_are_not_there(account: Account, admin: Caller, stranger: Caller) -> None:
    page = subscribed(account, admin)
    admin.post(f"{B}/account/tax-ids", {"type": "eu_vat", "value": "DE136695976"})
    [tax_id] = admin.get(f"{B}/account").json()["tax_ids"]
    invoice = SubscriptionInvoice.objects.get()
    answers = [
        stranger.get(f"{B}/checkouts/{page['id']}"),
        stranger.get(f"{B}/invoices/{invoice.id}"),
        stranger.post(f"{B}/invoices/{invoice.id}/pay"),
        stranger.delete(f"{B}/account/tax-ids/{tax_id['id']}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert stranger.get(f"{B}/invoices").json()["results"] == []
    assert stranger.get(f"{B}/subscription").json()["subscription"] is None
    assert stranger.get(f"{B}/account").json()["tax_ids"] == []
    assert len(account.server.account.all("tax_id")) == 1


def test_a_key_gives_the_same_answer_and_one_page(account: Account, admin: Caller) -> None:
    headers: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "subscribe-once-1"}
    first, second = (admin.post(f"{B}/checkouts", WISH, **headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotency-Replayed"] == "true"
    assert len(account.server.account.all("checkout.session")) == 1
    other = admin.post(f"{B}/checkouts", {**WISH, "seats": 11}, **headers)
    assert other.status_code == 400
    assert len(account.server.account.all("checkout.session")) == 1


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
def test_a_gateway_that_fails_is_told_and_a_repeat_heals(
    account: Account, admin: Caller, fault: Fault
) -> None:
    times = 1 if fault is Fault.TOO_MANY else 3
    account.server.faults.order(fault, "post", "/v1/checkout/sessions", times=times)
    headers: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "subscribe-once-2"}
    failed = admin.post(f"{B}/checkouts", WISH, **headers)
    assert (failed.status_code, failed.json()["code"]) == (503, "gateway_unavailable")
    assert failed["Retry-After"] == "30"
    opened = admin.post(f"{B}/checkouts", WISH, **headers)
    assert opened.status_code == 201
    assert len(account.server.account.all("checkout.session", status="open")) == 1
    assert len(account.server.account.all("customer")) == 1


@pytest.mark.feature("SUB-02")
def test_a_trial_is_had_once(account: Account, admin: Caller) -> None:
    Plan.objects.update(trial_days=14)
    assert subscribed(account, admin)["trial_days"] == 14
    shown = admin.get(f"{B}/subscription").json()["subscription"]
    assert (shown["status"], shown["trial_ends_at"] is not None) == ("trialing", True)
    account.gateway.cancel(str(Subscription.objects.get().gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    assert admin.get(f"{B}/account").json()["trial_used"] is True
    wanted = admin.post(f"{B}/checkouts", {**WISH, "trial": True})
    assert (wanted.status_code, wanted.json()["code"]) == (409, "trial_used")
    assert admin.post(f"{B}/checkouts", WISH).json()["trial_days"] == 0


def test_one_currency_for_good(account: Account, admin: Caller) -> None:
    PlanPrice.objects.create(
        plan=account.price.plan, interval=Interval.MONTH, currency="usd", unit_minor=1300
    )
    sync_catalogue()
    subscribed(account, admin)
    account.gateway.cancel(str(Subscription.objects.get().gateway_ref), idempotency_key="end")
    deliver_all(account.server)
    answer = admin.post(f"{B}/checkouts", {**WISH, "currency": "USD"})
    assert (answer.status_code, answer.json()["code"]) == (409, "currency_fixed")
    assert answer.json()["facts"]["currency"] == "EUR"


def test_a_granted_subscription_says_how_to_go_on(account: Account, admin: Caller) -> None:
    Subscription.objects.create(
        organization=account.organization, plan=account.price.plan, purchased=5, starts_at=clock.now()
    )
    answer = admin.post(f"{B}/checkouts", WISH)
    assert (answer.status_code, answer.json()["code"]) == (409, "subscription_exists")
    assert "operator" in str(answer.json())
    shown = admin.get(f"{B}/subscription").json()["subscription"]
    assert (shown["is_granted"], shown["price"]) == (True, None)


def test_without_a_gateway_it_is_said(account: Account, admin: Caller, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    answers = [
        admin.post(f"{B}/checkouts", WISH),
        admin.post(f"{B}/portal-sessions", {}),
        admin.patch(f"{B}/account", {"name": "x"}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(409, "payments_not_set_up")] * 3


# --- Account and portal -----------------------------------------------------------------------------


def test_an_account_is_looked_after(account: Account, admin: Caller) -> None:
    before = admin.get(f"{B}/account").json()
    assert (before["name"], before["currency"], before["credit"]) == (account.organization.name, "", None)
    address = {"line1": "Marktplatz 1", "postal_code": "69117", "city": "Heidelberg", "country": "DE"}
    changed = admin.patch(f"{B}/account", {"name": "ACME GmbH", "address": address})
    assert changed.status_code == 200
    assert changed.json()["address"] == {**address, "line2": "", "state": ""}
    added = admin.post(f"{B}/account/tax-ids", {"type": "eu_vat", "value": "DE 136 695 976"})
    assert added.status_code == 201
    [tax_id] = added.json()["tax_ids"]
    assert (tax_id["type"], tax_id["value"]) == ("eu_vat", "DE136695976")
    assert admin.delete(f"{B}/account/tax-ids/{tax_id['id']}").status_code == 204
    assert admin.delete(f"{B}/account/tax-ids/{tax_id['id']}").status_code == 404
    assert admin.get(f"{B}/account").json()["tax_ids"] == []
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "billing.account",
        "billing.add_tax_id",
        "billing.remove_tax_id",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"email": "nobody"},
        {"address": {"line1": "x", "country": "XX"}},
        {"address": {"line1": "x", "country": "de"}},
        {"address": {"line1": "x"}},
        {"address": "Marktplatz"},
        {"name": "nul\0"},
        {"name": "x" * 201},
    ],
)
def test_a_wrong_account_changes_nothing(account: Account, admin: Caller, change: dict[str, Any]) -> None:
    assert admin.patch(f"{B}/account", change).status_code == 400
    assert account.server.account.all("customer") == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "eu_vat", "value": "DE136695977"},
        {"type": "vat", "value": "DE136695976"},
        {"type": "eu_vat"},
        {"type": "eu_vat", "value": "\0"},
        {"type": ["eu_vat"], "value": "DE136695976"},
    ],
)
def test_a_wrong_tax_id_is_refused(account: Account, admin: Caller, wanted: dict[str, Any]) -> None:
    assert admin.post(f"{B}/account/tax-ids", wanted).status_code == 400
    assert account.server.account.all("tax_id") == []


def test_the_portal_is_opened(account: Account, admin: Caller) -> None:
    opened = admin.post(f"{B}/portal-sessions", {})
    assert opened.status_code == 201
    assert requests.get(opened.json()["url"], timeout=5).status_code == 200
    foreign = admin.post(f"{B}/portal-sessions", {"return_url": "https://evil.example/"})
    assert (foreign.status_code, foreign.json()["code"]) == (400, "return_address_foreign")


# --- Prices ----------------------------------------------------------------------------------------


@pytest.mark.feature("SUB-01")
def test_prices_are_shown_to_administrators(account: Account, admin: Caller) -> None:
    Plan.objects.create(code="empty", name="Without a price")
    [plan] = admin.get(f"{B}/prices").json()
    assert (plan["code"], plan["min_seats"], plan["max_seats"]) == ("team", 1, 500)
    assert [(each["interval"], each["unit"]["amount_minor"]) for each in plan["prices"]] == [("month", 1200)]
    assert admin.get(f"{B}/prices?currency=USD").json() == []
    assert admin.get(f"{B}/prices?currency=XXX").status_code == 400
    Plan.objects.update(is_active=False)
    assert admin.get(f"{B}/prices").json() == []


# --- Invoices --------------------------------------------------------------------------------------


@pytest.fixture
def owed(account: Account, admin: Caller) -> SubscriptionInvoice:
    """An invoice of a renewal that the card did not pay."""
    subscribed(account, admin)
    row = SubscriptionInvoice.objects.get()
    return SubscriptionInvoice.objects.create(
        organization=account.organization,
        subscription=row.subscription,
        gateway_ref="in_owed",
        number="PAL-2",
        status="open",
        currency="eur",
        subtotal_minor=12_000,
        discount_minor=0,
        tax_minor=0,
        total_minor=12_000,
        due_minor=12_000,
        paid_minor=0,
        issued_at=clock.now(),
        hosted_url="https://pay.example/in_owed",
    )


@pytest.mark.feature("SUB-07")
def test_invoices_are_shown_with_their_documents(account: Account, admin: Caller) -> None:
    subscribed(account, admin)
    [listed] = admin.get(f"{B}/invoices").json()["results"]
    assert (listed["status"], listed["total"]) == ("paid", {"amount_minor": 12_000, "currency": "EUR"})
    assert admin.get(f"{B}/invoices?status=open").json()["results"] == []
    assert admin.get(f"{B}/invoices?status=strange").status_code == 400
    shown = admin.get(f"{B}/invoices/{listed['id']}").json()
    [theirs] = account.server.account.all("invoice")
    assert (shown["hosted_url"], shown["pdf_url"]) == (theirs["hosted_invoice_url"], theirs["invoice_pdf"])
    [line] = shown["lines"]
    assert (line["seats"], line["amount"]["amount_minor"], line["is_proration"]) == (10, 12_000, False)
    again = admin.post(f"{B}/invoices/{listed['id']}/pay")
    assert (again.status_code, again.json()["status"]) == (200, "paid")
    assert len(account.server.account.all("payment_intent")) == 1


def test_what_is_owed_is_told_with_its_page(
    account: Account, admin: Caller, owed: SubscriptionInvoice
) -> None:
    [shown] = admin.get(f"{B}/subscription").json()["owed"]
    assert shown["invoice"] == str(owed.id)
    assert shown["due"] == {"amount_minor": 12_000, "currency": "EUR"}
    assert shown["pay_url"] == "https://pay.example/in_owed"


def test_a_declined_card_answers_402(account: Account, admin: Caller) -> None:
    subscribed(account, admin)
    account.card("decline")
    preview = admin.post(f"{B}/previews", {"seats": 20}).json()
    admin.post(f"{B}/changes", {"token": preview["token"]})
    deliver_all(account.server)
    [owed] = admin.get(f"{B}/invoices?status=open").json()["results"]
    refused = admin.post(f"{B}/invoices/{owed['id']}/pay")
    assert (refused.status_code, refused.json()["code"]) == (402, "card_declined")
    account.card("ok")
    paid = admin.post(f"{B}/invoices/{owed['id']}/pay")
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")


def test_many_rows_take_as_many_statements(account: Account, admin: Caller) -> None:
    subscribed(account, admin)
    admin.get(f"{B}/subscription")
    with statements() as few:
        admin.get(f"{B}/subscription")
    row = SubscriptionInvoice.objects.get()
    for number in range(20):
        row.pk, row.gateway_ref = uuid.uuid4(), f"in_{number}"
        row._state.adding = True
        row.save(force_insert=True)
    with statements() as many:
        admin.get(f"{B}/subscription")
    assert len(few) == len(many)
