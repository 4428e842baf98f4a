"""Steps of learners: starting courses, handing projects in, and what those who manage the path decide."""

import uuid
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.services.content import plain_summary
from tenant_apps.paths.enums import PathEnrollmentState, StepKind, StepState
from tenant_apps.paths.errors import StepActRefused
from tenant_apps.paths.models import PathEnrollment, PathStep, StepRecord
from tenant_apps.paths.policies import MANAGE, StepFacts, refusal_of
from tenant_apps.paths.selectors.places import place_facts, step_facts
from tenant_apps.paths.services.enrolling import do_lock_place
from tenant_apps.paths.services.recounting import do_recount, steps_of
from tenant_apps.runs.enums import EnrollmentSource
from tenant_apps.runs.services.always_open import do_ensure_always_open_run
from tenant_apps.runs.services.enrolling import do_enroll
from tenant_apps.runs.services.joining import rest_of_access
from tenants.context import current_organization


def start_course(*, actor: Actor, enrollment_id: uuid.UUID, step_id: uuid.UUID) -> uuid.UUID:
    """Enrol the learner in the step's course and return that enrollment's id; a second time the same.

    Whoever was taken out of the run since, or whose time in it is over, does not come back by starting again,
    nor by a path they began by themselves; a path that somebody put them on afterwards lets them in once.

    Raises:
        NotFound: no such place of the actor, or no such step.
        PathPaused, PathNotActive, StepLocked, StepNotReached: the step is not open.
        StepActRefused: the step is no course.
        AccessOver: the learner's access to the run was ended.
        RunClosed, RunFull, SeatNeeded and others: see `do_enroll`.
    """
    with entry_transaction():
        place, step, steps = _own_open_step(actor, enrollment_id, step_id)
        if step.kind != StepKind.COURSE or step.course_id is None:
            raise StepActRefused(kind=step.kind, state=place.state)
        record, _ = StepRecord.objects.get_or_create(enrollment=place, step=step)
        run_id = step.run_id or do_ensure_always_open_run(actor=actor, course_id=step.course_id)[0]
        is_given_anew = record.course_enrollment_id is None and place.enrolled_by_id != actor.user_id
        row = do_enroll(
            actor=actor,
            run_id=run_id,
            member_ids=[place.member_id],
            source=EnrollmentSource.PATH,
            reference=str(place.pk),
            expires_at=None if is_given_anew else rest_of_access(run_id=run_id, member_id=place.member_id),
        )[0]
        if row.refusal is not None:
            raise row.refusal
        record.course_enrollment_id = row.enrollment["id"]
        record.save_fields("course_enrollment_id")
        do_recount([place], steps)
    return uuid.UUID(str(row.enrollment["id"]))


def submit_project(
    *, actor: Actor, enrollment_id: uuid.UUID, step_id: uuid.UUID, text: str = "", url: str = ""
) -> None:
    """Hand a project in, or in again after it was sent back.

    Raises:
        NotFound, PathPaused, PathNotActive, StepLocked, StepNotReached: as for `start_course`.
        StepActRefused: the step is no project, or is approved already.
    """
    with entry_transaction():
        place, step, _ = _own_open_step(actor, enrollment_id, step_id)
        record, _ = StepRecord.objects.get_or_create(enrollment=place, step=step)
        if step.kind != StepKind.PROJECT or record.state == StepState.COMPLETED:
            raise StepActRefused(kind=step.kind, state=record.state)
        record.state = StepState.SUBMITTED
        record.submission, record.submission_url = text, url
        record.submitted_at = clock.now()
        record.reason = ""
        record.save_fields("state", "submission", "submission_url", "submitted_at", "reason")


def decide_step(
    *,
    actor: Actor,
    enrollment_id: uuid.UUID,
    step_id: uuid.UUID,
    passed: bool | None = None,
    score_percent: int | None = None,
    reason: str = "",
) -> None:
    """Say what became of a project, a quiz or a milestone that is confirmed by hand.

    Args:
        actor: who manages the path; nobody decides on a place of their own.
        enrollment_id: the place.
        step_id: the step.
        passed: of a project or milestone.
        score_percent: of a quiz, 0 to 100; the step says which score passes. A score that passed stays.
        reason: what the learner is told.

    Raises:
        NotFound: no such place, or no such step.
        Forbidden: the actor may not manage the path, or the place is theirs.
        StepActRefused: the kind of step is not decided like this, or is not open for it now.
    """
    with entry_transaction():
        place = do_lock_place(actor=actor, enrollment_id=enrollment_id)
        require(actor, MANAGE, place.path_id)
        steps = steps_of(place.path_id)
        step = _step(steps, step_id)
        is_own = place.member_id == actor.membership_id
        if is_own or place.state == PathEnrollmentState.WITHDRAWN:
            raise StepActRefused(kind=step.kind, state=place.state, is_own=is_own)
        record, _ = StepRecord.objects.get_or_create(enrollment=place, step=step)
        record.state = _decided(step, record, passed, score_percent)
        record.score_percent = score_percent if step.kind == StepKind.QUIZ else None
        record.reason = plain_summary(reason)
        record.decided_by_id = actor.user_id
        if record.state == StepState.COMPLETED:
            record.completed_at = record.completed_at or clock.now()
        record.save_fields("state", "score_percent", "reason", "decided_by_id", "completed_at")
        do_recount([place], steps)
        _audit(actor, record, {"step": step.title, "state": record.state, "score_percent": score_percent})


def _decided(step: PathStep, record: StepRecord, passed: bool | None, score_percent: int | None) -> StepState:
    refused = StepActRefused(kind=step.kind, state=record.state)
    if record.state == StepState.COMPLETED:
        raise refused
    match step.kind:
        case StepKind.QUIZ if score_percent is not None and step.pass_percent is not None:
            return StepState.COMPLETED if score_percent >= step.pass_percent else StepState.REJECTED
        case StepKind.PROJECT if passed is not None and record.state == StepState.SUBMITTED:
            return StepState.COMPLETED if passed else StepState.REJECTED
        case StepKind.MILESTONE if passed and step.is_by_hand:
            return StepState.COMPLETED
    raise refused


def _own_open_step(
    actor: Actor, enrollment_id: uuid.UUID, step_id: uuid.UUID
) -> tuple[PathEnrollment, PathStep, list[PathStep]]:
    place = do_lock_place(actor=actor, enrollment_id=enrollment_id)
    if place.member_id != actor.membership_id:
        raise NotFound
    steps = steps_of(place.path_id)
    step = _step(steps, step_id)
    done = StepRecord.objects.filter(enrollment=place, state=StepState.COMPLETED)
    facts: list[StepFacts] = [step_facts(each) for each in steps]
    wanted = next(each for each in facts if each.id == step_id)
    refusal = refusal_of(place_facts(place), facts, wanted, set(done.values_list("step_id", flat=True)))
    if refusal is not None:
        raise refusal
    return place, step, steps


def _step(steps: list[PathStep], step_id: uuid.UUID) -> PathStep:
    found = next((step for step in steps if step.pk == step_id), None)
    if found is None:
        raise NotFound
    return found


def _audit(actor: Actor, record: StepRecord, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=MANAGE.name,
        organization_id=current_organization().id,
        target=record,
        changes=changes,
    )
