"""What finds lost messages, and what operators see of the inbox and do with it."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from billing.enums import EventState
from billing.models import BillingAccount, Checkout, GatewayEvent, Subscription, SubscriptionInvoice
from billing.services.gateway import inbox, inbox_sweeps
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.billing.conftest import Account, deliver, deliver_all, events_of
from tests.billing.test_inbox_following import call, pay
from tests.fakes.stripe import Fault
from tests.support.client import Caller


def park(account: Account) -> GatewayEvent:
    """Return a message that was parked, whose cause has been put right since."""
    account.subscribe(seats=4)
    customer = BillingAccount.objects.get()
    ref, customer.gateway_ref = customer.gateway_ref, "cus_other"
    customer.save_fields("gateway_ref")
    event = next(e for e in events_of(account.server) if e["type"] == "customer.subscription.created")
    deliver(account.server, event)
    for _ in range(inbox.MOST_ATTEMPTS):
        inbox.process_event(event["id"])
    customer.gateway_ref = ref
    customer.save_fields("gateway_ref")
    return GatewayEvent.objects.get(state="parked")


# --- Sweeps ---------------------------------------------------------------------------------------


@pytest.mark.feature("OPS-02")
def test_gateways_messages_have_a_queue_of_their_own() -> None:
    route = current_app.amqp.router.route({}, inbox.PROCESS)
    assert route["queue"].name == django_settings.WEBHOOK_QUEUE
    assert django_settings.WEBHOOK_QUEUE != django_settings.PLATFORM_QUEUE
    procfile = (django_settings.BASE_DIR / "Procfile").read_text()
    assert "--queues webhooks " in procfile
    assert django_settings.CELERY_TASK_ACKS_LATE
    assert django_settings.CELERY_TASK_REJECT_ON_WORKER_LOST


def test_a_lost_task_is_sent_again_after_half_a_minute_and_not_by_every_beat(account: Account) -> None:
    account.subscribe()
    with clock.frozen_at(clock.now()):
        deliver(account.server, events_of(account.server)[-1])
    row = GatewayEvent.objects.get()
    for seconds, sent in ((29, 0), (31, 1), (61, 0), (92, 1)):
        with clock.frozen_at(row.created_at + timedelta(seconds=seconds)):
            assert inbox_sweeps.sweep() == sent


@pytest.mark.feature("PAY-13")
def test_waits_grow_from_a_minute_to_hours(account: Account) -> None:
    account.subscribe()
    event = next(e for e in events_of(account.server) if e["type"] == "invoice.paid")
    deliver(account.server, event)
    waits, now = [], clock.now()
    account.server.faults.order(Fault.TOO_MANY, "get", "/v1/invoices/{invoice}", times=100)
    for _ in range(inbox.MOST_ATTEMPTS):
        with clock.frozen_at(now):
            inbox.process_event(event["id"])
            row = GatewayEvent.objects.get()
            waits.append((row.next_try_at - now) / timedelta(minutes=1))
    account.server.faults.clear()
    assert waits == [1, 3, 9, 27, 81, 243, 360, 360]
    assert row.state == EventState.PARKED
    with clock.frozen_at(now + timedelta(days=1)):
        assert inbox_sweeps.sweep() == 0  # parked waits for a person


def test_more_messages_than_a_page_are_found_by_asking(account: Account) -> None:
    account.subscribe()
    customer = BillingAccount.objects.get().gateway_ref
    for number in range(230):
        call(account, "post", f"customers/{customer}", name=f"Acme {number}")
    there = len(events_of(account.server))
    assert there > 230
    assert inbox_sweeps.fill_gaps() == there
    assert inbox_sweeps.fill_gaps() == 0


def test_pages_and_invoices_that_should_be_over_are_looked_at(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every message lost, the hour still finds out."""
    page = account.open_page(seats=5)
    pay(account, page)
    key = next(e["id"] for e in events_of(account.server) if e["type"] == "customer.subscription.created")
    deliver(account.server, next(e for e in events_of(account.server) if e["id"] == key))
    inbox.process_event(key)
    call_invoice = account.server.account.all("invoice")[0]
    SubscriptionInvoice.objects.create(
        organization=account.organization,
        gateway_ref=call_invoice["id"],
        status="open",
        currency="eur",
        **dict.fromkeys(
            ("subtotal_minor", "discount_minor", "tax_minor", "total_minor", "due_minor", "paid_minor"), 0
        ),
        issued_at=clock.now(),
    )
    assert inbox_sweeps.look_at_unfinished(account.gateway) == 0  # a quarter of an hour is theirs
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert inbox_sweeps.look_at_unfinished(account.gateway) == 2
    assert Checkout.objects.get().state == "complete"
    invoice = SubscriptionInvoice.objects.get()
    assert (invoice.status, invoice.paid_minor) == ("paid", 6000)
    assert inbox_sweeps.look_at_unfinished(account.gateway) == 0


