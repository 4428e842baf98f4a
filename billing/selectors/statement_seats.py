"""Seats over time, out of the ledger: how long they were there, were held, and by whom."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from billing.selectors.statement_months import Window


@dataclass(frozen=True, slots=True)
class SeatTime:
    """Seconds of seats within a window. purchased = used + unused, always.

    Attributes:
        purchased: seats there were, comped ones too.
        used: held by somebody; `active` by somebody who had joined.
        people: how many memberships held one, at any time in it.
    """

    purchased: int
    comped: int
    used: int
    active: int
    people: int

    @property
    def unused(self) -> int:
        """Seats there were and nobody held."""
        return self.purchased - self.used


@dataclass(frozen=True, slots=True)
class SeatStep:
    """From an instant on, so many seats."""

    at: datetime
    purchased: int
    comped: int


# Holdings told by the ledger alone. Each instant counts as the second it falls in: so parts sum to their
# whole exactly.
HOLDINGS = """
SELECT assignment_id, (array_agg(membership_id))[1] AS membership_id,
       min(date_trunc('second', at)) FILTER (WHERE seats = 1) AS begun,
       min(date_trunc('second', at)) FILTER (WHERE kind = 'activated') AS joined,
       min(date_trunc('second', at)) FILTER (WHERE seats = -1) AS ended
  FROM billing_seatentry
 WHERE subscription_id = %(subscription)s AND assignment_id IS NOT NULL AND at < %(end)s
 GROUP BY assignment_id
"""
_TIME = f"""
WITH windows AS (
    SELECT place, a, b FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[])
           WITH ORDINALITY AS w(a, b, place)
), holdings AS MATERIALIZED ({HOLDINGS}), held AS (
    SELECT w.place, count(DISTINCT h.membership_id) AS people,
           sum(extract(epoch FROM least(coalesce(h.ended, w.b), w.b) - greatest(h.begun, w.a))) AS used,
           sum(extract(epoch FROM least(coalesce(h.ended, w.b), w.b) - greatest(h.joined, w.a)))
               FILTER (WHERE h.joined < least(coalesce(h.ended, w.b), w.b)) AS active
      FROM windows w
      JOIN holdings h ON h.begun < w.b AND coalesce(h.ended, w.b) > w.a AND h.ended IS DISTINCT FROM h.begun
     GROUP BY w.place
), there AS (
    SELECT w.place,
           sum(e.seats * extract(epoch FROM w.b - greatest(date_trunc('second', e.at), w.a))) AS purchased,
           sum(e.seats * extract(epoch FROM w.b - greatest(date_trunc('second', e.at), w.a)))
               FILTER (WHERE e.kind = 'comped') AS comped
      FROM windows w
      JOIN billing_seatentry e ON e.subscription_id = %(subscription)s AND e.kind IN ('bought', 'comped')
           AND date_trunc('second', e.at) < w.b
     GROUP BY w.place
)
SELECT coalesce(there.purchased, 0)::bigint, coalesce(there.comped, 0)::bigint,
       coalesce(held.used, 0)::bigint, coalesce(held.active, 0)::bigint, coalesce(held.people, 0)
  FROM windows LEFT JOIN there USING (place) LEFT JOIN held USING (place) ORDER BY place
"""  # noqa: S608  our own words
_STEPS = """
SELECT greatest(date_trunc('second', at), %(start)s), purchased, comped
  FROM (SELECT at, version, purchased_after AS purchased,
               sum(seats) FILTER (WHERE kind = 'comped') OVER (ORDER BY version) AS comped,
               lead(at) OVER (ORDER BY version) AS next_at
          FROM billing_seatentry
         WHERE subscription_id = %(subscription)s AND kind IN ('bought', 'comped') AND at < %(end)s) steps
 WHERE next_at IS NULL OR next_at > greatest(at, %(start)s)
 ORDER BY version
"""


def measure_seats(*, subscription_id: uuid.UUID, windows: Sequence[Window]) -> list[SeatTime]:
    """Return the seats' time in each of the windows, by the ledger. One statement."""
    if not windows:
        return []
    # Instants of windows count as whole seconds, too.
    starts = [start.replace(microsecond=0) for start, _ in windows]
    ends = [end.replace(microsecond=0) for _, end in windows]
    wanted: dict[str, Any] = {
        "subscription": subscription_id,
        "starts": starts,
        "ends": ends,
        "end": max(ends),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TIME, wanted)
        return [SeatTime(*row) for row in cursor.fetchall()]


def read_steps(*, subscription_id: uuid.UUID, month: Window) -> list[SeatStep]:
    """Return how many seats there were from when on within the month, its beginning first."""
    wanted: dict[str, Any] = {
        "subscription": subscription_id,
        "start": month[0].replace(microsecond=0),
        "end": month[1],
    }
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, wanted)
        return [SeatStep(at, purchased, comped or 0) for at, purchased, comped in cursor.fetchall()]
