"""Money given back by operators: once whatever fails, never more than was paid, and shown when it bounced."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from billing.enums import RefundState
from billing.errors import GatewayUnavailable, PaymentsNotSetUp
from billing.models import Refund, SubscriptionInvoice
from billing.operator_errors import NothingPaid, RefundOutOfRange, RefundUnderWay
from billing.services.operators.refunds import (
    RefundWish,
    left_to_refund,
    make_refund,
    refund_invoice,
    resend_refunds,
)
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import Forbidden, NotFound
from tenants.context import in_public
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault
from tests.support.measures import run_together

ROUTE = "/v1/refunds"
OPERATOR = Actor(kind=ActorKind.OPERATOR, user_id=uuid.uuid4(), label="ops@palaestra.example")
FAULTS = [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER, Fault.TOO_MANY, Fault.STALL]


def paid(account: Account, seats: int = 10) -> SubscriptionInvoice:
    account.subscribe(seats)
    deliver_all(account.server)
    return SubscriptionInvoice.objects.get()


def give_back(invoice: SubscriptionInvoice, amount: int | None = None, **facts: Any) -> Refund:
    wish = RefundWish(reason="ticket 4711", amount_minor=amount, **facts)
    return refund_invoice(actor=OPERATOR, invoice_id=invoice.id, wish=wish)


def refunds_there(account: Account) -> list[int]:
    return sorted(row["amount"] for row in account.server.account.all("refund"))


def test_one_whose_caller_died_is_not_made_again_when_the_key_is_forgotten(account: Account) -> None:
    """The money went out, nobody wrote that it did, and the workers came back after more than a day."""
    invoice = paid(account)
    row = Refund.objects.create(
        organization_id=invoice.organization_id, invoice=invoice, amount_minor=2_000, currency="eur"
    )
    account.gateway.refund(
        str(SubscriptionInvoice.objects.get().payment_ref),
        amount_minor=2_000,
        reference=str(row.id),
        idempotency_key="a key of which nobody knows any more",
    )
    assert make_refund(row.id) == RefundState.SUCCEEDED
    assert refunds_there(account) == [2_000]
    invoice.refresh_from_db()
    assert invoice.refunded_minor == 2_000


def test_a_part_and_then_the_rest_are_given_back(account: Account) -> None:
    invoice = paid(account)
    first = give_back(invoice, 2_000)
    assert (first.state, first.currency, first.note) == ("succeeded", "eur", "ticket 4711")
    rest = give_back(invoice)
    invoice.refresh_from_db()
    assert (rest.state, rest.amount_minor) == ("succeeded", invoice.paid_minor - 2_000)
    assert (invoice.refunded_minor, left_to_refund(invoice)) == (invoice.paid_minor, 0)
    assert refunds_there(account) == [2_000, 10_000]
    with pytest.raises(RefundOutOfRange):
        give_back(invoice)
    event = AuditEvent.objects.filter(action="billing.refund").earliest("id")
    assert (event.organization_id, event.actor_label) == (invoice.organization_id, OPERATOR.label)
    assert event.changes == {
        "invoice": invoice.number,
        "amount_minor": 2_000,
        "currency": "eur",
        "reason": "ticket 4711",
    }


@pytest.mark.parametrize(
    ("amount", "currency"), [(0, None), (-1, None), (12_001, None), (10**12, None), (100, "usd")]
)
def test_sums_that_cannot_be_given_back_change_nothing(
    account: Account, amount: int, currency: str | None
) -> None:
    invoice = paid(account)
    with pytest.raises(RefundOutOfRange) as refused:
        give_back(invoice, amount, currency=currency)
    assert refused.value.facts == {"left_minor": 12_000, "currency": "EUR"}
    assert (Refund.objects.count(), refunds_there(account)) == (0, [])


def test_nothing_is_given_back_of_what_was_not_paid_or_is_not_there(account: Account) -> None:
    invoice = paid(account)
    SubscriptionInvoice.objects.update(paid_minor=0, status="open")
    with pytest.raises(NothingPaid):
        give_back(invoice)
    with pytest.raises(NotFound):
        refund_invoice(actor=OPERATOR, invoice_id=uuid.uuid4(), wish=RefundWish(reason="x"))


def test_only_operators_give_money_back(account: Account, settings: Any) -> None:
    invoice = paid(account)
    owner = Actor(
        kind=ActorKind.MEMBER,
        user_id=uuid.uuid4(),
        role=Role.OWNER,
        organization_id=invoice.organization_id,
    )
    with pytest.raises(Forbidden):
        refund_invoice(actor=owner, invoice_id=invoice.id, wish=RefundWish(reason="x"))
    settings.STRIPE_API_KEY = ""
    with pytest.raises(PaymentsNotSetUp):
        give_back(invoice)
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("call", [("post", ROUTE), ("get", ROUTE), ("get", "/v1/invoice_payments")])
def test_every_fault_of_every_call_ends_in_one_refund(
    account: Account, settings: Any, fault: Fault, times: int, call: tuple[str, str]
) -> None:
    invoice = paid(account)
    if fault is Fault.STALL:
        settings.STRIPE_ANSWER_SECONDS = 0.05
        account.server.faults.stall_seconds = 0.2
    account.server.faults.order(fault, *call, times=times)
    refund = give_back(invoice, 5_000)
    for _ in range(10):
        if refund.state != RefundState.REQUESTED:
            break
        assert refund.problem == GatewayUnavailable.code
        make_refund(refund.id)
        refund.refresh_from_db()
    invoice.refresh_from_db()
    assert (refund.state, invoice.refunded_minor) == ("succeeded", 5_000)
    assert refunds_there(account) == [5_000]
    assert make_refund(refund.id) is None


def test_a_refund_whose_answer_was_lost_and_whose_key_was_forgotten_is_not_made_again(
    account: Account,
) -> None:
    invoice = paid(account)
    account.server.faults.order(Fault.ERROR_AFTER, "post", ROUTE, times=3)
    refund = give_back(invoice, 5_000)
    assert refund.state == "requested"
    account.server._remembered.clear()
    assert make_refund(refund.id) == "succeeded"
    assert refunds_there(account) == [5_000]


def test_while_one_is_on_its_way_no_other_begins(account: Account) -> None:
    invoice = paid(account)
    account.server.faults.order(Fault.ERROR_BEFORE, "post", ROUTE, times=3)
    first = give_back(invoice, 5_000)
    assert left_to_refund(invoice) == 7_000
    with pytest.raises(RefundUnderWay):
        give_back(invoice, 1_000)
    assert make_refund(first.id) == "succeeded"
    assert give_back(invoice, 1_000).state == "succeeded"


def test_what_lies_on_its_way_is_sent_again_later_ones_less_often(
    account: Account, django_capture_on_commit_callbacks: Any
) -> None:
    invoice = paid(account)
    account.server.faults.order(Fault.ERROR_BEFORE, "post", ROUTE, times=3)
    refund = give_back(invoice, 5_000)
    with django_capture_on_commit_callbacks() as early:
        assert resend_refunds() == 0
    Refund.objects.update(updated_at=clock.now() - timedelta(minutes=3))
    with django_capture_on_commit_callbacks() as late:
        assert resend_refunds() == 1
    Refund.objects.update(attempts=10)
    assert (len(early), len(late), resend_refunds()) == (0, 1, 0)
    assert make_refund(refund.id) == "succeeded"


def test_one_the_gateway_refuses_has_failed_and_leaves_all_that_was_left(account: Account) -> None:
    invoice = paid(account)
    # Given back at the gateway itself, of which no message has come yet.
    payment = account.gateway.look_invoice(invoice.gateway_ref).payment_ref
    account.gateway.refund(payment, amount_minor=12_000, reference="", idempotency_key="dashboard")
    refund = give_back(invoice, 5_000)
    assert (refund.state, refund.problem) == ("failed", "charge_already_refunded")
    invoice.refresh_from_db()
    assert invoice.refunded_minor == 12_000  # seen by the look that followed
    assert Refund.objects.exclude(id=refund.id).get().note == "Made at the gateway"
    assert AuditEvent.objects.filter(action="billing.refund_failed").count() == 1


def test_one_that_takes_days_is_pending_and_may_come_back(account: Account) -> None:
    invoice = paid(account)
    account.server.account.refunds_begin = "pending"
    first = give_back(invoice)
    assert (first.state, left_to_refund(invoice)) == ("pending", 0)
    url = f"{account.server.url}/_payer/refunds/{first.gateway_ref}"
    assert requests.post(f"{url}/bounce", timeout=5).status_code == 200
    deliver_all(account.server)
    first.refresh_from_db()
    invoice.refresh_from_db()
    assert (first.state, first.problem) == ("failed", "expired_or_canceled_card")
    assert (invoice.refunded_minor, left_to_refund(invoice)) == (0, 12_000)


def test_one_made_at_the_gateway_is_matched_by_its_message(account: Account) -> None:
    invoice = paid(account)
    payment = account.gateway.look_invoice(invoice.gateway_ref).payment_ref
    account.gateway.refund(payment, amount_minor=700, reference="", idempotency_key="dashboard")
    deliver_all(account.server)
    [row] = Refund.objects.all()
    invoice.refresh_from_db()
    assert (row.state, row.amount_minor, invoice.refunded_minor) == ("succeeded", 700, 700)
    assert left_to_refund(invoice) == 11_300


def test_two_refunds_of_the_whole_at_once_are_one(
    server: Any, account_of: Callable[[Organization], Account], committed: None, acme: Organization
) -> None:
    account = account_of(acme)
    invoice = paid(account)
    outcomes: list[str] = []

    def run() -> None:
        with in_public():
            try:
                outcomes.append(str(give_back(invoice).state))
            except (RefundUnderWay, RefundOutOfRange) as refused:
                outcomes.append(refused.code)

    run_together([run, run])
    assert len(outcomes) == 2
    assert sorted(outcomes)[1] == "succeeded"
    assert sorted(outcomes)[0] in {"refund_under_way", "refund_out_of_range"}
    assert refunds_there(account) == [12_000]
    assert AuditEvent.objects.filter(action="billing.refund").count() == 1


def test_a_job_works_for_nobody_in_particular(account: Account) -> None:
    invoice = paid(account)
    made = refund_invoice(
        actor=system_actor("tests"), invoice_id=invoice.id, wish=RefundWish(reason="x", amount_minor=1)
    )
    assert made.requested_by_id is None
