"""Give money back: written down, asked of the gateway under the row's id, then looked at.

What became of it is never taken from the call's answer but from a look at the payment with all its refunds
(`mirroring_invoices.do_apply_payment`), as for a refund somebody made past us. A refund carries the id of its
row, so one whose answer was lost is found there and not made again, even after the gateway forgot the key.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db.models import Sum

from billing.enums import RefundState
from billing.errors import (
    CardDeclined,
    FailureKept,
    GatewayRefused,
    GatewayUnavailable,
    PaymentsNotSetUp,
)
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.models import Refund, SubscriptionInvoice
from billing.operator_errors import NothingPaid, RefundOutOfRange, RefundStale, RefundUnderWay
from billing.policies import SUBSCRIPTIONS_MANAGE
from billing.services.gateway.following import PAYMENT, look_and_apply
from billing.services.gateway.keys import keys_of
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

MAKE = "billing.make_refund"
# Gone on with after a minute, then after as many as there were attempts; told to the log from here on.
_STUCK_AFTER, _LONGEST_WAIT_MINUTES, _MOST_COUNTED = 20, 60, 30_000
_COUNTED = (RefundState.REQUESTED, RefundState.PENDING, RefundState.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What is to be given back.

    Attributes:
        amount_minor: in minor units of the invoice's currency; None for all that is left.
        currency: lower case; None to take the invoice's own for granted.
        reason: why, for the audit log and the list of refunds.
        left_minor: what was left when somebody looked; a form that was sent twice names what is no more.
    """

    reason: str
    amount_minor: int | None = None
    currency: str | None = None
    left_minor: int | None = None


def refund_invoice(*, actor: Actor, invoice_id: uuid.UUID, wish: RefundWish) -> Refund:
    """Give back what was paid on an invoice, or a part of it.

    The answer's state says how it went: `succeeded`, `pending` (on its way to the payer), `failed` with a
    `problem`, or still `requested` when the gateway did not answer in time: a job goes on with it.

    Raises:
        PaymentsNotSetUp: there is no gateway.
        NotFound: no such invoice.
        NothingPaid: facts `status`.
        RefundOutOfRange: not from 1 to what is left, or of another currency; facts `left_minor`, `currency`.
        RefundUnderWay: another refund of it is on its way.
        RefundStale: something else is left than `wish.left_minor`; facts `left_minor`, `currency`.
    """
    gateway = stripe_gateway()
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        if gateway is None:
            raise PaymentsNotSetUp
        invoice = SubscriptionInvoice.objects.select_for_update(no_key=True).filter(id=invoice_id).first()
        if invoice is None:
            raise NotFound(invoice=str(invoice_id))
        if invoice.paid_minor <= 0:
            raise NothingPaid(status=invoice.status)
        refund = Refund(
            organization_id=invoice.organization_id,
            invoice=invoice,
            amount_minor=_checked_amount(invoice, wish),
            currency=invoice.currency,
            note=wish.reason,
            requested_by_id=actor.user_id,
        )
        refund.save(force_insert=True)
        do_record(
            actor=actor,
            action="billing.refund",
            organization_id=invoice.organization_id,
            target=refund,
            changes={
                "invoice": invoice.number or invoice.gateway_ref,
                "amount_minor": refund.amount_minor,
                "currency": refund.currency,
                "reason": wish.reason,
            },
        )
        enqueue(MAKE, organization_id=None, refund_id=refund.id)
    return _make(gateway, refund)


def make_refund(refund_id: uuid.UUID) -> RefundState | None:
    """Go on with a refund whose caller died or whose gateway did not answer; None when there is nothing to
    do. Safe to run twice, at once too."""
    gateway = stripe_gateway()
    refund = Refund.objects.filter(id=refund_id, state=RefundState.REQUESTED).first()
    if gateway is None or refund is None:
        return None
    return RefundState(_make(gateway, refund, is_repeat=True).state)


def resend_refunds() -> int:
    """Send the refunds that have been on their way for a minute, later ones less often; return how many."""
    now = clock.now()
    waiting = Refund.objects.filter(
        state=RefundState.REQUESTED, updated_at__lt=now - timedelta(minutes=1)
    ).order_by("updated_at")[:500]
    due = [
        row
        for row in waiting
        if row.updated_at + timedelta(minutes=min(row.attempts, _LONGEST_WAIT_MINUTES)) < now
    ]
    for row in due:
        enqueue(MAKE, organization_id=None, refund_id=row.id)
    return len(due)


