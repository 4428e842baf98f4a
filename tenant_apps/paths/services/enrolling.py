"""Put people on paths, let them rest, take them off."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import may
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import PriceType
from tenant_apps.paths.enums import (
    PATH_ENROLLMENT_MOVES,
    PathEnrollmentState,
    PathState,
    StepKind,
    StepState,
)
from tenant_apps.paths.errors import (
    PathClosed,
    PathEnrollmentMoveRefused,
    PathNeedsPayment,
    PathNotOpenToMembers,
)
from tenant_apps.paths.locks import place_to_change
from tenant_apps.paths.models import LearningPath, PathEnrollment, PathStep, StepRecord
from tenant_apps.paths.policies import FOLLOW, MANAGE, visible_paths
from tenant_apps.paths.selectors.courses import completed_courses
from tenant_apps.paths.services.paths import do_lock_path
from tenant_apps.paths.services.recounting import do_recount, steps_of
from tenant_apps.runs.errors import MemberNotActive, UnknownMember
from tenant_apps.runs.selectors.candidates import find_candidates
from tenants.context import current_organization


class PathOutcome(StrEnum):
    """What asking did."""

    ENROLLED = "enrolled"
    REACTIVATED = "reactivated"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PathRow:
    """The result for one person; `enrollment_id` is None beside why there is none."""

    member_id: uuid.UUID
    outcome: PathOutcome
    enrollment_id: uuid.UUID | None = None
    refusal: DomainError | None = None


def enroll_on_path(*, actor: Actor, path_id: uuid.UUID, member_ids: Sequence[uuid.UUID]) -> list[PathRow]:
    """Put people on a path; one who is refused stops nobody else, and a second time changes nothing.

    Courses of the path that somebody has completed before count as done.

    Raises:
        NotFound: no such path, or none the actor sees.
        Forbidden: the actor may not manage it.
        PathClosed: it is not published.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=MANAGE)
        rows = _do_enroll(actor, path, member_ids)
        changed = [str(row.member_id) for row in rows if row.outcome in _CHANGING]
        if changed:
            _audit(actor, MANAGE.name, path, {"enrolled": changed})
    return rows


def join_path(*, actor: Actor, path_id: uuid.UUID) -> PathRow:
    """Begin a path by oneself; a second time answers the same place.

    Raises:
        NotFound: no such path, or none the actor sees.
        PathClosed, PathNotOpenToMembers, PathNeedsPayment: it cannot be begun like this.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=FOLLOW)
        if not path.is_open_to_members:
            raise PathNotOpenToMembers
        if path.price_type == PriceType.PAID:
            raise PathNeedsPayment(amount_minor=path.price_minor, currency=path.currency.upper())
        row = _do_enroll(actor, path, [actor.member_id])[0]
        if row.refusal is not None:
            raise row.refusal
        if row.outcome in _CHANGING:
            _audit(actor, FOLLOW.name, path, {"joined": str(actor.member_id)})
    return row


def pause_path(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Let a place rest: its deadlines stop until it is resumed, its steps are closed. Pausing twice changes
    nothing.

    Raises:
        NotFound: no such place, or neither the actor's own nor on a path they manage.
        PathEnrollmentMoveRefused: it is completed or ended.
    """
    _move(actor, enrollment_id, PathEnrollmentState.PAUSED)


