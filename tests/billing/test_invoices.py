"""Open invoices are paid once, by the card on file."""

import uuid
from typing import Any

import pytest

from billing.errors import CardDeclined, GatewayUnavailable, InvoiceNotOpen
from billing.models import Subscription, SubscriptionInvoice
from billing.selectors.purchases import get_invoice, list_invoices
from billing.services.changes.previewed import confirm_change, preview_change
from billing.services.customers.invoices import pay_invoice
from shared_apps.core.errors import NotFound
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault

PAY = "/v1/invoices/{invoice}/pay"


@pytest.fixture
def owed(account: Account) -> SubscriptionInvoice:
    """Ten seats more that a declined card did not pay."""
    account.subscribe(10)
    deliver_all(account.server)
    account.card("decline")
    of: dict[str, Any] = {"actor": account.actor, "organization_id": account.organization.id}
    confirm_change(**of, token=preview_change(**of, seats=20).token)
    deliver_all(account.server)
    return SubscriptionInvoice.objects.get(status="open")


def pay(account: Account, invoice: SubscriptionInvoice) -> SubscriptionInvoice:
    return pay_invoice(actor=account.actor, organization_id=account.organization.id, invoice_id=invoice.id)


def paid_there(account: Account) -> int:
    return sum(
        row["amount_received"]
        for row in account.server.account.all("payment_intent")
        if row["status"] == "succeeded"
    )


@pytest.mark.feature("SUB-07")
def test_the_mirror_is_the_gateways(account: Account) -> None:
    account.subscribe(10)
    deliver_all(account.server)
    [theirs] = account.server.account.all("invoice")
    ours = SubscriptionInvoice.objects.get()
    assert (ours.gateway_ref, ours.number, ours.status) == (theirs["id"], theirs["number"], "paid")
    assert (ours.total_minor, ours.paid_minor, ours.currency) == (12_000, 12_000, "eur")
    assert (ours.hosted_url, ours.pdf_url) == (theirs["hosted_invoice_url"], theirs["invoice_pdf"])
    assert [line["seats"] for line in ours.lines] == [10]


@pytest.mark.feature("SUB-07")
def test_an_open_invoice_is_paid_when_the_card_is_good(account: Account, owed: SubscriptionInvoice) -> None:
    before = paid_there(account)
    with pytest.raises(CardDeclined):
        pay(account, owed)
    with pytest.raises(CardDeclined):
        pay(account, owed)
    assert SubscriptionInvoice.objects.get(id=owed.id).status == "open"
    account.card("ok")
    done = pay(account, owed)
    again = pay(account, owed)
    assert (done.status, again.status) == ("paid", "paid")
    assert paid_there(account) - before == owed.due_minor
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == 20


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
def test_a_lost_answer_charges_once(account: Account, owed: SubscriptionInvoice, fault: Fault) -> None:
    account.card("ok")
    before = paid_there(account)
    account.server.faults.order(fault, "post", PAY, times=1 if fault is Fault.TOO_MANY else 3)
    with pytest.raises(GatewayUnavailable):
        pay(account, owed)
    assert pay(account, owed).status == "paid"
    assert paid_there(account) - before == owed.due_minor


def test_a_void_invoice_is_not_paid(account: Account, owed: SubscriptionInvoice) -> None:
    account.server.account.objects["invoice"][owed.gateway_ref]["status"] = "void"
    with pytest.raises(InvoiceNotOpen):
        pay(account, owed)


def test_anothers_invoice_is_not_there(
    account: Account, owed: SubscriptionInvoice, globex: Organization, account_of: Any
) -> None:
    other = account_of(globex)
    calls = len(account.server.calls)
    with pytest.raises(NotFound):
        pay(other, owed)
    with pytest.raises(NotFound):
        get_invoice(actor=other.actor, organization_id=globex.id, invoice_id=owed.id)
    with pytest.raises(NotFound):
        pay_invoice(actor=account.actor, organization_id=account.organization.id, invoice_id=uuid.UUID(int=9))
    assert list(list_invoices(actor=other.actor, organization_id=globex.id)) == []
    assert account.server.calls[calls:] == []
