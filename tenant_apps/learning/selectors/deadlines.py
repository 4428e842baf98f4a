"""The next deadline of a learner: of the required lessons that are not done, else the end of the run."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from tenant_apps.courses.content.rules import AfterDays, AfterUnit
from tenant_apps.learning.policies.facts import DONE, Done, Facts
from tenant_apps.learning.policies.links import utc_text
from tenant_apps.learning.policies.timing import ancestry, due_at, local
from tenant_apps.learning.types import Outline, Unit
from tenant_apps.people.selectors.zones import MEMBER_ZONE, MEMBERS_WITH_ACCOUNTS
from tenants.postgresql.prepared import prepared_cursor

# What deadlines hang on, for many learners of one run.
_FACTS = f"""
SELECT e.id, e.state, e.attempt, COALESCE(e.started_at, e.activated_at, e.created_at), e.expires_at,
       {MEMBER_ZONE}, {DONE}
  FROM runs_enrollment e
  JOIN ({MEMBERS_WITH_ACCOUNTS}) ON m.id = e.member_id
 WHERE e.id = ANY(%(enrollments)s)
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class RunTerms:
    """What deadlines in a run have in common; `date_texts` as in `Facts`."""

    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    date_texts: str | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when something is due.

    Attributes:
        lineage: of the lesson; None for the end of the run.
        at: the instant.
        local: the same as clocks show it where the learner is, with its offset.
    """

    lineage: str | None
    at: datetime
    local: str | None

    def as_json(self, outline: Outline, now: datetime, language: str = "") -> dict[str, Any]:
        """Return it as answers show it."""
        unit = outline.units.get(self.lineage) if self.lineage else None
        return {
            "lesson": {"id": unit.id, "title": outline.title_of(unit.lineage, language)} if unit else None,
            "due_at": utc_text(self.at),
            "due_local": self.local,
            "is_overdue": now >= self.at,
        }


class Deadlines:
    """Next deadlines in one version, for any number of learners: what is the same for all is found once."""

    def __init__(self, outline: Outline, date_texts: str | None = None) -> None:
        self._outline = outline
        # Required lessons with the unit whose date they are due by: those whose date hangs on what the
        # learner completed, and the others.
        self._moving: list[tuple[str, Unit]] = []
        self._fixed: list[tuple[str, Unit]] = []
        self._known: dict[tuple[str, datetime | None], list[tuple[datetime, int, str]]] = {}
        dated = _dated(date_texts)
        if outline.has_due or dated:
            for lineage in outline.order:
                if lineage in outline.required:
                    source = _source(outline, outline.units[lineage], dated)
                    if source is not None:
                        moves = isinstance(source.due, AfterUnit) and source.lineage not in dated
                        (self._moving if moves else self._fixed).append((lineage, source))
        self._counts_days = any(isinstance(source.due, AfterDays) for _, source in self._fixed)

    @property
    def of_lessons(self) -> bool:
        """Whether any required lesson is due at some time."""
        return bool(self._moving or self._fixed)

    def next_for(self, facts: Facts) -> Deadline | None:
        """Return the learner's next deadline, a missed one first; None for who has finished, or has none.

        Args:
            facts: of the learner, `done` included.
        """
        if facts.enrollment_state not in ("pending", "active"):
            return None
        undone = (due for due in self._sorted(facts) if due[2] not in facts.done)
        first = min([*islice(undone, 1), *self._own(facts)], default=None)
        if first is not None and (facts.ends_at is None or first[0] <= facts.ends_at):
            return Deadline(first[2], first[0], local(first[0], facts))
        if facts.ends_at is not None:
            return Deadline(None, facts.ends_at, local(facts.ends_at, facts))
        return None

    def _sorted(self, facts: Facts) -> list[tuple[datetime, int, str]]:
        """Return what is due when, the earliest first: the same for all in one zone who began together."""
        key = (facts.zone, facts.start if self._counts_days else None)
        if key not in self._known:
            self._known[key] = sorted(self._dues(facts, self._fixed))
        return self._known[key]

    def _own(self, facts: Facts) -> list[tuple[datetime, int, str]]:
        """Return what is due at some time after something that this learner has completed."""
        return self._dues(facts, [each for each in self._moving if each[0] not in facts.done])

    def _dues(self, facts: Facts, sources: list[tuple[str, Unit]]) -> list[tuple[datetime, int, str]]:
        found = ((due_at(facts, self._outline, source), lineage) for lineage, source in sources)
        units = self._outline.units
        return [(due, units[lineage].place, lineage) for due, lineage in found if due is not None]


def facts_of_many(enrollment_ids: Iterable[uuid.UUID], run: RunTerms) -> Mapping[uuid.UUID, Facts]:
    """Return what deadlines of these learners of one run depend on, in one statement. Whether access is open
    does not follow from it: seats are not looked at."""
    with prepared_cursor() as cursor:
        cursor.execute(_FACTS, {"enrollments": list(enrollment_ids)})
        return {
            row[0]: Facts(
                enrollment_state=row[1],
                expires_at=row[4],
                attempt=row[2],
                begins_at=row[3],
                granted_from=None,
                run_state=run.state,
                starts_at=run.starts_at,
                ends_at=run.ends_at,
                timezone=run.timezone,
                seat_missing=False,
                zone=row[5],
                drip=None,
                date_texts=run.date_texts,
                done=Done.read(row[6]),
            )
            for row in cursor.fetchall()
        }


def _dated(date_texts: str | None) -> frozenset[str]:
    """Return the lineages that have a due date of the run."""
    parts = (each.split(" ", 2) for each in date_texts.split(",")) if date_texts else ()
    return frozenset(lineage for lineage, _, due in parts if due)


def _source(outline: Outline, unit: Unit, dated: frozenset[str]) -> Unit | None:
    """Return the unit whose date the lesson is due by: its own, else what it stands in."""
    for each in reversed(ancestry(outline, unit)):
        if each.lineage in dated or each.due is not None:
            return each
    return None
