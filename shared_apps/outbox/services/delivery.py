"""The relay: takes due messages under a short lease, delivers them, records how it went.

No transaction is open while a handler runs. A relay that dies keeps its messages only until the lease ends.
"""

import random
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from shared_apps.core import clock
from shared_apps.outbox.models import PLATFORM_LANE, OutboxMessage
from shared_apps.outbox.types import EVENT_PREFIX, Deliver, Handler, Outgoing, Undeliverable, handlers_of
from tenants.context import in_organization
from tenants.enums import OPEN_STATES, OrganizationState
from tenants.models import Organization
from tenants.selectors.levels import is_behind, with_level

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 10
# Waits of 10 s, 30 s, 90 s ... 6 h: ten tries span most of a day, so a night's outage loses nothing.
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=6)
# After it the turns are taken anew, so that what somebody waits for stands behind no long batch of others;
# far within the lease, after which a second relay may take what is left.
_TURN_SECONDS = 2.0
_MARK_EVERY = 20
_CLOSED_WAIT = timedelta(minutes=5)
_ERROR_LENGTH = 2000
_GONE = frozenset({OrganizationState.DELETING, OrganizationState.DELETED})
_random = random.SystemRandom()

_CLAIM = """
WITH RECURSIVE lanes AS (
    (SELECT COALESCE(organization_id, %(platform)s::uuid) AS lane, priority
       FROM public.outbox_outboxmessage
      WHERE delivered_at IS NULL AND given_up_at IS NULL
      ORDER BY 1, 2 LIMIT 1)
    UNION ALL
    SELECT next.lane, next.priority
      FROM lanes CROSS JOIN LATERAL (
           SELECT COALESCE(organization_id, %(platform)s::uuid) AS lane, priority
             FROM public.outbox_outboxmessage
            WHERE delivered_at IS NULL AND given_up_at IS NULL
              AND (COALESCE(organization_id, %(platform)s::uuid), priority) > (lanes.lane, lanes.priority)
            ORDER BY 1, 2 LIMIT 1) next
), heads AS (
    SELECT lanes.lane, lanes.priority, head.id, head.available_at
      FROM lanes CROSS JOIN LATERAL (
           SELECT id, available_at
             FROM public.outbox_outboxmessage
            WHERE delivered_at IS NULL AND given_up_at IS NULL
              AND COALESCE(organization_id, %(platform)s::uuid) = lanes.lane AND priority = lanes.priority
              AND available_at <= %(now)s
            ORDER BY available_at, id
            LIMIT (SELECT GREATEST(1, %(batch)s / count(*)) FROM lanes)
              FOR UPDATE SKIP LOCKED) head
), turns AS (
    SELECT id, available_at, priority,
           row_number() OVER (PARTITION BY lane ORDER BY priority, available_at, id) AS turn
      FROM heads
), due AS (
    SELECT id, available_at, row_number() OVER (ORDER BY turn, priority, available_at, id) AS place
      FROM turns ORDER BY place LIMIT %(batch)s
)
UPDATE public.outbox_outboxmessage o
   SET available_at = %(lease)s, attempts = o.attempts + 1, updated_at = %(now)s
  FROM due WHERE o.id = due.id
RETURNING o.id, due.available_at, due.place
"""


class UnknownTopic(Exception):
    """No handler is registered; tried again, since a newer release may have one."""


class OrganizationNotOpen(Exception):
    """The organization is not open now (provisioning, suspended, behind the code); tried again, however long
    that lasts: its handlers have not been asked, so it counts as no try."""


@dataclass(slots=True)
class _Results:
    """Outcomes not yet written."""

    lease: datetime
    delivered: list[Outgoing] = field(default_factory=list)
    failed: list[tuple[Outgoing, Exception]] = field(default_factory=list)


def relay(batch: int = 200) -> int:
    """Deliver up to `batch` due messages and return how many were taken, 0 when nothing is due.

    At least once: what a killed relay had delivered but not marked goes out again after the lease.
    """
    lease, claimed = _claim(batch)
    if not claimed:
        return 0
    messages = [message for message, _ in claimed]
    started = time.monotonic()
    results = _Results(lease)
    with ExitStack() as stack:
        opened: dict[int, Deliver] = {}
        for position, message in enumerate(messages):
            if position and time.monotonic() - started > _TURN_SECONDS:
                _release(claimed[position:], lease)
                break
            _deliver(message, opened, stack, results)
            if len(results.delivered) + len(results.failed) >= _MARK_EVERY:
                _write(results)
        _write(results)
    return len(messages)


