"""Everybody in a run with how far they are, for those who teach and manage: filtered, sorted, in pages."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce, Concat, Least, Lower, Trim

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from tenant_apps.learning.policies import TEACH_LEARNER
from tenant_apps.learning.selectors.deadlines import Deadlines, RunTerms, facts_of_many
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.learning.types import Outline
from tenant_apps.runs.enums import ENROLLMENT_MOVES, EnrollmentState
from tenant_apps.runs.policies import (
    ENROL_MEMBERS,
    ROSTER,
    only_reports_of,
    visible_enrollments,
    visible_runs,
)
from tenants.postgresql.prepared import prepared_cursor

# An instant before all others, so that who never came sorts as longest away.
NEVER = datetime(1, 1, 1, tzinfo=UTC)

_RUN = """
SELECT r.version_id, r.state, r.starts_at, r.ends_at, r.timezone,
       (SELECT string_agg(d.lineage::text || ' ' || d.opens_local || ' ' || d.due_local, ',')
          FROM runs_rundate d WHERE d.run_id = r.id)
  FROM runs_courserun r WHERE r.id = %(run)s
"""

_LEARNING = ("pending", "active")


class Standing(StrEnum):
    """Where somebody stands in a run."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """Whom to show.

    Attributes:
        state: of the enrollment; "" for all.
        standing: not started, under way, finished, or behind: a deadline of theirs has passed.
        inactive_since: only who has not been there since, and has not finished.
        department: exactly this one, whatever the case.
        search: part of name, e-mail address or employee id.
    """

    state: str = ""
    standing: Standing | None = None
    inactive_since: datetime | None = None
    department: str = ""
    search: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """What the rows of a run's roster are made from. `rows` is not read yet.

    Attributes:
        outline: of the run's version.
        deadlines, terms: of the run.
        may_enrol, may_teach: acts open to whoever asks, for people of this run.
        only_reports_of: for whose reports alone the first is; None for everybody.
    """

    rows: QuerySet[Any, dict[str, Any]]
    outline: Outline
    deadlines: Deadlines
    terms: RunTerms
    may_enrol: bool
    may_teach: bool
    only_reports_of: uuid.UUID | None

    def finished(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of a page with deadlines, lesson and open acts; one statement where any is due."""
        now = clock.now()
        facts = (
            facts_of_many([row["id"] for row in rows], self.terms)
            if rows and (self.deadlines.of_lessons or self.terms.ends_at)
            else {}
        )
        found = []
        for row in rows:
            known = facts.get(row["id"])
            deadline = self.deadlines.next_for(known) if known else None
            found.append(
                row
                | {
                    "current_lesson": self._lesson(row),
                    "next_deadline": deadline.as_json(self.outline, now) if deadline else None,
                    "is_overdue": bool(deadline and now >= deadline.at),
                    "can": self._can(row),
                }
            )
        return found

    def _lesson(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return the lesson visited last, as it stands in the version the run has now."""
        unit = self.outline.units.get(str(row["last_lineage"])) if row["last_lineage"] else None
        return {"id": unit.id, "title": unit.title} if unit else None

    def _can(self, row: dict[str, Any]) -> dict[str, bool]:
        state = EnrollmentState(row["state"])
        moves = ENROLLMENT_MOVES[state]
        enrol = self.may_enrol and self.only_reports_of in (None, row["manager_id"])
        begun = bool(row["completed"] or state is EnrollmentState.COMPLETED)
        return {
            "edit": enrol,
            "suspend": enrol and EnrollmentState.SUSPENDED in moves,
            "reactivate": enrol and EnrollmentState.ACTIVE in moves and state != EnrollmentState.PENDING,
            "withdraw": enrol and EnrollmentState.WITHDRAWN in moves,
            "restart": self.may_teach and begun,
            "why": True,
        }


def get_roster(*, actor: Actor, run_id: uuid.UUID, wanted: RosterFilter | None = None) -> Roster:
    """Return the run's roster as the actor sees it: all of it, own reports, or own row.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor sees the run but not who is in it.
    """
    if not visible_runs(actor).filter(pk=run_id).exists():
        raise NotFound
    require(actor, ROSTER, run_id)
    outline, terms = _run(run_id)
    deadlines = Deadlines(outline, terms.date_texts)
    rows = roster_rows(actor=actor, run_id=run_id, outline=outline)
    if wanted is not None:
        rows = _filtered(rows, wanted, deadlines, terms)
    may_enrol = may(actor, ENROL_MEMBERS, run_id)
    return Roster(
        rows=rows,
        outline=outline,
        deadlines=deadlines,
        terms=terms,
        may_enrol=may_enrol,
        may_teach=may(actor, TEACH_LEARNER, run_id),
        only_reports_of=only_reports_of(actor, run_id) if may_enrol else None,
    )


def roster_rows(*, actor: Actor, run_id: uuid.UUID, outline: Outline) -> QuerySet[Any, dict[str, Any]]:
    """Return the enrollments of the run that the actor sees, with people and counters, as dicts."""
    weight = Coalesce(F("progress__completed_weight"), 0) * 100 / Value(max(outline.total_weight, 1))
    found: QuerySet[Any, dict[str, Any]] = (
        visible_enrollments(actor)
        .filter(run_id=run_id)
        .order_by()
        .values(
            *(
                "id",
                "member_id",
                "state",
                "attempt",
                "completed_at",
                "expires_at",
                "activated_at",
                "created_at",
            ),
            member_name=Trim(Concat("member__first_name", Value(" "), "member__last_name")),
            member_email=F("member__email"),
            department=F("member__department"),
            manager_id=F("member__manager_id"),
            begun_at=Coalesce("started_at", "activated_at", "created_at"),
            completed=Coalesce(F("progress__completed_count"), 0),
            total=Value(outline.total, output_field=IntegerField()),
            percent=Least(weight, 100, output_field=IntegerField()),
            last_accessed_at=F("progress__last_accessed_at"),
            last_lineage=F("progress__last_lesson__lineage"),
            seen_at=Coalesce(F("progress__last_accessed_at"), Value(NEVER)),
            sort_name=Lower(
                Concat(
                    *("member__last_name", Value(" "), "member__first_name", Value(" "), "member__email"),
                    output_field=TextField(),
                )
            ),
            standing=Case(
                When(state=EnrollmentState.COMPLETED, then=Value(Standing.FINISHED.value)),
                When(progress__last_accessed_at=None, then=Value(Standing.NOT_STARTED.value)),
                default=Value(Standing.IN_PROGRESS.value),
            ),
        )
    )
    return found


def _run(run_id: uuid.UUID) -> tuple[Outline, RunTerms]:
    with prepared_cursor() as cursor:
        cursor.execute(_RUN, {"run": run_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return get_outline(row[0]), RunTerms(*row[1:])


def _filtered(
    rows: QuerySet[Any, dict[str, Any]], wanted: RosterFilter, deadlines: Deadlines, terms: RunTerms
) -> QuerySet[Any, dict[str, Any]]:
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.department:
        rows = rows.filter(department__iexact=wanted.department)
    if wanted.inactive_since:
        rows = rows.filter(seen_at__lt=wanted.inactive_since).exclude(state=EnrollmentState.COMPLETED)
    if wanted.search:
        part = wanted.search
        rows = rows.filter(
            Q(member_name__icontains=part)
            | Q(member_email__icontains=part)
            | Q(member__employee_id__icontains=part)
        )
    if wanted.standing is Standing.BEHIND:
        return rows.filter(pk__in=_behind(rows, deadlines, terms))
    return rows.filter(standing=wanted.standing.value) if wanted.standing else rows


def _behind(rows: QuerySet[Any, dict[str, Any]], deadlines: Deadlines, terms: RunTerms) -> list[uuid.UUID]:
    """Return who of the rows has missed a deadline: two statements, however many they are."""
    now = clock.now()
    learning = rows.filter(state__in=_LEARNING).values_list("id", flat=True)
    if not deadlines.of_lessons and (terms.ends_at is None or now < terms.ends_at):
        return []
    found = []
    for enrollment_id, facts in facts_of_many(list(learning), terms).items():
        deadline = deadlines.next_for(facts)
        if deadline is not None and now >= deadline.at:
            found.append(enrollment_id)
    return found
