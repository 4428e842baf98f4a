"""Background work of billing; all of it the platform's."""

import uuid

from celery import shared_task

from billing.gateways.stripe_gateway import stripe_gateway
from billing.services.access.access import end_kept_seats
from billing.services.access.dunning import run_dunning
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.making import make_change, resend_changes
from billing.services.customers.accounts import refresh_account
from billing.services.customers.checkouts import sweep_checkouts
from billing.services.gateway.inbox import process_event
from billing.services.gateway.inbox_sweeps import fill_gaps, forget_old_events, sweep
from billing.services.gateway.reconcile import reconcile
from billing.services.operators.refunds import make_refund, resend_refunds
from billing.services.seats.alerts import tell_seat_use
from billing.services.seats.growth import settle_growth
from billing.services.seats.ledger import audit_seats
from billing.services.seats.statements import make_statements, order_statements
from tenants.task_base import PlatformTask


@shared_task(name="billing.process_event", base=PlatformTask)
def process_gateway_event(event_key: str) -> str | None:
    """Work one message of the gateway off."""
    return process_event(event_key)


@shared_task(name="billing.sweep_events", base=PlatformTask)
def sweep_gateway_events() -> int:
    """Send what is due again."""
    return sweep()


@shared_task(name="billing.fill_gaps", base=PlatformTask)
def fill_gateway_gaps() -> int:
    """Ask for messages that never arrived."""
    return fill_gaps()


@shared_task(name="billing.forget_events", base=PlatformTask)
def forget_gateway_events() -> int:
    """Delete messages that are over for long."""
    return forget_old_events()


@shared_task(name="billing.reconcile", base=PlatformTask)
def reconcile_with_gateway() -> int | None:
    """Hold our rows against the gateway's; return how many facts differ."""
    done = reconcile()
    return None if done is None else done.differing


@shared_task(name="billing.make_change", base=PlatformTask)
def make_seat_change(change_id: str) -> str | None:
    """Go on with a change of seats."""
    return make_change(uuid.UUID(change_id))


@shared_task(name="billing.resend_changes", base=PlatformTask)
def resend_seat_changes() -> int:
    """Send changes again whose task was lost."""
    return resend_changes()


@shared_task(name="billing.sweep_checkouts", base=PlatformTask)
def sweep_open_checkouts() -> int:
    """Settle pages whose time is over."""
    return sweep_checkouts()


@shared_task(name="billing.refresh_account", base=PlatformTask)
def refresh_billing_account(account_id: str) -> bool:
    """Look at an organization as a customer of the gateway."""
    return refresh_account(uuid.UUID(account_id))


@shared_task(name="billing.run_dunning", base=PlatformTask)
def tell_dunning_stages() -> int:
    """Tell what time alone has brought about."""
    return run_dunning()


@shared_task(name="billing.end_kept_seats", base=PlatformTask)
def end_seats_kept_long_enough() -> int:
    """End the seats of subscriptions that are over for good."""
    return end_kept_seats()


@shared_task(name="billing.sync_catalogue", base=PlatformTask)
def bring_catalogue_over() -> int:
    """Bring plans, prices and promotion codes to the gateway; return how many facts differ there."""
    if stripe_gateway() is None:
        return 0
    sync_promotions()
    return len(sync_catalogue().drifts)


@shared_task(name="billing.make_refund", base=PlatformTask)
def make_refund_of_invoice(refund_id: str) -> str | None:
    """Go on with a refund."""
    return make_refund(uuid.UUID(refund_id))


@shared_task(name="billing.resend_refunds", base=PlatformTask)
def resend_refunds_on_their_way() -> int:
    """Send refunds again whose task was lost."""
    return resend_refunds()


@shared_task(name="billing.tell_seat_use", base=PlatformTask)
def tell_of_seat_use() -> int:
    """Write to administrators whose seats run out."""
    return tell_seat_use()


@shared_task(name="billing.audit_seats", base=PlatformTask)
def audit_seat_ledgers() -> int:
    """Hold the ledgers of seats against the seats; return how many facts differ."""
    return len(audit_seats())


@shared_task(name="billing.order_statements", base=PlatformTask)
def order_seat_statements() -> int:
    """Have the statements made of months that are over."""
    return order_statements()


@shared_task(name="billing.make_statements", base=PlatformTask)
def make_seat_statements(subscription_id: str) -> int:
    """Write the statements of one subscription's months that are over."""
    return make_statements(uuid.UUID(subscription_id))


@shared_task(name="billing.settle_growth", base=PlatformTask)
def give_grown_seats() -> int:
    """Give seats whose purchase was made meanwhile."""
    return settle_growth()