def _claim(batch: int) -> tuple[datetime, list[tuple[Outgoing, datetime]]]:
    """Take due messages in one statement, with when each was due. A try counts from its start: one may kill
    its relay.

    Organizations take turns: of each the first message, then of each the second. Within an organization what
    somebody waits for goes first, then what is due longest. The steps from lane to lane are each one look
    into the index, so 100,000 waiting messages of one organization cost nothing.
    """
    now = clock.now()
    lease = now + LEASE
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "lease": lease, "batch": batch, "platform": PLATFORM_LANE})
        due_at = {identifier: due for identifier, due, _ in sorted(cursor.fetchall(), key=lambda row: row[2])}
    rows = OutboxMessage.objects.in_bulk(due_at)
    concerned = {row.organization_id for row in rows.values() if row.organization_id}
    organizations = with_level(Organization.objects.all()).in_bulk(concerned)
    return lease, [
        (_outgoing(rows[identifier], organizations), due)
        for identifier, due in due_at.items()
        if identifier in rows
    ]


def _outgoing(row: OutboxMessage, organizations: dict[uuid.UUID, Organization]) -> Outgoing:
    return Outgoing(
        id=row.id,
        topic=row.topic,
        payload=row.payload,
        created_at=row.created_at,
        attempts=row.attempts,
        organization_id=row.organization_id,
        organization=organizations.get(row.organization_id) if row.organization_id else None,
    )


def _deliver(message: Outgoing, opened: dict[int, Deliver], stack: ExitStack, results: _Results) -> None:
    try:
        if message.attempts > MOST_ATTEMPTS:
            raise Undeliverable("its relay was lost at every try")
        handlers = handlers_of(message.topic)
        if not handlers and not message.topic.startswith(EVENT_PREFIX):
            raise UnknownTopic(message.topic)
        for handler in handlers:
            _run(handler, message, opened, stack)
    except Exception as error:  # noqa: BLE001  whatever a handler raises is its message's failure, not the batch's
        results.failed.append((message, error))
    else:
        results.delivered.append(message)


def _run(handler: Handler, message: Outgoing, opened: dict[int, Deliver], stack: ExitStack) -> None:
    deliver = opened.get(id(handler))
    if deliver is None:
        deliver = opened[id(handler)] = stack.enter_context(handler.open())
    organization = message.organization
    if message.organization_id is not None and (organization is None or organization.state in _GONE):
        raise Undeliverable("the organization is gone")
    if not handler.in_tenant or organization is None:
        deliver(message)
        return
    if organization.state not in OPEN_STATES:
        raise OrganizationNotOpen(organization.state)
    if is_behind(organization.ref()):
        raise OrganizationNotOpen("its schema is behind the code")
    with in_organization(organization):
        deliver(message)


def _write(results: _Results) -> None:
    """Record the outcomes so far. A failure counts only while the lease is ours; it may be another's."""
    now = clock.now()
    with transaction.atomic():
        delivered = OutboxMessage.objects.filter(id__in=[message.id for message in results.delivered])
        delivered.update(delivered_at=now, updated_at=now, last_error="")
        for message, error in results.failed:
            _record_failure(message, error, results.lease)
        done = [
            *results.delivered,
            *[message for message, error in results.failed if _is_final(message, error)],
        ]
        for message in done:
            if message.payload.get("secret"):
                _blank(message)
    results.delivered.clear()
    results.failed.clear()


def _record_failure(message: Outgoing, error: Exception, lease: datetime) -> None:
    now = clock.now()
    final = _is_final(message, error)
    is_closed = isinstance(error, OrganizationNotOpen)
    OutboxMessage.objects.filter(id=message.id, available_at=lease, delivered_at__isnull=True).update(
        last_error=f"{type(error).__name__}: {error}"[:_ERROR_LENGTH].replace("\x00", ""),
        attempts=message.attempts - is_closed,
        available_at=now + (_CLOSED_WAIT if is_closed else wait_after(message.attempts)),
        given_up_at=now if final else None,
        updated_at=now,
    )
    log.warning(
        "outbox_given_up" if final else "outbox_failed",
        message=message.id,
        topic=message.topic,
        attempts=message.attempts,
        error=type(error).__name__,
    )


def _is_final(message: Outgoing, error: Exception) -> bool:
    if isinstance(error, OrganizationNotOpen):
        return False
    return isinstance(error, Undeliverable) or message.attempts >= MOST_ATTEMPTS


def _blank(message: Outgoing) -> None:
    """A payload with a secret (an invitation's link) rests in the table only until it is sent."""
    kept = {"secret": True, "template": message.payload.get("template", "")}
    OutboxMessage.objects.filter(id=message.id).update(payload=kept)


def _release(claimed: list[tuple[Outgoing, datetime]], lease: datetime) -> None:
    """Give back what this relay has no time for, at its old place; the try did not happen."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE public.outbox_outboxmessage o
               SET available_at = given.due, attempts = attempts - 1, updated_at = %s
              FROM unnest(%s::bigint[], %s::timestamptz[]) AS given (id, due)
             WHERE o.id = given.id AND o.available_at = %s
            """,
            [clock.now(), [message.id for message, _ in claimed], [due for _, due in claimed], lease],
        )


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after that many tries: three times longer each time, spread by a fifth."""
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * int(3 ** (attempts - 1)))
    return timedelta(seconds=wait.total_seconds() * _random.uniform(0.8, 1.2))
