"""Pay an open invoice now."""

import uuid

from billing.errors import GatewayRefused, InvoiceNotOpen, PaymentsNotSetUp
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.models import SubscriptionInvoice
from billing.policies import BILLING_MANAGE, require_in
from billing.selectors.purchases import get_invoice
from billing.services.gateway.mirroring_invoices import do_apply_invoice
from billing.services.gateway.tickets import apply_in_turn, draw_ticket
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public

PAID = "paid"
_PAYABLE = ("open", "uncollectible")


def pay_invoice(*, actor: Actor, organization_id: uuid.UUID, invoice_id: uuid.UUID) -> SubscriptionInvoice:
    """Charge what is open on an invoice to the payment method on file; one that is paid is answered as it is.

    What the subscription becomes by it is told by its messages.

    Raises:
        NotFound: the organization has no such invoice.
        InvoiceNotOpen: there is nothing to pay.
        CardDeclined: it stays open.
        PaymentsNotSetUp, GatewayUnavailable, GatewayRefused: nothing is charged twice; try again.
    """
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            row = get_invoice(actor=actor, organization_id=organization_id, invoice_id=invoice_id)
            do_record(actor=actor, action="billing.pay_invoice", organization_id=organization_id, target=row)
        if row.status == PAID:
            return row
        gateway = stripe_gateway()
        if gateway is None:
            raise PaymentsNotSetUp
        _charge(gateway, row)
        ticket = draw_ticket(row.gateway_ref)
        seen = gateway.look_invoice(row.gateway_ref)
        with entry_transaction():
            apply_in_turn(row.gateway_ref, ticket, lambda: do_apply_invoice(seen))
        row.refresh_from_db()
    return row


def _charge(gateway: StripeGateway, row: SubscriptionInvoice) -> None:
    before = gateway.look_invoice(row.gateway_ref)
    if before.status == PAID:
        return
    if before.status not in _PAYABLE:
        raise InvoiceNotOpen(status=before.status)
    try:
        # A fresh key each time: under an old one the gateway would repeat a refusal of a card that is another
        # by now. An invoice is paid once whatever the key.
        gateway.pay_invoice(row.gateway_ref, idempotency_key=str(new_id()))
    except GatewayRefused:
        # Somebody else, or the gateway's own schedule, may have been faster.
        if gateway.look_invoice(row.gateway_ref).status != PAID:
            raise
