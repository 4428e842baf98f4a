"""The gateway's own pages for a customer: cards, invoices, tax ids, the end of a subscription."""

import uuid

from billing.errors import PaymentsNotSetUp
from billing.gateways.stripe_gateway import stripe_gateway
from billing.policies import BILLING_MANAGE, require_in
from billing.services.customers.checkouts import ensure_account
from billing.services.customers.return_addresses import checked_return
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public


def open_portal(*, actor: Actor, organization_id: uuid.UUID, return_url: str = "") -> str:
    """Return a short-lived address of the organization's pages at the gateway.

    Args:
        return_url: where they lead back to; empty for the organization's own host.

    Raises:
        ReturnAddressForeign: not to there.
        PaymentsNotSetUp, GatewayUnavailable, GatewayRefused: no page.
    """
    with in_public():
        gateway = stripe_gateway()
        if gateway is None:
            raise PaymentsNotSetUp
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            back = checked_return(return_url, organization_id=organization_id, field="return_url")
        account = ensure_account(gateway, organization_id)
        url = gateway.open_portal(account.gateway_ref, return_url=back)
        with entry_transaction():
            do_record(
                actor=actor, action="billing.open_portal", organization_id=organization_id, target=account
            )
    return url
