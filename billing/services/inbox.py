"""The inbox of the gateway's messages: taken in once, answered at once, worked off by tickets.

A message only says that something changed. For each, a worker draws a ticket, asks the gateway what the
object is now (no lock held, no transaction open), and applies what it saw in one transaction, unless a later
ticket was applied before. Measured elsewhere: acting on payloads in order of arrival was wrong in 75 % of
shuffles, asking without a ticket in 4-7 %, with a ticket never.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from billing.enums import EventState
from billing.errors import GatewayRefused, GatewayUnavailable, UnknownCustomer
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import Notice, SeenCheckout, SeenInvoice, SeenSubscription
from billing.models import GatewayEvent
from billing.services.checkouts import do_apply_checkout
from billing.services.mirroring import do_apply_invoice, do_apply_subscription
from billing.services.tickets import GATEWAY, apply_in_turn, draw_ticket
from shared_apps.core import clock
from shared_apps.core.errors import DomainError
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

PROCESS = "billing.process_event"
# Waits of 1, 3, 9 ... minutes, 6 h at most; then somebody has to look.
MOST_ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
# A message this old whose task was lost with the broker is sent again.
_LOST_AFTER = timedelta(seconds=30)
_AT_ONCE = 500
# What objects of which kinds we follow; everything else is kept as a line and ignored.
_FOLLOWED = ("customer.subscription.", "invoice.", "checkout.session.")

Seen = SeenSubscription | SeenInvoice | SeenCheckout | None


def take_in(notices: Iterable[Notice], *, were_missed: bool = False) -> int:
    """Keep messages that were not kept before, and have each worked off; return how many were new."""
    now = clock.now()
    rows = [
        GatewayEvent(
            gateway=GATEWAY,
            event_key=notice.key,
            kind=notice.kind[:80],
            object_ref=notice.object_ref[:120],
            occurred_at=notice.occurred_at,
            state=EventState.RECEIVED if _is_followed(notice.kind) else EventState.IGNORED,
            next_try_at=now,
            was_missed=were_missed,
        )
        for notice in notices
    ]
    with entry_transaction():
        before = set(
            GatewayEvent.objects.filter(
                gateway=GATEWAY, event_key__in=[row.event_key for row in rows]
            ).values_list("event_key", flat=True)
        )
        GatewayEvent.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        new = [row for row in rows if row.event_key not in before]
        for row in new:
            if row.state == EventState.RECEIVED:
                enqueue(PROCESS, organization_id=None, event_key=row.event_key)
    return len(new)


def process_event(event_key: str) -> EventState | None:
    """Work a message off; None when there is none or it is done. Safe to run twice, at once too.

    A gateway that does not answer has it tried later; one that refuses, or a customer of nobody here, parks
    it: repeating would not help.
    """
    event = GatewayEvent.objects.filter(gateway=GATEWAY, event_key=event_key).first()
    gateway = stripe_gateway()
    if event is None or gateway is None or event.state not in (EventState.RECEIVED, EventState.FAILED):
        return None
    ticket = draw_ticket(event.object_ref)
    try:
        seen = _look(gateway, event)
        return _apply(event.id, ticket, seen)
    except (GatewayUnavailable, UnknownCustomer) as error:
        # A customer nobody knows may be one whose row is being written; in the end it is parked.
        return _fail(event.id, error.code, final=False)
    except GatewayRefused as error:
        return _fail(event.id, str(error.facts.get("reason", error.code)), final=True)
    except DomainError as error:
        return _fail(event.id, error.code, final=False)


def sweep() -> int:
    """Send what is due again: messages whose task was lost, and failed ones whose time has come."""
    now = clock.now()
    due = GatewayEvent.objects.filter(
        Q(state=EventState.RECEIVED, created_at__lt=now - _LOST_AFTER) | Q(state=EventState.FAILED),
        next_try_at__lte=now,
    ).order_by("next_try_at")[:_AT_ONCE]
    keys = list(due.values_list("event_key", flat=True))
    for key in keys:
        enqueue(PROCESS, organization_id=None, event_key=key)
    return len(keys)


def fill_gaps(since: timedelta = timedelta(hours=3)) -> int:
    """Ask the gateway for messages that never arrived, and keep them; return how many there were."""
    gateway = stripe_gateway()
    if gateway is None:
        return 0
    missed = take_in(gateway.notices_since(clock.now() - since), were_missed=True)
    if missed:
        log.warning("gateway_messages_missed", gateway=GATEWAY, count=missed)
    return missed


def _look(gateway: StripeGateway, event: GatewayEvent) -> Seen:
    if event.kind.startswith("customer.subscription."):
        return gateway.look_subscription(event.object_ref)
    if event.kind.startswith("invoice."):
        return gateway.look_invoice(event.object_ref)
    return gateway.look_checkout(event.object_ref)


def _apply(event_id: uuid.UUID, ticket: int, seen: Seen) -> EventState:
    """Write what was seen and the mark, together or not at all."""
    with entry_transaction():
        event = GatewayEvent.objects.select_for_update(no_key=True).get(id=event_id)
        if event.state == EventState.PROCESSED:
            return EventState.PROCESSED
        apply_in_turn(event.object_ref, ticket, lambda: _do_apply(seen))
        event.state = EventState.PROCESSED
        event.processed_at = clock.now()
        event.attempts += 1
        event.problem = ""
        event.save_fields("state", "processed_at", "attempts", "problem")
    return EventState.PROCESSED


def _do_apply(seen: Seen) -> None:
    if isinstance(seen, SeenSubscription):
        do_apply_subscription(seen)
    elif isinstance(seen, SeenInvoice):
        do_apply_invoice(seen)
    elif isinstance(seen, SeenCheckout):
        do_apply_checkout(seen)


def _fail(event_id: uuid.UUID, problem: str, *, final: bool) -> EventState:
    with entry_transaction():
        event = GatewayEvent.objects.select_for_update(no_key=True).get(id=event_id)
        if event.state == EventState.PROCESSED:
            return EventState.PROCESSED
        event.attempts += 1
        event.problem = problem[:200]
        is_over = final or event.attempts >= MOST_ATTEMPTS
        event.state = EventState.PARKED if is_over else EventState.FAILED
        event.next_try_at = _next_try(event.attempts)
        event.save_fields("attempts", "problem", "state", "next_try_at")
    log.log(
        40 if event.state == EventState.PARKED else 30,
        "gateway_event_parked" if event.state == EventState.PARKED else "gateway_event_failed",
        event_key=event.event_key,
        kind=event.kind,
        problem=problem,
    )
    return EventState(event.state)


def _next_try(attempts: int) -> datetime:
    wait: timedelta = min(_LONGEST_WAIT, _FIRST_WAIT * int(3 ** (attempts - 1)))
    return clock.now() + wait


def _is_followed(kind: str) -> bool:
    return kind.startswith(_FOLLOWED)
