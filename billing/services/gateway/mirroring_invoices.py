"""Keep invoices, and what was given back of them, as the gateway shows them."""

import dataclasses
from typing import Any

import structlog

from billing.enums import RefundState
from billing.gateways.types import SeenInvoice, SeenLine, SeenPayment, SeenRefund
from billing.inbox_errors import PaymentNotHereYet
from billing.models import Refund, Subscription, SubscriptionInvoice
from billing.services.access.access import do_follow_invoice
from billing.services.customers.customers import get_account
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import require_transaction

log = structlog.get_logger(__name__)

_REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
_GIVEN_BACK = frozenset({RefundState.PENDING, RefundState.SUCCEEDED})


def do_apply_invoice(seen: SeenInvoice) -> SubscriptionInvoice:
    """Keep the invoice as the gateway shows it, under the organization whose customer it names.

    Raises:
        UnknownCustomer: no organization is this customer.
    """
    require_transaction()
    account = get_account(seen.customer_ref)
    subscription = (
        Subscription.objects.select_for_update(no_key=True)
        .filter(gateway_ref=seen.subscription_ref, organization_id=account.organization_id)
        .first()
    )
    facts: dict[str, Any] = {
        "organization_id": account.organization_id,
        "subscription": subscription,
        "number": seen.number,
        "status": seen.status,
        "reason": seen.reason,
        "currency": seen.currency,
        "subtotal_minor": seen.subtotal_minor,
        "discount_minor": seen.discount_minor,
        "tax_minor": seen.tax_minor,
        "total_minor": seen.total_minor,
        "due_minor": seen.due_minor,
        "paid_minor": seen.paid_minor,
        "attempts": seen.attempts,
        "next_attempt_at": seen.next_attempt_at,
        "issued_at": seen.created_at,
        "paid_at": seen.paid_at,
        "hosted_url": seen.hosted_url,
        "pdf_url": seen.pdf_url,
        "lines": [_line(each) for each in seen.lines],
        "updated_at": clock.now(),
    }
    if seen.payment_ref:
        facts["payment_ref"] = seen.payment_ref
    row, _ = SubscriptionInvoice.objects.update_or_create(gateway_ref=seen.ref, defaults=facts)
    if subscription is not None:
        do_follow_invoice(subscription)
    return row


def do_drop_invoice(ref: str) -> None:
    """A draft that was deleted is owed by nobody."""
    require_transaction()
    SubscriptionInvoice.objects.filter(gateway_ref=ref).update(
        status="void", next_attempt_at=None, updated_at=clock.now()
    )


def do_apply_payment(seen: SeenPayment) -> SubscriptionInvoice | None:
    """Keep every refund of a payment, those made past us too, and what they sum to on its invoice.

    None for a payment of no invoice: none of ours.

    Raises:
        PaymentNotHereYet: its invoice is not here; its own message brings it.
    """
    require_transaction()
    if not seen.invoice_ref:
        return None
    invoice = (
        SubscriptionInvoice.objects.select_for_update(no_key=True)
        .filter(gateway_ref=seen.invoice_ref)
        .first()
    )
    if invoice is None:
        raise PaymentNotHereYet(payment=seen.ref, invoice=seen.invoice_ref)
    for each in seen.refunds:
        _keep_refund(invoice, each)
    invoice.payment_ref = seen.ref
    invoice.refunded_minor = sum(each.amount_minor for each in seen.refunds if _state_of(each) in _GIVEN_BACK)
    invoice.save_fields("payment_ref", "refunded_minor")
    return invoice


def _keep_refund(invoice: SubscriptionInvoice, seen: SeenRefund) -> None:
    row = _row_of(invoice, seen)
    state, problem = _state_of(seen), ""
    if state == RefundState.FAILED:
        problem = (seen.reason or seen.status)[:100]
    if row is not None:
        row.gateway_ref, row.state, row.problem = seen.ref, state, problem
        row.save_fields("gateway_ref", "state", "problem")
        return
    made = Refund.objects.create(
        organization_id=invoice.organization_id,
        invoice=invoice,
        amount_minor=seen.amount_minor,
        currency=seen.currency,
        state=state,
        gateway_ref=seen.ref,
        note="Made at the gateway",
        problem=problem,
    )
    do_record(
        actor=system_actor("billing.gateway"),
        action="billing.refund_seen",
        organization_id=invoice.organization_id,
        target=made,
        changes={"invoice": invoice.number or invoice.gateway_ref, "amount_minor": seen.amount_minor},
    )


def _row_of(invoice: SubscriptionInvoice, seen: SeenRefund) -> Refund | None:
    """Return our row of a refund: by its name there, or by our own when its answer never came."""
    row = Refund.objects.filter(gateway_ref=seen.ref, invoice=invoice).first()
    if row is None and seen.reference:
        waiting = Refund.objects.filter(invoice=invoice, gateway_ref=None, amount_minor=seen.amount_minor)
        row = next((each for each in waiting if str(each.id) == seen.reference), None)
    return row


def _state_of(seen: SeenRefund) -> RefundState:
    # A word newer than this code is not taken for money that arrived.
    return _REFUND_STATES.get(seen.status, RefundState.PENDING)


def _line(line: SeenLine) -> dict[str, Any]:
    fields = dataclasses.asdict(line)
    fields["period_start"] = line.period_start.isoformat()
    fields["period_end"] = line.period_end.isoformat()
    return fields