def test_an_object_that_cannot_be_followed_hides_no_other(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = account.open_page(seats=5)
    pay(account, first)
    Checkout.objects.create(
        organization=None,
        sign_up_id=first.id,
        price=account.price,
        seats=1,
        state="open",
        gateway_ref="cs_gone",
        expires_at=clock.now(),
    )
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert inbox_sweeps.look_at_unfinished(account.gateway) == 2
    first.refresh_from_db()
    assert first.state == "complete"


def test_old_messages_are_forgotten_but_for_parked_ones(account: Account) -> None:
    park(account)
    deliver_all(account.server)
    assert GatewayEvent.objects.filter(state="processed").exists()
    with clock.frozen_at(clock.now() + timedelta(days=59)):
        assert inbox_sweeps.forget_old_events() == 0
    with clock.frozen_at(clock.now() + timedelta(days=61)):
        assert inbox_sweeps.forget_old_events() > 0
    assert set(GatewayEvent.objects.values_list("state", flat=True)) == {"parked"}


# --- Operators ------------------------------------------------------------------------------------


@pytest.mark.feature("PAY-13")
def test_an_operator_has_a_parked_message_worked_off_again(account: Account, operator: Caller) -> None:
    parked = park(account)
    shown = operator.get(f"/api/v1/gateway-events/{parked.id}").json()
    assert (shown["state"], shown["attempts"]) == ("parked", inbox.MOST_ATTEMPTS)
    assert shown["problem"].startswith("unknown_customer: customer cus_")
    answer = operator.post(f"/api/v1/gateway-events/{parked.id}/run")
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (200, "received", 0)
    assert inbox.process_event(parked.event_key) == EventState.PROCESSED
    assert Subscription.objects.get().purchased == 4
    again = operator.post(f"/api/v1/gateway-events/{parked.id}/run")
    assert (again.status_code, again.json()["code"]) == (409, "event_not_parked")
    audited = AuditEvent.objects.get(action="gateway.run")
    assert audited.changes["event_key"] == parked.event_key


def test_operators_list_messages_by_state_kind_and_organization(
    account: Account,
    account_of: Callable[[Organization], Account],
    operator: Caller,
    sign_in: Callable[..., Caller],
    globex: Organization,
) -> None:
    account.subscribe()
    account_of(globex).subscribe()
    deliver_all(account.server)

    def listed(query: str) -> list[dict[str, Any]]:
        answer = operator.get(f"/api/v1/gateway-events?limit=100&{query}")
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["results"]
        return found

    everything = listed("")
    assert len(everything) == GatewayEvent.objects.count()
    assert {row["state"] for row in listed("state=processed")} == {"processed"}
    assert {row["kind"] for row in listed("kind=invoice.paid")} == {"invoice.paid"}
    assert {row["kind"].split(".")[0] for row in listed("kind=invoice.")} == {"invoice"}
    of_globex = {row["object_ref"] for row in listed(f"organization_id={globex.id}")}
    of_acme = {row["object_ref"] for row in listed(f"organization_id={account.organization.id}")}
    assert Subscription.objects.get(organization=globex).gateway_ref in of_globex
    assert of_acme
    assert not of_globex & of_acme
    for query in ("state=lost", "organization_id=x", "kind=%00"):
        assert operator.get(f"/api/v1/gateway-events?{query}").status_code == 400
    assert sign_in(account.organization, Role.OWNER).get("/api/v1/gateway-events").status_code == 404
    assert Caller("app.palaestra.test").get("/api/v1/gateway-events").status_code == 401


def test_the_summary_counts_states_and_refused_signatures(account: Account, operator: Caller) -> None:
    park(account)
    event = events_of(account.server)[-1]
    deliver(account.server, event)
    for _ in range(3):
        deliver(account.server, event, signature="t=1,v1=forged")
    shown = operator.get("/api/v1/gateway-events/summary").json()
    states = {"received": 1, "processed": 0, "ignored": 0, "failed": 0, "parked": 1}
    assert shown["states"] == states
    assert (shown["refused_signatures_today"], shown["refused_signatures_week"]) == (3, 3)
    assert shown["oldest_waiting_at"] is not None


def test_the_command_lists_shows_and_runs(account: Account) -> None:
    parked = park(account)
    said = StringIO()
    call_command("gateway_events", "list", "--state", "parked", stdout=said)
    assert parked.event_key in said.getvalue()
    assert "unknown_customer" in said.getvalue()
    call_command("gateway_events", "show", parked.event_key, stdout=said)
    assert f"object_ref    {parked.object_ref}" in said.getvalue()
    call_command("gateway_events", "run-parked", stdout=said)
    assert "1 messages are worked off again" in said.getvalue()
    assert inbox.process_event(parked.event_key) == EventState.PROCESSED
    with pytest.raises(CommandError):
        call_command("gateway_events", "run", parked.event_key)
    with pytest.raises(CommandError):
        call_command("gateway_events", "show", "evt_nobody")


def test_the_console_shows_why_and_processes_again(account: Account, client: Any) -> None:
    parked = park(account)
    operator = User.objects.create_user("console@palaestra.example", is_staff=True)
    client.force_login(operator, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    host = {"HTTP_HOST": "app.palaestra.test"}
    page = client.get("/console/billing/gatewayevent/", **host)
    assert page.status_code == 200
    for words in (b"unknown_customer", parked.object_ref.encode(), b"Refused signatures", b"parked"):
        assert words in page.content
    act = reverse("admin:billing_gatewayevent_again", args=(parked.id,), urlconf="api.urls_public")
    assert client.get(act, **host).status_code == 200
    assert client.post(act, **host).status_code == 302
    parked.refresh_from_db()
    assert (parked.state, parked.attempts) == ("received", 0)
    refused = client.post(act, **host)
    assert refused.status_code == 200
    assert b"needs no second try" in refused.content
    assert client.get("/console/billing/drift/", **host).status_code == 200
