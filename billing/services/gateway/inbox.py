"""The inbox of the gateway's messages: taken in once, answered at once, worked off by tickets.

A message only says that something changed. For each, a worker draws a ticket, asks the gateway what the
object is now (no lock held, no transaction open), and applies what it saw in one transaction, unless a later
ticket was applied before. Measured elsewhere: acting on payloads in order of arrival was wrong in 75 % of
shuffles, asking without a ticket in 4-7 %, with a ticket never.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection

from billing.enums import EventState
from billing.errors import GatewayRefused
from billing.gateways.stripe_gateway import stripe_gateway
from billing.gateways.types import Notice
from billing.inbox_errors import PriceUnknown, SecondSubscription, SignUpUnderWay, SubscriptionOfAnother
from billing.models import GatewayEvent
from billing.services.gateway.drifts import Difference, do_note_differences
from billing.services.gateway.following import followed_of
from billing.services.gateway.mirroring import SECOND_SUBSCRIPTION
from billing.services.gateway.tickets import GATEWAY, do_draw_ticket
from billing.services.seats.ledger import because
from shared_apps.core import clock
from shared_apps.core.errors import DomainError
from shared_apps.core.ids import new_id
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

PROCESS = "billing.process_event"
# Waits of 1, 3, 9 ... minutes, 6 h at most, half a day in all; then somebody has to look.
MOST_ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
# A message this old whose task was lost with the broker is sent again.
LOST_AFTER = timedelta(seconds=30)
# How long a message waits for the organization of somebody who signs up, without that counting as a try.
_SIGN_UP_WAIT, _SIGN_UP_TAKES = timedelta(minutes=1), timedelta(days=3)
# Repeating does not help: a person has to decide something first.
_FINAL = (GatewayRefused, PriceUnknown, SecondSubscription, SubscriptionOfAnother)
_OPEN = (EventState.RECEIVED, EventState.FAILED)
_LONGEST_PROBLEM = 200
_ROWS_IN_ONE_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class _Begun:
    """A message in work, with the ticket of its object."""

    event: GatewayEvent
    ticket: int


def take_in(notices: Iterable[Notice], *, were_missed: bool = False) -> int:
    """Keep messages that were not kept before, and have each worked off; return how many were new.

    One statement whatever was there before: of two deliveries at once exactly one inserts.
    """
    rows, new = [_row(notice, were_missed) for notice in notices], 0
    with entry_transaction():
        for start in range(0, len(rows), _ROWS_IN_ONE_STATEMENT):
            inserted = _insert(rows[start : start + _ROWS_IN_ONE_STATEMENT])
            new += len(inserted)
            for key, state in inserted:
                if state == EventState.RECEIVED:
                    enqueue(PROCESS, organization_id=None, event_key=key)
    return new


def process_event(event_key: str) -> EventState | None:
    """Work a message off; None when there is none or it is done. Safe to run twice, at once too.

    Whatever goes wrong, the message stays with the reason: what may heal is tried again later, what will not
    is parked for somebody to look at.
    """
    gateway = stripe_gateway()
    begun = None if gateway is None else _begin(event_key)
    if gateway is None or begun is None:
        return None
    event = begun.event
    try:
        followed = followed_of(event.kind, event.object_ref)
        if followed is None:  # kept by a release that followed it
            return _end(event.id, EventState.IGNORED)
        seen = followed.look(gateway, event.object_ref)
        with entry_transaction():
            row = _lock(event.id)
            if row.state == EventState.PROCESSED:
                return EventState.PROCESSED
            with because("message", event.id):
                followed.do_apply_in_turn(event.object_ref, begun.ticket, seen)
            return _do_end(row, EventState.PROCESSED)
    except SignUpUnderWay as error:
        return _wait_for_sign_up(event, error.code)
    except SecondSubscription as error:
        return _park_second(event, error)
    except DomainError as error:
        problem = str(error.facts.get("reason", "")) if isinstance(error, GatewayRefused) else ""
        return _fail(event.id, problem or _said(error), final=isinstance(error, _FINAL))
    except Exception as error:  # whatever it is, the message must not be lost for it
        log.exception("gateway_event_broke", event_key=event.event_key, kind=event.kind)
        return _fail(event.id, f"{type(error).__name__}: {error}", final=False)


def find_due(limit: int = 500) -> list[str]:
    """Return the keys of messages to be sent again, each for the next minute's only caller."""
    now = clock.now()
    with entry_transaction():
        due = list(
            GatewayEvent.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state__in=_OPEN, next_try_at__lte=now)
            .order_by("next_try_at")
            .values_list("id", "event_key")[:limit]
        )
        # Not again by the next beat while it waits in the queue.
        GatewayEvent.objects.filter(id__in=[identifier for identifier, _ in due]).update(
            next_try_at=now + _FIRST_WAIT, updated_at=now
        )
    return [key for _, key in due]


