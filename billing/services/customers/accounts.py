"""The organization as a customer: its name, address and tax ids on invoices. The gateway's copy counts; ours
is what it was seen to say."""

import uuid
from typing import Any

import structlog

from billing.errors import GatewayRefused, PaymentsNotSetUp, TaxIdMalformed, TooManyTaxIds
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import SeenCustomer
from billing.models import BillingAccount
from billing.parsing import checked_tax_id
from billing.policies import BILLING_MANAGE, require_in
from billing.services.customers.checkouts import ensure_account
from billing.services.gateway.tickets import apply_in_turn, draw_ticket
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.context import in_public

log = structlog.get_logger(__name__)

MOST_TAX_IDS = 5


def update_account(*, actor: Actor, organization_id: uuid.UUID, changes: dict[str, Any]) -> BillingAccount:
    """Change what invoices say of the organization.

    Args:
        changes: any of `name`, `email`, `address` (`line1`, `line2`, `postal_code`, `city`, `state`,
            `country` in two capital letters); the whole address at once.

    Raises:
        PaymentsNotSetUp: nothing is sold here.
        GatewayUnavailable, GatewayRefused: nothing was changed, or will be told by a message.
    """
    with in_public():
        gateway = _allowed(actor, organization_id)
        account = ensure_account(gateway, organization_id)
        wanted = {name: changes.get(name, getattr(account, name)) for name in ("name", "email", "address")}
        gateway.update_customer(account.gateway_ref, **wanted)
        _look(gateway, account, actor, "billing.account", {name: wanted[name] for name in changes})
        account.refresh_from_db()
    return account


def add_tax_id(*, actor: Actor, organization_id: uuid.UUID, kind: str, value: str) -> BillingAccount:
    """Put a tax id on the organization's invoices; the same again changes nothing.

    Args:
        kind: the gateway's word, "eu_vat", "gb_vat", "in_gst" ...

    Raises:
        TaxIdMalformed: no number of this kind looks so.
        TooManyTaxIds: there are 5.
        PaymentsNotSetUp, GatewayUnavailable, GatewayRefused: as for `update_account`.
    """
    number = checked_tax_id(kind, value)
    with in_public():
        gateway = _allowed(actor, organization_id)
        account = ensure_account(gateway, organization_id)
        if len(account.tax_ids) >= MOST_TAX_IDS:
            raise TooManyTaxIds(most=MOST_TAX_IDS)
        try:
            gateway.add_tax_id(account.gateway_ref, kind=kind, value=number)
        except GatewayRefused as error:
            if error.facts.get("reason") == "tax_id_invalid":
                raise TaxIdMalformed(field="value", kind=kind) from error
            raise
        _look(gateway, account, actor, "billing.add_tax_id", {"kind": kind})
        account.refresh_from_db()
    return account


def remove_tax_id(*, actor: Actor, organization_id: uuid.UUID, tax_id: uuid.UUID) -> None:
    """Take a tax id off the organization's invoices.

    Raises:
        NotFound: the organization has none of this id.
        PaymentsNotSetUp, GatewayUnavailable: as for `update_account`.
    """
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            account = BillingAccount.objects.filter(organization_id=organization_id).first()
        known = {each["id"]: each["ref"] for each in account.tax_ids} if account else {}
        if account is None or str(tax_id) not in known:
            raise NotFound(tax_id=str(tax_id))
        gateway = _gateway()
        gateway.drop_tax_id(account.gateway_ref, known[str(tax_id)])
        _look(gateway, account, actor, "billing.remove_tax_id", {"tax_id": str(tax_id)})


def refresh_account(account_id: uuid.UUID) -> bool:
    """Look at the customer and keep what is seen; False when nothing was kept. Safe to repeat."""
    gateway = stripe_gateway()
    account = BillingAccount.objects.filter(id=account_id).first()
    if gateway is None or account is None:
        return False
    ticket = draw_ticket(account.gateway_ref)
    seen = gateway.look_customer(account.gateway_ref)
    with entry_transaction():
        return apply_in_turn(account.gateway_ref, ticket, lambda: do_apply_customer(seen))


def do_apply_customer(seen: SeenCustomer) -> BillingAccount | None:
    """Make the account what the gateway says; None for a customer that is no organization (yet)."""
    require_transaction()
    account = BillingAccount.objects.select_for_update(no_key=True).filter(gateway_ref=seen.ref).first()
    if account is None:
        return None
    if seen.is_deleted:
        log.error("customer_deleted", organization=str(account.organization_id), customer=seen.ref)
        account.has_payment_method = False
        account.save_fields("has_payment_method")
        return account
    facts = {
        "name": seen.name,
        # An account without an address for its invoices would be one nobody can write to.
        "email": seen.email or account.email,
        "address": seen.address,
        "tax_ids": [
            {
                # Our own name of it, the same at every look.
                "id": str(uuid.uuid5(account.id, each.ref)),
                "ref": each.ref,
                "kind": each.kind,
                "value": each.value,
                "verification": each.verification,
            }
            for each in seen.tax_ids
        ],
        # The gateway fixes it with the first invoice and never takes it back.
        "currency": seen.currency or account.currency,
        "credit_minor": seen.credit_minor,
        "has_payment_method": seen.has_payment_method,
    }
    differing = [name for name, value in facts.items() if getattr(account, name) != value]
    for name in differing:
        setattr(account, name, facts[name])
    if differing:
        account.updated_at = clock.now()
        account.save_fields(*differing)
    return account


def _gateway() -> StripeGateway:
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    return gateway


def _allowed(actor: Actor, organization_id: uuid.UUID) -> StripeGateway:
    gateway = _gateway()
    with entry_transaction():
        require_in(actor, BILLING_MANAGE, organization_id)
    return gateway


def _look(
    gateway: StripeGateway, account: BillingAccount, actor: Actor, action: str, changes: dict[str, Any]
) -> None:
    """Keep what the gateway has now, in turn with its messages, and who changed it."""
    ticket = draw_ticket(account.gateway_ref)
    seen = gateway.look_customer(account.gateway_ref)
    with entry_transaction():
        apply_in_turn(account.gateway_ref, ticket, lambda: do_apply_customer(seen))
        do_record(
            actor=actor,
            action=action,
            organization_id=account.organization_id,
            target=account,
            changes=changes,
        )