def left_to_refund(invoice: SubscriptionInvoice) -> int:
    """Return what can still be given back of an invoice, in its minor units; what is on its way is off."""
    live = Refund.objects.filter(invoice=invoice, state__in=_COUNTED).aggregate(sum=Sum("amount_minor"))[
        "sum"
    ]
    # The gateway's own sum counts what was given back past us and is not a row here yet.
    return int(max(0, invoice.paid_minor - max(live or 0, invoice.refunded_minor)))


# --- Inside ------------------------------------------------------------------------------------


def _checked_amount(invoice: SubscriptionInvoice, wish: RefundWish) -> int:
    on_its_way = Refund.objects.filter(invoice=invoice, state=RefundState.REQUESTED).first()
    if on_its_way is not None:
        raise RefundUnderWay(refund=str(on_its_way.id))
    left = left_to_refund(invoice)
    if wish.left_minor is not None and wish.left_minor != left:
        raise RefundStale(left_minor=left, currency=invoice.currency.upper())
    amount = left if wish.amount_minor is None else wish.amount_minor
    is_other_money = wish.currency is not None and wish.currency != invoice.currency
    if is_other_money or not 1 <= amount <= left:
        raise RefundOutOfRange(field="amount", left_minor=left, currency=invoice.currency.upper())
    return amount


def _make(gateway: StripeGateway, refund: Refund, *, is_repeat: bool = False) -> Refund:
    """Ask the gateway under the refund's key, then look at the payment; return the row as it is then.

    A repeat looks first: whoever died after the call counted no attempt, and the gateway forgets keys.
    """
    try:
        payment_ref = _payment_of(gateway, refund.invoice)
        if not payment_ref:
            return _give_up(refund, "no_payment")
        if is_repeat and _is_told(gateway, payment_ref, refund):
            return refund
        try:
            _give(gateway, payment_ref, refund)
        except (CardDeclined, GatewayRefused) as error:
            # Refused, or refused because an earlier try did it.
            if not _is_told(gateway, payment_ref, refund):
                return _give_up(refund, str(error.facts.get("reason", error.code)))
            return refund
        _is_told(gateway, payment_ref, refund)
    except GatewayUnavailable:
        return _put_off(refund)
    return refund


def _give(gateway: StripeGateway, payment_ref: str, refund: Refund) -> None:
    """Ask for the refund, under the next key where the gateway keeps a failure under the one before and no
    look shows the refund."""
    kept: FailureKept | None = None
    for key in keys_of(refund.id, since=refund.created_at):
        if kept is not None and _is_told(gateway, payment_ref, refund):
            return
        try:
            gateway.refund(
                payment_ref,
                amount_minor=refund.amount_minor,
                reference=str(refund.id),
                idempotency_key=key,
            )
        except FailureKept as error:
            kept = error
        else:
            return
    assert kept is not None  # noqa: S101  there is a first key
    raise kept


def _payment_of(gateway: StripeGateway, invoice: SubscriptionInvoice) -> str:
    """Return the payment that covered the invoice, asked of the gateway where no message has told it."""
    return invoice.payment_ref or gateway.look_invoice(invoice.gateway_ref).payment_ref


def _is_told(gateway: StripeGateway, payment_ref: str, refund: Refund) -> bool:
    """Look at the payment and write what was given back of it; tell whether this refund is among it."""
    look_and_apply(gateway, PAYMENT, payment_ref)
    refund.refresh_from_db()
    return refund.state != RefundState.REQUESTED


def _put_off(refund: Refund) -> Refund:
    with entry_transaction():
        row = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        if row.state == RefundState.REQUESTED:
            row.attempts = min(row.attempts + 1, _MOST_COUNTED)
            row.problem = GatewayUnavailable.code
            row.save_fields("attempts", "problem")
            if row.attempts >= _STUCK_AFTER:
                log.error("refund_stuck", refund=str(row.id), attempts=row.attempts)
    return row


def _give_up(refund: Refund, problem: str) -> Refund:
    """The gateway refused: nothing was given back."""
    with entry_transaction():
        SubscriptionInvoice.objects.select_for_update(no_key=True).get(id=refund.invoice_id)
        row = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        if row.state == RefundState.REQUESTED:
            row.state, row.problem = RefundState.FAILED, problem[:100]
            row.save_fields("state", "problem")
            do_record(
                actor=system_actor("billing.refunds"),
                action="billing.refund_failed",
                organization_id=row.organization_id,
                target=row,
                changes={"problem": row.problem},
            )
            log.warning("refund_refused", refund=str(row.id), problem=problem)
    return row
