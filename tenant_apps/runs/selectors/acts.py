"""What the caller can do to a run or an enrollment on a screen. From facts that come with the row, so that a
list asks no more than it did; the services decide again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import OuterRef, Value
from django.db.models.expressions import Combinable
from django.db.models.fields import CharField

from shared_apps.core import clock
from shared_apps.core.actors import ADMINS, Actor, ActorKind, Role
from tenant_apps.courses.content.switches import is_on
from tenant_apps.courses.enums import CourseState
from tenant_apps.runs.enums import (
    CHOSEN_BY_LEARNER,
    ENROLLMENT_MOVES,
    OVER,
    RUN_MOVES,
    EnrollmentState,
    RunState,
)
from tenant_apps.runs.models import RunRight
from tenant_apps.runs.policies import ENROL, RIGHTS, TEACH


def held_rights(actor: Actor, run_path: str) -> Combinable:
    """Return an expression for the rights the actor holds on the run that the path names, as a list of names.

    Args:
        actor: who looks.
        run_path: of the run's id from the row, "pk" or "run_id".
    """
    if actor.user_id is None or actor.role not in {Role.INSTRUCTOR, Role.MANAGER}:
        return Value([], output_field=ArrayField(CharField()))
    held = RunRight.objects.filter(
        user_id=actor.user_id, content_object_id=OuterRef(run_path), permission__codename__in=RIGHTS
    )
    return ArraySubquery(held.order_by().values("permission__codename"))


def run_acts(actor: Actor, run: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the actor can do to the run of this row (`RUN_FIELDS` and what `list_runs` adds)."""
    now, state, rights = clock.now(), RunState(run["state"]), set(run["my_rights"])
    rules = _rules_everything(actor)
    leads = rules or actor.role is Role.MANAGER
    is_open = state is RunState.OPEN and (run["ends_at"] is None or run["ends_at"] > now)
    moves = RUN_MOVES[state]
    return {
        "edit": rules and state is not RunState.CANCELLED,
        "close": rules and RunState.CLOSED in moves,
        "reopen": rules and RunState.OPEN in moves,
        "cancel": rules and RunState.CANCELLED in moves,
        "staff": rules,
        "dates": (rules or TEACH in rights) and state is not RunState.CANCELLED,
        "see_roster": leads or bool(rights),
        "enrol": (leads or ENROL in rights) and is_open,
        "join": is_open and _can_join(run, now),
        "leave": _can_leave(run),
    }


def enrollment_acts(actor: Actor, row: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the actor can do to the enrollment of this row."""
    state = EnrollmentState(row["state"])
    may = (
        _rules_everything(actor)
        or ENROL in row["my_rights"]
        or (actor.role is Role.MANAGER and row["manager_id"] == actor.membership_id)
    )
    moves = ENROLLMENT_MOVES[state]
    return {
        "withdraw": may and EnrollmentState.WITHDRAWN in moves,
        "suspend": may and EnrollmentState.SUSPENDED in moves,
        "reactivate": may and EnrollmentState.ACTIVE in moves,
        "set_expiry": may,
        "grants": may,
    }


def _rules_everything(actor: Actor) -> bool:
    return actor.kind is ActorKind.SYSTEM or actor.role in ADMINS


def _can_join(run: Mapping[str, Any], now: datetime) -> bool:
    opens, closes = run["enrollment_opens_at"], run["enrollment_closes_at"]
    return bool(
        run["is_open_to_members"]
        and run["course_state"] == CourseState.PUBLISHED
        and is_on(run["switches"], "self_enrollment")
        and (opens is None or opens <= now)
        and (closes is None or closes > now)
        and (run["my_state"] is None or run["my_state"] in OVER)
        and run["my_waiting_since"] is None
        and (run["capacity"] is None or run["enrolled_count"] < run["capacity"] or run["has_waiting_list"])
    )


def _can_leave(run: Mapping[str, Any]) -> bool:
    if run["my_waiting_since"] is not None:
        return True
    return can_leave_place(state=run["my_state"], source=run["my_source"])


def can_leave_place(*, state: str | None, source: str | None) -> bool:
    """Tell whether a learner can give up a place alone: one they took themselves, and that is not over.

    Args:
        state: of the enrollment; None without one.
        source: where it comes from.
    """
    if state is None:
        return False
    known = EnrollmentState(state)
    return (
        EnrollmentState.WITHDRAWN in ENROLLMENT_MOVES[known]
        and known not in OVER
        and known is not EnrollmentState.SUSPENDED
        and source in CHOSEN_BY_LEARNER
    )
