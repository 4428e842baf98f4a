"""What a move is reckoned from: where everybody in the run stands. One statement, whatever the size."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# The sets are made by the database: a million records travel as a thousand arrays.
_LEARNERS = """
WITH people AS MATERIALIZED (
    SELECT e.id, e.member_id, e.state, e.attempt, e.completed_at,
           COALESCE(e.started_at, e.activated_at, e.created_at) AS began_at
      FROM runs_enrollment e WHERE e.run_id = %(run)s
), units AS MATERIALIZED (
    SELECT lineage, place::int - 1 AS place
      FROM unnest(%(lineages)s::uuid[]) WITH ORDINALITY AS given(lineage, place)
), done AS (
    SELECT r.enrollment_id, array_agg(units.place) AS places
      FROM people
      JOIN learning_lessonrecord r ON r.enrollment_id = people.id AND r.attempt = people.attempt
      JOIN units ON units.lineage = r.lineage
     WHERE r.completed_at IS NOT NULL
     GROUP BY r.enrollment_id
)
SELECT people.id, people.member_id, people.state, people.attempt, people.completed_at, people.began_at,
       concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')),
       COALESCE(nullif(account.timezone, 'UTC'), nullif(m.timezone, ''), 'UTC'),
       p.completed_count, p.required_completed_count, p.completed_weight, p.last_lesson_id, done.places
  FROM people
  JOIN people_member m ON m.id = people.member_id
  LEFT JOIN accounts_user account ON account.id = m.user_id
  LEFT JOIN learning_courseprogress p ON p.enrollment_id = people.id
  LEFT JOIN done ON done.enrollment_id = people.id
 ORDER BY people.id
"""

_MOVED = """
SELECT now.id
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
  JOIN courses_lesson old ON old.id = %(lesson)s
  JOIN courses_lesson now ON now.version_id = r.version_id AND now.lineage = old.lineage
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s AND now.is_published
"""

_DATES = "SELECT lineage::text, opens_local, due_local FROM runs_rundate WHERE run_id = %s ORDER BY lineage"


@dataclass(frozen=True, slots=True)
class Learner:
    """One person in the run as the move finds them.

    Attributes:
        began_at: what days are counted from.
        zone: IANA name of the zone they live in.
        counted: completed lessons, required ones and weight as they are stored; None without a row.
        places: of the completed lessons (and topics), in the list of lineages asked for.
    """

    enrollment_id: uuid.UUID
    member_id: uuid.UUID
    state: str
    attempt: int
    completed_at: datetime | None
    began_at: datetime | None
    name: str
    zone: str
    counted: tuple[int, int, int] | None
    last_lesson_id: uuid.UUID | None
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class UnitDates:
    """Dates that the run sets for one unit, as wall time of the run's zone; empty where it sets none."""

    lineage: str
    opens_local: str
    due_local: str


def read_learners(run_id: uuid.UUID, lineages: Sequence[str]) -> Iterator[Learner]:
    """Yield everybody in the run, in whatever state, by the enrollment's id. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LEARNERS, {"run": run_id, "lineages": list(lineages)})
        for row in cursor.fetchall():
            completed, required, weight, last_lesson_id, places = row[8:]
            counted = None if completed is None else (completed, required, weight)
            yield Learner(
                enrollment_id=row[0],
                member_id=row[1],
                state=row[2],
                attempt=row[3],
                completed_at=row[4],
                began_at=row[5],
                name=row[6],
                zone=row[7],
                counted=counted,
                last_lesson_id=last_lesson_id,
                places=places or (),
            )


def read_dates(run_id: uuid.UUID) -> list[UnitDates]:
    """Return the dates that the run sets for single units."""
    with connection.cursor() as cursor:
        cursor.execute(_DATES, [run_id])
        return [UnitDates(*row) for row in cursor.fetchall()]


def find_moved_lesson(
    *, enrollment_id: uuid.UUID, member_id: uuid.UUID | None, lesson_id: uuid.UUID
) -> uuid.UUID | None:
    """Return the lesson of the run's version that goes on from one of any version; None for none.

    For a page that stood open, or an address that was kept, while the run moved.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"enrollment": enrollment_id, "member": member_id, "lesson": lesson_id})
        row = cursor.fetchone()
    return row[0] if row else None