# --- Inside ------------------------------------------------------------------------------------


def _begin(event_key: str) -> _Begun | None:
    """Count the try and draw the ticket, in one short transaction; None where there is nothing to do.

    The try is counted before it is made: one that kills its worker each time is parked too.
    """
    with entry_transaction():
        event = (
            GatewayEvent.objects.select_for_update(no_key=True)
            .filter(gateway=GATEWAY, event_key=event_key, state__in=_OPEN)
            .first()
        )
        if event is None:
            return None
        if event.attempts >= MOST_ATTEMPTS:
            _do_park(event, event.problem or "worker_lost")
            return None
        event.attempts += 1
        event.next_try_at = clock.now() + _wait_after(event.attempts)
        event.save_fields("attempts", "next_try_at")
        return _Begun(event, do_draw_ticket(event.object_ref))


def _lock(event_id: uuid.UUID) -> GatewayEvent:
    return GatewayEvent.objects.select_for_update(no_key=True).get(id=event_id)


def _end(event_id: uuid.UUID, state: EventState) -> EventState:
    with entry_transaction():
        return _do_end(_lock(event_id), state)


def _do_end(event: GatewayEvent, state: EventState) -> EventState:
    event.state, event.processed_at, event.problem = state, clock.now(), ""
    event.save_fields("state", "processed_at", "problem")
    return state


def _fail(event_id: uuid.UUID, problem: str, *, final: bool) -> EventState:
    with entry_transaction():
        event = _lock(event_id)
        if event.state not in _OPEN:  # another run of it was luckier
            return EventState(event.state)
        if final or event.attempts >= MOST_ATTEMPTS:
            return _do_park(event, problem)
        event.state, event.problem = EventState.FAILED, _cut(problem)
        event.save_fields("state", "problem")
    log.warning("gateway_event_failed", event_key=event.event_key, kind=event.kind, problem=problem)
    return EventState.FAILED


def _do_park(event: GatewayEvent, problem: str) -> EventState:
    event.state, event.problem = EventState.PARKED, _cut(problem)
    event.save_fields("state", "problem")
    log.error("gateway_event_parked", event_key=event.event_key, kind=event.kind, problem=problem)
    return EventState.PARKED


def _wait_for_sign_up(event: GatewayEvent, problem: str) -> EventState:
    """Not a failed try: the organization is being made. After days something went wrong with it, though."""
    if event.created_at < clock.now() - _SIGN_UP_TAKES:
        return _fail(event.id, problem, final=False)
    with entry_transaction():
        row = _lock(event.id)
        if row.state in _OPEN:
            row.state, row.problem = EventState.FAILED, problem
            row.attempts, row.next_try_at = max(0, row.attempts - 1), clock.now() + _SIGN_UP_WAIT
            row.save_fields("state", "problem", "attempts", "next_try_at")
    return EventState(row.state)


def _park_second(event: GatewayEvent, error: SecondSubscription) -> EventState:
    """Somebody pays twice: told beside the message, where whoever refunds it will look."""
    with entry_transaction():
        do_note_differences(
            [
                Difference(
                    uuid.UUID(error.facts["organization"]),
                    error.facts["second"],
                    SECOND_SUBSCRIPTION,
                    error.facts["live"],
                    error.facts["second"],
                )
            ]
        )
    return _fail(event.id, _said(error), final=True)


def _said(error: DomainError) -> str:
    """Return the stable word, with the facts that tell what it is about."""
    facts = ", ".join(
        f"{name} {value}" for name, value in error.facts.items() if name != "retry_after_seconds"
    )
    return f"{error.code}: {facts}" if facts else error.code


def _cut(problem: str) -> str:
    return problem.replace("\x00", "")[:_LONGEST_PROBLEM]


def _wait_after(attempts: int) -> timedelta:
    wait: timedelta = min(_LONGEST_WAIT, _FIRST_WAIT * int(3 ** (attempts - 1)))
    return wait


def _row(notice: Notice, was_missed: bool) -> tuple[Any, ...]:
    now, kind, ref = clock.now(), notice.kind[:80], notice.object_ref[:120]
    state = EventState.RECEIVED if followed_of(kind, ref) else EventState.IGNORED
    return (
        *(new_id(), now, now, GATEWAY, notice.key[:120], kind, ref, notice.occurred_at),
        *(state.value, 0, now + LOST_AFTER, "", was_missed),
    )


def _insert(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Insert the rows that are not there; return key and state of those that were not."""
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO billing_gatewayevent
                (id, created_at, updated_at, gateway, event_key, kind, object_ref, occurred_at,
                 state, attempts, next_try_at, problem, was_missed)
            VALUES {", ".join([one] * len(rows))}
            ON CONFLICT (gateway, event_key) DO NOTHING
            RETURNING event_key, state
            """,  # noqa: S608  placeholders alone are put in
            [value for row in rows for value in row],
        )
        return list(cursor.fetchall())
