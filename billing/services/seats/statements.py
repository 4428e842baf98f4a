"""Write the statements of months that are over, once, for good."""

import uuid
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, Subquery

from billing.models import SeatEntry, SeatStatement, Subscription
from billing.selectors.statement_months import Window
from billing.selectors.statement_seats import HOLDINGS
from billing.selectors.statements import hash_of, read_books, reckon
from shared_apps.core import clock
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction, require_transaction

log = structlog.get_logger(__name__)

MAKE = "billing.make_statements"
# By then the month's messages have arrived; those that got lost were asked for.
SETTLED_AFTER = timedelta(hours=6)
_SHORTEST_MONTH = timedelta(days=28)

_PEOPLE = f"""
INSERT INTO billing_statementholding
    (statement_id, position, assignment_id, membership_id, name, email, held_from, held_to, active_from)
SELECT %(statement)s, row_number() OVER (ORDER BY u.email, h.begun, h.assignment_id), h.assignment_id,
       h.membership_id, coalesce(u.name, ''), coalesce(u.email, ''), greatest(h.begun, %(start)s),
       least(coalesce(h.ended, %(end)s), %(end)s),
       CASE WHEN h.joined < least(coalesce(h.ended, %(end)s), %(end)s) THEN greatest(h.joined, %(start)s) END
  FROM ({HOLDINGS}) h
  LEFT JOIN accounts_membership m ON m.id = h.membership_id
  LEFT JOIN accounts_user u ON u.id = m.user_id
 WHERE h.begun < %(end)s AND coalesce(h.ended, %(end)s) > %(start)s AND h.ended IS DISTINCT FROM h.begun
"""  # noqa: S608  our own words


def order_statements() -> int:
    """Have the statements made of every subscription with a month that is over; return of how many."""
    before = clock.now() - SETTLED_AFTER
    last = Subquery(
        SeatStatement.objects.filter(subscription=OuterRef("pk"))
        .order_by()
        .values("subscription")
        .annotate(end=Max("ends_at"))
        .values("end")
    )
    rows = (
        Subscription.objects.filter(
            Exists(SeatEntry.objects.filter(subscription_id=OuterRef("pk"), version=1))
        )
        .annotate(stated_until=last)
        # A first look; what is really due is reckoned from each one's periods.
        .filter(
            Q(stated_until=None, starts_at__lte=before)
            | Q(stated_until__lte=before - _SHORTEST_MONTH)
            | Q(stated_until__lt=before, period_starts_at__lte=before, period_starts_at__gt=last)
            | Q(stated_until__lt=before, canceled_at__lte=before, canceled_at__gt=last + timedelta(seconds=1))
        )
        .exclude(canceled_at__lt=last + timedelta(seconds=1))
    )
    ids = list(rows.values_list("id", flat=True))
    for identifier in ids:
        enqueue(MAKE, organization_id=None, subscription_id=identifier)
    return len(ids)


def make_statements(subscription_id: uuid.UUID) -> int:
    """Write the statements of the subscription's months that are over; return how many were missing.

    Each is a transaction of its own. Safe to run twice, at once too: one row a month, by a constraint.
    """
    row = Subscription.objects.filter(id=subscription_id).first()
    books = read_books(row) if row else None
    if books is None:
        return 0
    before = clock.now() - SETTLED_AFTER
    written = 0
    for whole in books.months(before):
        month = _rest(whole, subscription_id)
        if month is None or month[1] > before:
            continue
        try:
            with entry_transaction():
                statement = reckon(books, month)
                do_freeze(statement)
        except IntegrityError:  # another worker wrote it
            continue
        written += 1
        log.info(
            "seat_statement_written",
            organization=str(statement.organization_id),
            starts_at=month[0].isoformat(),
            difference_minor=statement.invoiced_minor - statement.derived_minor,
        )
    return written


def do_freeze(statement: SeatStatement) -> None:
    """Write a reckoned statement with its people, names as they are now, and its hash."""
    require_transaction()
    # Holdings point at the statement by a key that is looked at when the transaction ends, so they may be
    # there before it: its row is written once, with the hash over all of them.
    with connection.cursor() as cursor:
        cursor.execute(
            _PEOPLE,
            {
                "statement": statement.id,
                "subscription": statement.subscription_id,
                "start": statement.starts_at,
                "end": statement.ends_at,
            },
        )
    statement.content_hash = hash_of(statement)
    with transaction.atomic():
        statement.save(force_insert=True)


def _rest(month: Window, subscription_id: uuid.UUID) -> Window | None:
    """Return the part of the month that no statement covers yet; a period learned of late cuts no gap."""
    until: datetime | None = SeatStatement.objects.filter(subscription_id=subscription_id).aggregate(
        until=Max("ends_at")
    )["until"]
    if until is None or until <= month[0]:
        return month
    return (until, month[1]) if until < month[1] else None
