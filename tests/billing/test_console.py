"""The console's pages of billing: the whole story of an organization on one, and acts that ask before."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import (
    BillingAccount,
    Checkout,
    Drift,
    DunningNotice,
    Refund,
    Subscription,
    SubscriptionChange,
    SubscriptionInvoice,
)
from billing.services.seats.seats import do_assign_seats
from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.support.measures import statements
from tests.support.subscriptions import make_subscription

HOST = "app.palaestra.test"


@pytest.fixture
def console(shared: None) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(User.objects.create_user("ops@palaestra.example", is_staff=True))
    return client


@pytest.fixture
def billed(account: Account) -> Subscription:
    account.subscribe(10)
    deliver_all(account.server)
    return Subscription.objects.get()


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", urlconf="api.urls_public", args=arguments)


def story(console: Client, organization: Organization) -> str:
    answer = console.get(page("billing_organization", organization.id))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_organization_without_billing_says_so(console: Client, acme: Organization) -> None:
    shown = story(console, acme)
    assert "There has been no subscription yet" in shown
    assert "No invoices yet." in shown
    assert "<path" not in shown.split("What happened")[0].split("<h1")[1]
    assert console.get(page("billing_organization", uuid.uuid4())).status_code == 404


def test_a_paid_subscription_is_told_with_its_chart(
    console: Client, account: Account, billed: Subscription, member: Callable[..., Membership]
) -> None:
    do_assign_seats(
        actor=system_actor("tests"),
        organization_id=account.organization.id,
        membership_ids=[member(account.organization).id for _ in range(3)],
    )
    shown = story(console, account.organization)
    invoice = SubscriptionInvoice.objects.get()
    for words in (
        "Everything works",
        "EUR 12.00 a seat and month",
        "10 paid for",
        "30 %, 7 free",
        f"{invoice.number} of EUR 120.00",
        "Page for 10 seats of Team",
        "10 there and 3 held at the end",
        "Comp seats",
        "End the subscription now",
    ):
        assert words in shown, words
    assert "Extend the trial" not in shown
    chart = shown.split("Seats bought and used")[1].split("</svg>")[0]
    assert chart.count("<path") == 3
    # What a strict policy would refuse is not in it.
    assert "style=" not in chart
    assert "<script" not in chart


def test_one_that_is_behind_says_until_when_and_what_helps(
    console: Client, account: Account, billed: Subscription
) -> None:
    now = clock.now()
    Subscription.objects.update(
        status="past_due", past_due_since=now - timedelta(days=4), grace_until=now + timedelta(days=3)
    )
    Organization.objects.filter(id=account.organization.id).update(read_only_from=now + timedelta(days=3))
    DunningNotice.objects.create(
        organization=account.organization, subscription=billed, since=now, stage="payment_failed"
    )
    Drift.objects.create(
        organization=account.organization,
        subject="sub_1",
        fact="quantity",
        ours="10",
        theirs="9",
        last_seen_at=now,
    )
    shown = story(console, account.organization)
    for words in (
        "No new seats are given since",
        "It goes on once the open invoice is paid or another card is given.",
        "Grace until",
        "A payment failed",
        "Quantity: 10 here, 9 there",
        "Otherwise at the gateway than here: quantity",
        "Extend the grace",
    ):
        assert words in shown, words


def test_seats_are_comped_and_the_page_says_so(
    console: Client, account: Account, billed: Subscription
) -> None:
    act = page("billing_subscription_comp", billed.id)
    assert b'value="0"' in console.get(act).content
    refused = console.post(act, {"seats": 5, "reason": ""})
    assert b"This field is required." in refused.content
    done = console.post(act, {"seats": 5, "reason": "pilot"})
    assert (done.status_code, done["Location"]) == (
        302,
        page("billing_organization", account.organization.id),
    )
    billed.refresh_from_db()
    assert (billed.purchased, billed.comped) == (15, 5)
    shown = story(console, account.organization)
    assert "10 paid for, 5 comped" in shown
    assert "comped 0 to 5; pilot · ops@palaestra.example" in shown


def test_an_act_says_whose_subscription_it_is_about(
    console: Client, account: Account, billed: Subscription
) -> None:
    for name in ("set_seats", "comp", "trial", "grace", "end", "cancel"):
        act = f"billing_subscription_{name}"
        shown = console.get(page(act, billed.id)).content.decode()
        assert f": {account.organization.name}</h2>" in shown, name
        for nobody in (uuid.uuid4(), "nothing"):
            assert console.get(page(act, nobody)).status_code == 404, name


def test_a_refund_is_asked_for_and_made_once(console: Client, account: Account, billed: Subscription) -> None:
    invoice = SubscriptionInvoice.objects.get()
    asked = console.get(page("billing_subscriptioninvoice_refund", invoice.id))
    form = asked["Location"]
    assert form.endswith("?left=12000")
    assert b"EUR 120.00 can be given back" in console.get(form).content
    assert account.server.account.all("refund") == []  # a GET only asks
    for amount, words in (
        ("0", b"This sum cannot be given back."),
        ("120.01", b"This sum cannot be given back."),
        ("1.005", b"This sum cannot be given back."),
        ("-5", b"This sum cannot be given back."),
        ("much", b"Enter a number."),
    ):
        assert words in console.post(form, {"amount": amount, "reason": "x"}).content, amount
    assert console.post(form, {"amount": "20.00", "reason": "sorry"}).status_code == 302
    twice = console.post(form, {"amount": "20.00", "reason": "sorry"})
    assert b"Money of this invoice was given back since you opened this page." in twice.content
    assert [row["amount"] for row in account.server.account.all("refund")] == [2_000]
    shown = story(console, account.organization)
    assert "Paid back · sorry" in shown
    everything = console.get(page("billing_subscriptioninvoice_refund", invoice.id))["Location"]
    assert console.post(everything, {"reason": "the rest"}).status_code == 302
    invoice.refresh_from_db()
    assert invoice.refunded_minor == 12_000
    assert page("billing_subscriptioninvoice_refund", invoice.id) not in story(console, account.organization)


def test_ending_asks_for_the_subdomain(console: Client, account: Account, billed: Subscription) -> None:
    act = page("billing_subscription_end", billed.id)
    assert b"cannot be brought back" in console.get(act).content
    wrong = console.post(act, {"confirm": "globex", "reason": "fraud"})
    assert b"This is not the organization" in wrong.content
    assert account.gateway.look_subscription(str(billed.gateway_ref)).status == "active"
    assert console.post(act, {"confirm": account.organization.slug, "reason": "fraud"}).status_code == 302
    assert account.gateway.look_subscription(str(billed.gateway_ref)).status == "canceled"
    shown = story(console, account.organization)
    assert "Closed but for reading and exporting" in shown
    assert "Grant a subscription" in shown


def test_a_trial_and_a_grace_get_their_new_day(console: Client, account: Account) -> None:
    account.price.plan.trial_days = 14
    account.price.plan.save_fields("trial_days")
    account.subscribe(10)
    deliver_all(account.server)
    row = Subscription.objects.get()
    until = (clock.now() + timedelta(days=40)).date()
    assert console.get(page("billing_subscription_trial", row.id)).status_code == 200
    sent = {"until": until.isoformat(), "reason": "pilot"}
    assert console.post(page("billing_subscription_trial", row.id), sent).status_code == 302
    row.refresh_from_db()
    assert row.trial_ends_at is not None
    assert row.trial_ends_at.isoformat() == f"{until}T23:59:59+00:00"
    none = console.post(page("billing_subscription_grace", row.id), sent)
    assert b"Nothing is owed on this subscription." in none.content
    Subscription.objects.update(status="past_due", past_due_since=clock.now())
    assert console.post(page("billing_subscription_grace", row.id), sent).status_code == 302
    row.refresh_from_db()
    assert row.grace_until is not None
    assert row.grace_until.date() == until


def test_a_comparison_is_asked_for(
    console: Client, shared: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        assert console.get(page("billing_reconcile")).status_code == 200
    assert callbacks == []
    assert console.post(page("billing_reconcile"), {}).status_code == 302


def test_acts_fit_the_subscription(console: Client, acme: Organization, billed: Subscription) -> None:
    granted = make_subscription(Organization.objects.get(slug="globex"), 5)

    def offered(row: Subscription) -> set[str]:
        shown = console.get(page("billing_subscription_change", row.pk)).content.decode()
        acts = ("set_seats", "comp", "trial", "grace", "end", "cancel")
        return {name for name in acts if page(f"billing_subscription_{name}", row.pk) in shown}

    assert offered(granted) == {"set_seats", "comp", "cancel"}
    assert offered(billed) == {"comp", "end"}


def test_nobody_but_operators_sees_or_does_it(acme: Organization, shared: None) -> None:
    granted = make_subscription(acme, 5)
    client = Client(headers={"host": HOST})
    client.force_login(User.objects.create_user("person@acme.example"))
    for address in (
        page("billing_organization", acme.id),
        page("billing_subscription_comp", granted.id),
        page("billing_reconcile"),
    ):
        answer = client.post(address, {"seats": 1, "reason": "x"})
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/console/login/")
    granted.refresh_from_db()
    assert granted.comped == 0
    assert not AuditEvent.objects.filter(action="subscriptions.comp_seats").exists()


@pytest.mark.parametrize(
    "name", ["subscriptioninvoice", "refund", "checkout", "subscriptionchange", "subscription"]
)
def test_lists_name_organizations_and_cost_a_constant_number_of_statements(
    console: Client, account: Account, billed: Subscription, globex: Organization, name: str
) -> None:
    def grow(number: int) -> None:
        whose = {"organization": account.organization}
        sums = dict.fromkeys(("subtotal", "discount", "tax", "total", "due", "paid"), 1)
        invoice = SubscriptionInvoice.objects.create(
            **whose,
            gateway_ref=f"in_{number}",
            status="paid",
            currency="eur",
            issued_at=clock.now(),
            **{f"{column}_minor": minor for column, minor in sums.items()},
        )
        Refund.objects.create(**whose, invoice=invoice, amount_minor=1, currency="eur", state="failed")
        Checkout.objects.create(
            **whose, price=account.price, seats=1, state="expired", expires_at=clock.now()
        )
        SubscriptionChange.objects.create(
            **whose,
            subscription=billed,
            kind="now",
            state="failed",
            from_seats=1,
            to_seats=2,
            to_price=account.price,
        )

    def cost(query: str = "") -> tuple[int, str]:
        with statements() as found:
            answer = console.get(page(f"billing_{name}_changelist") + query)
        assert answer.status_code == 200
        return len(found), answer.content.decode()

    grow(0)
    cost()
    few, shown = cost()
    assert account.organization.name in shown
    for number in range(1, 15):
        grow(number)
    many, _ = cost()
    assert many == few <= 9
    assert account.organization.name not in cost("?q=globex")[1].split("result_list")[-1]


ROW_PAGES = (
    "plan_change",
    "plan_edit",
    "plan_archive",
    "subscription_change",
    "subscription_billing",
    "subscription_comp",
    "subscription_cancel",
    "subscriptioninvoice_change",
    "subscriptioninvoice_refund",
    "subscriptioninvoice_story",
    "gatewayevent_again",
)


@pytest.mark.parametrize("name", ROW_PAGES)
@pytest.mark.parametrize("identifier", ["xx", "1", "0000", "x/y"])
def test_an_id_that_can_be_no_rows_is_404(name: str, identifier: str, console: Client) -> None:
    address = page(f"billing_{name}", identifier)
    assert console.get(address).status_code == 404
    assert console.post(address, {}).status_code == 404
    stranger = Client(headers={"host": HOST}).get(address)
    assert (stranger.status_code, stranger["Location"].split("?")[0]) == (302, "/console/login/")


def test_the_story_costs_a_constant_number_of_statements(
    console: Client, account: Account, billed: Subscription
) -> None:
    def cost() -> int:
        with statements() as found:
            story(console, account.organization)
        return len(found)

    Drift.objects.create(
        organization=account.organization, subject="s", fact="quantity", last_seen_at=clock.now()
    )
    cost()
    few = cost()
    for number in range(15):
        Drift.objects.create(
            organization=account.organization, subject=f"s{number}", fact="x", last_seen_at=clock.now()
        )
        DunningNotice.objects.create(
            organization=account.organization, subscription=billed, since=clock.now(), stage=f"s{number}"
        )
    assert BillingAccount.objects.count() == 1
    assert cost() == few <= 25
