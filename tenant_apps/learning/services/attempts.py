"""What those who teach do for one learner: let them begin again, complete a course by hand."""

import uuid
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.learning.errors import NotCompletedByHand, OwnCompletion, RestartRefused
from tenant_apps.learning.locks import LockedEnrollment, lock_enrollment_of
from tenant_apps.learning.models import CourseProgress, EnrollmentAttempt, LessonRecord
from tenant_apps.learning.policies import TEACH_LEARNER
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.learning.services.completing import do_complete_course
from tenant_apps.learning.types import Outline
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.errors import EnrollmentMoveRefused
from tenant_apps.runs.policies import visible_enrollments
from tenant_apps.runs.services.attempts import RESTARTED_FROM, do_begin_attempt
from tenant_apps.runs.services.enrollment_states import do_move
from tenants.context import current_organization


def restart_enrollment(
    *, actor: Actor, enrollment_id: uuid.UUID, reason: str, attempt: int | None = None
) -> int:
    """Let one learner begin the course again and return the number of the new attempt.

    What was done stays on record as the attempt that ends; its marks and notes go on. Days of release rules
    count from now.

    Args:
        actor: who teaches the run, or an admin.
        enrollment_id: whose.
        reason: why, for the learner and for reports.
        attempt: the attempt to end, if the caller knows it; another one running is refused.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden: the actor does not teach the run.
        RestartRefused: nothing was done yet (so of two restarts at once one is refused), another attempt is
            running, or the enrollment's state allows no learning.
    """
    with entry_transaction():
        enrollment = _locked(actor, enrollment_id)
        facts = enrollment.facts
        if facts.enrollment_state not in RESTARTED_FROM:
            raise RestartRefused(reason="state", state=facts.enrollment_state, attempt=facts.attempt)
        if attempt is not None and attempt != facts.attempt:
            raise RestartRefused(
                reason="another_attempt", state=facts.enrollment_state, attempt=facts.attempt
            )
        done = LessonRecord.objects.filter(enrollment_id=enrollment_id, attempt=facts.attempt)
        if facts.enrollment_state != EnrollmentState.COMPLETED and not done.exists():
            raise RestartRefused(reason="nothing_done", state=facts.enrollment_state, attempt=facts.attempt)
        _do_keep(enrollment, get_outline(enrollment.version_id), actor, reason)
        do_begin_attempt(enrollment_id=enrollment_id)
        CourseProgress.objects.filter(pk=enrollment_id).update(
            completed_count=0,
            required_completed_count=0,
            completed_weight=0,
            last_lesson=None,
            updated_at=clock.now(),
        )
        _audit(actor, enrollment, {"attempt": [facts.attempt, facts.attempt + 1], "reason": reason})
        return facts.attempt + 1


def complete_course_by_hand(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Say that a learner has completed a course whose rule leaves that to its instructors. A second time
    changes nothing; there is no way back but a new attempt.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden: the actor does not teach the run.
        OwnCompletion: it is the actor's own.
        NotCompletedByHand: the course has a rule of its own.
        EnrollmentMoveRefused: the enrollment is suspended or over.
    """
    with entry_transaction():
        enrollment = _locked(actor, enrollment_id)
        if enrollment.member_id == actor.membership_id:
            raise OwnCompletion
        rule = get_outline(enrollment.version_id).rules.completion
        if rule.kind != "manual":
            raise NotCompletedByHand(completion=rule.kind)
        state = EnrollmentState(enrollment.facts.enrollment_state or "")
        if state is EnrollmentState.COMPLETED:
            return
        if state is EnrollmentState.PENDING:
            do_move(enrollment_id=enrollment_id, wanted=EnrollmentState.ACTIVE)
        if not do_complete_course(enrollment):
            raise EnrollmentMoveRefused(state=state, wanted=EnrollmentState.COMPLETED, allowed=[])
        _audit(actor, enrollment, {"state": [state, EnrollmentState.COMPLETED]})


def _locked(actor: Actor, enrollment_id: uuid.UUID) -> LockedEnrollment:
    seen = visible_enrollments(actor).filter(pk=enrollment_id).order_by().values_list("member_id", "run_id")
    found = seen.first()
    if found is None:
        raise NotFound
    member_id, run_id = found
    require(actor, TEACH_LEARNER, run_id)
    enrollment = lock_enrollment_of(enrollment_id, member_id)
    if enrollment is None:
        raise NotFound
    return enrollment


def _do_keep(enrollment: LockedEnrollment, outline: Outline, actor: Actor, reason: str) -> None:
    """Write down the attempt that ends, as it stands."""
    progress = CourseProgress.objects.filter(pk=enrollment.id).first()
    facts = enrollment.facts
    completed_at = None
    if facts.enrollment_state == EnrollmentState.COMPLETED:
        kept = visible_enrollments(actor).filter(pk=enrollment.id).order_by()
        completed_at = kept.values_list("completed_at", flat=True).first()
    EnrollmentAttempt.objects.create(
        enrollment_id=enrollment.id,
        number=facts.attempt,
        version_id=enrollment.version_id,
        state=facts.enrollment_state or "",
        started_at=facts.begins_at,
        completed_at=completed_at,
        ended_at=clock.now(),
        completed_count=progress.completed_count if progress else 0,
        total=outline.total,
        percent=outline.percent(progress.completed_weight) if progress else 0,
        reason=reason,
        ended_by_id=actor.membership_id,
    )


def _audit(actor: Actor, enrollment: LockedEnrollment, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=TEACH_LEARNER.name,
        organization_id=current_organization().id,
        target_kind="enrollment",
        target_id=enrollment.id,
        changes=changes,
    )