def resume_path(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Go on after a pause; deadlines are later by the time it took. Raises as `pause_path`."""
    _move(actor, enrollment_id, PathEnrollmentState.ACTIVE)


def withdraw_from_path(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """End a place; what was done is kept, also in the courses. Raises as `pause_path`."""
    _move(actor, enrollment_id, PathEnrollmentState.WITHDRAWN)


def do_lock_place(*, actor: Actor, enrollment_id: uuid.UUID) -> PathEnrollment:
    """Lock a place of the actor's own, or one on a path they manage.

    Raises:
        NotFound: no such place, or one of somebody else on a path that the actor does not manage.
    """
    require_transaction()
    place = place_to_change(enrollment_id).select_related("path").first()
    if place is None or not visible_paths(actor).filter(pk=place.path_id).exists():
        raise NotFound
    # Who is on a path is not for everybody to find out who sees it.
    if place.member_id != actor.membership_id and not may(actor, MANAGE, place.path_id):
        raise NotFound
    return place


_CHANGING = frozenset({PathOutcome.ENROLLED, PathOutcome.REACTIVATED})


def _do_enroll(actor: Actor, path: LearningPath, member_ids: Sequence[uuid.UUID]) -> list[PathRow]:
    require_transaction()
    if path.state != PathState.PUBLISHED:
        raise PathClosed(state=path.state)
    asked = list(dict.fromkeys(member_ids))
    known = find_candidates(organization_id=current_organization().id, run_id=None, member_ids=asked)
    present = {
        place.member_id: place
        for place in PathEnrollment.objects.filter(path=path, member_id__in=asked).order_by("id")
    }
    rows: dict[uuid.UUID, PathRow] = {}
    fresh: list[PathEnrollment] = []
    back: list[PathEnrollment] = []
    now = clock.now()
    for member_id in asked:
        place = present.get(member_id)
        if place is not None and place.state != PathEnrollmentState.WITHDRAWN:
            rows[member_id] = PathRow(member_id, PathOutcome.ALREADY, place.pk)
            continue
        person = known[member_id]
        if not person.exists:
            refusal: DomainError = UnknownMember(field="member_ids", member_id=str(member_id))
            rows[member_id] = PathRow(member_id, PathOutcome.REFUSED, refusal=refusal)
        elif person.membership not in {"active", "invited"}:
            refusal = MemberNotActive(member_id=str(member_id), status=person.membership)
            rows[member_id] = PathRow(member_id, PathOutcome.REFUSED, refusal=refusal)
        elif place is not None:
            place.state = PathEnrollmentState.ACTIVE
            back.append(place)
            rows[member_id] = PathRow(member_id, PathOutcome.REACTIVATED, place.pk)
        else:
            made = PathEnrollment(
                id=new_id(), path=path, member_id=member_id, enrolled_by_id=actor.user_id, started_at=now
            )
            fresh.append(made)
            rows[member_id] = PathRow(member_id, PathOutcome.ENROLLED, made.pk)
    PathEnrollment.objects.bulk_create(fresh)
    steps = steps_of(path.pk)
    _do_count_what_was_done(fresh + back, steps)
    do_recount(fresh + back, steps)
    return [rows[member_id] for member_id in asked]


def _do_count_what_was_done(places: Sequence[PathEnrollment], steps: Sequence[PathStep]) -> None:
    """Complete the steps whose course the people have completed before they came."""
    courses = {step.course_id for step in steps if step.kind == StepKind.COURSE and step.course_id}
    if not places or not courses:
        return
    done = completed_courses([place.member_id for place in places], courses)
    now = clock.now()
    StepRecord.objects.bulk_create(
        [
            StepRecord(enrollment=place, step=step, state=StepState.COMPLETED, completed_at=now)
            for place in places
            for step in steps
            if step.course_id is not None and (place.member_id, step.course_id) in done
        ],
        update_conflicts=True,
        unique_fields=["enrollment", "step"],
        update_fields=["state", "completed_at", "updated_at"],
    )


def _move(actor: Actor, enrollment_id: uuid.UUID, wanted: PathEnrollmentState) -> None:
    with entry_transaction():
        place = do_lock_place(actor=actor, enrollment_id=enrollment_id)
        before = PathEnrollmentState(place.state)
        if before is wanted:
            return
        is_coming_back = before is PathEnrollmentState.WITHDRAWN
        if wanted not in PATH_ENROLLMENT_MOVES[before] or is_coming_back:
            allowed = sorted(PATH_ENROLLMENT_MOVES[before]) if not is_coming_back else []
            raise PathEnrollmentMoveRefused(state=before, wanted=wanted, allowed=allowed)
        now = clock.now()
        if place.paused_at is not None:
            place.paused_seconds += int((now - place.paused_at) / timedelta(seconds=1))
        place.paused_at = now if wanted is PathEnrollmentState.PAUSED else None
        place.state = wanted
        place.save_fields("state", "paused_at", "paused_seconds")
        is_own = place.member_id == actor.membership_id
        rule = FOLLOW if is_own else MANAGE
        _audit(actor, rule.name, place, {"state": [before, wanted]})


def _audit(actor: Actor, action: str, target: LearningPath | PathEnrollment, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=current_organization().id,
        target=target,
        changes=changes,
    )
