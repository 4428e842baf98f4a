"""Reads on the ledger of seats, and its audit: what was posted held against what there is."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from billing.enums import EntryKind
from billing.models import SeatEntry


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """One fact in which ledger and rows differ; there should never be one.

    Attributes:
        fact: `opened` (there are no entries), `versions` (one is missing), `running` (a number after an entry
            is not the one before it plus its seats), `purchased`, `comped`, `used` (the entries' sum against
            the subscription), `live` (the counter against the seats that are held), `cap` (more are held than
            may be).
        ledger, rows: the two numbers; for `running` the broken entry's version and the one before it.
    """

    organization_id: uuid.UUID
    subscription_id: uuid.UUID
    fact: str
    ledger: int
    rows: int


def list_entries(
    *,
    organization_id: uuid.UUID,
    membership_id: uuid.UUID | None = None,
    kind: EntryKind | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[SeatEntry]:
    """Return postings of the organization, narrowed by what is given.

    Args:
        since, until: only what was posted at or after the one and before the other.
    """
    rows = SeatEntry.objects.filter(organization_id=organization_id)
    if membership_id is not None:
        rows = rows.filter(membership_id=membership_id)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    return rows


# A ledger outlives its subscription, so either side may be missing.
_SUMS = """
WITH posted AS (
    SELECT subscription_id, count(*) AS entries, max(version) AS top,
           coalesce(sum(seats) FILTER (WHERE kind IN ('bought', 'comped')), 0) AS purchased,
           coalesce(sum(seats) FILTER (WHERE kind = 'comped'), 0) AS comped,
           coalesce(sum(seats) FILTER (WHERE kind NOT IN ('bought', 'comped')), 0) AS used,
           (array_agg(organization_id))[1] AS organization_id
      FROM billing_seatentry
     WHERE %(organization)s::uuid IS NULL OR organization_id = %(organization)s
     GROUP BY subscription_id
), held AS (
    SELECT subscription_id, count(*) AS live FROM billing_seatassignment
     WHERE state <> 'revoked' AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
     GROUP BY subscription_id
), sides AS (
    SELECT coalesce(s.organization_id, p.organization_id) AS organization_id,
           coalesce(s.id, p.subscription_id) AS subscription_id, p.entries, p.top,
           coalesce(p.purchased, 0) AS p_purchased, coalesce(p.comped, 0) AS p_comped,
           coalesce(p.used, 0) AS p_used,
           coalesce(s.purchased, 0) AS s_purchased, coalesce(s.comped, 0) AS s_comped,
           coalesce(s.used, 0) AS s_used, coalesce(h.live, 0) AS live,
           least(s.purchased, s.pending_purchased) AS cap
      FROM (SELECT * FROM billing_subscription
             WHERE %(organization)s::uuid IS NULL OR organization_id = %(organization)s) s
      FULL JOIN posted p ON p.subscription_id = s.id
      LEFT JOIN held h ON h.subscription_id = coalesce(s.id, p.subscription_id)
)
SELECT organization_id, subscription_id, fact, ledger, rows FROM sides,
       LATERAL (VALUES ('opened', coalesce(entries, 0)::bigint, coalesce(nullif(entries, 0), 1)::bigint),
                       ('versions', coalesce(top, 0), coalesce(entries, 0)),
                       ('purchased', p_purchased, s_purchased), ('comped', p_comped, s_comped),
                       ('used', p_used, s_used), ('live', live, s_used),
                       ('cap', least(s_used, cap), s_used)) AS facts(fact, ledger, rows)
 WHERE ledger <> rows
 ORDER BY subscription_id, fact
"""
_RUNNING = """
SELECT organization_id, subscription_id, 'running', version, version - 1 AS good_until
  FROM (SELECT organization_id, subscription_id, version,
               purchased_after <> sum(CASE WHEN kind IN ('bought', 'comped') THEN seats ELSE 0 END) OVER sofar
               OR used_after <> sum(CASE WHEN kind IN ('bought', 'comped') THEN 0 ELSE seats END) OVER sofar
               OR used_after > purchased_after
               OR version <> row_number() OVER sofar
               OR at < lag(at) OVER sofar AS is_broken
          FROM billing_seatentry
         WHERE %(organization)s::uuid IS NULL OR organization_id = %(organization)s
        WINDOW sofar AS (PARTITION BY subscription_id ORDER BY version)) entries
 WHERE is_broken
 ORDER BY subscription_id, version LIMIT 100
"""


def audit_ledger(*, organization_id: uuid.UUID | None, in_full: bool = True) -> list[LedgerFault]:
    """Return what is wrong between the ledger, the counters and the seats; empty when all is well.

    Args:
        organization_id: whose; None for all organizations.
        in_full: look at each entry too, not at sums alone.
    """
    found: list[LedgerFault] = []
    with connection.cursor() as cursor:
        for statement in (_SUMS, _RUNNING) if in_full else (_SUMS,):
            cursor.execute(statement, {"organization": organization_id})
            found += [LedgerFault(*row) for row in cursor.fetchall()]
    return found
