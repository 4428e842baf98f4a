"""What finds messages that were lost on the way: to the worker, or to us."""

from datetime import timedelta

import structlog
from django.db.models import Q, QuerySet

from billing.enums import CheckoutState, EventState
from billing.errors import GatewayUnavailable
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.models import Checkout, GatewayEvent, SubscriptionInvoice
from billing.services.gateway.following import CHECKOUT, INVOICE, Followed, look_and_apply
from billing.services.gateway.inbox import PROCESS, find_due, take_in
from shared_apps.core import clock
from shared_apps.core.errors import DomainError
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

# What is not final after this long is asked about, whatever messages came.
_SHOULD_BE_OVER = timedelta(minutes=15)
# How far back an open page or invoice is still asked about each hour.
_ASKED_FOR = timedelta(days=60)
_ASKED_AT_ONCE = 500
_NOT_FINAL = ("draft", "open")
# The gateway keeps its messages for 30 days: older ones could not come a second time.
KEEP_EVENTS = timedelta(days=60)
_OVER = (EventState.PROCESSED, EventState.IGNORED)


def sweep() -> int:
    """Send what is due again: messages whose task was lost, and failed ones whose time has come."""
    keys = find_due()
    for key in keys:
        enqueue(PROCESS, organization_id=None, event_key=key)
    return len(keys)


def fill_gaps(since: timedelta = timedelta(hours=3)) -> int:
    """Ask the gateway for messages that never arrived, and for what should be over by now; return how many
    messages were missed.

    Raises:
        GatewayUnavailable: the next hour asks again, further back than an hour.
    """
    gateway = stripe_gateway()
    if gateway is None:
        return 0
    missed = take_in(gateway.notices_since(clock.now() - since), were_missed=True)
    if missed:
        log.warning("gateway_messages_missed", gateway="stripe", count=missed)
    look_at_unfinished(gateway)
    return missed


def look_at_unfinished(gateway: StripeGateway) -> int:
    """Look at pages and invoices that are not final a quarter of an hour on; return how many were looked at.

    One that cannot be written is told in the log and keeps none of the others.

    Raises:
        GatewayUnavailable: the rest is looked at in an hour.
    """
    looked = 0
    for followed, refs in ((CHECKOUT, _open_checkouts()), (INVOICE, _open_invoices())):
        for ref in refs:
            _look(gateway, followed, ref)
            looked += 1
    return looked


def forget_old_events() -> int:
    """Delete what is over and cannot be delivered again; return how many. Parked ones stay."""
    old = GatewayEvent.objects.filter(state__in=_OVER, created_at__lt=clock.now() - KEEP_EVENTS)
    deleted = 0
    while True:
        some = list(old.order_by("created_at").values_list("id", flat=True)[:5000])
        if not some:
            return deleted
        with entry_transaction():
            GatewayEvent.objects.filter(id__in=some).delete()
        deleted += len(some)


def _look(gateway: StripeGateway, followed: Followed, ref: str) -> None:
    try:
        look_and_apply(gateway, followed, ref)
    except GatewayUnavailable:
        raise
    except DomainError as error:
        log.warning("gateway_object_not_followed", object_ref=ref, problem=str(error))
    except Exception:  # one broken object must not hide the others
        log.exception("gateway_object_broke", object_ref=ref)


def _open_checkouts() -> list[str]:
    """Pages that are open, and those of sign-ups that were gone through but made no organization."""
    unfinished = Q(state=CheckoutState.OPEN) | Q(state=CheckoutState.COMPLETE, organization=None)
    return _refs(Checkout.objects.filter(unfinished))


def _open_invoices() -> list[str]:
    return _refs(SubscriptionInvoice.objects.filter(status__in=_NOT_FINAL))


def _refs(rows: QuerySet[Checkout] | QuerySet[SubscriptionInvoice]) -> list[str]:
    now = clock.now()
    asked = rows.filter(created_at__gt=now - _ASKED_FOR, updated_at__lt=now - _SHOULD_BE_OVER)
    refs = asked.exclude(gateway_ref=None).order_by("updated_at").values_list("gateway_ref", flat=True)
    return [str(ref) for ref in refs[:_ASKED_AT_ONCE]]
