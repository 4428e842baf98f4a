"""Steps of reviewing that publishing and the making of drafts share."""

import uuid

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.enums import CourseState, ReviewState
from tenant_apps.courses.errors import ApprovalMissing
from tenant_apps.courses.locks import course_to_change
from tenant_apps.courses.models import Course, CourseVersion, VersionReview
from tenant_apps.courses.selectors.reviewers import review_is_required
from tenant_apps.courses.services.steps import do_move_course

_BEFORE_PUBLICATION = frozenset({CourseState.DRAFT, CourseState.PENDING_REVIEW, CourseState.REJECTED})


def require_approval(version: CourseVersion) -> None:
    """Refuse a locked draft that must be approved first.

    Raises:
        ApprovalMissing: the organization reviews courses, and nobody approved this revision.
    """
    if version.approved_revision == version.revision or not review_is_required():
        return
    raise ApprovalMissing(revision=version.revision, approved_revision=version.approved_revision)


def do_withdraw_pending(version: CourseVersion, *, by: uuid.UUID | None) -> None:
    """End the submission of a locked version that still waits, if there is one."""
    require_transaction()
    VersionReview.objects.filter(version_id=version.id, state=ReviewState.PENDING).update(
        state=ReviewState.WITHDRAWN, decided_by_id=by, decided_at=clock.now(), updated_at=clock.now()
    )


def do_follow_reviews(course: Course) -> None:
    """Let the state of a locked course that was never published follow the reviews of its drafts: pending
    while one waits, rejected when the last decision was a refusal, else a draft."""
    require_transaction()
    if course.current_version_id is not None or course.state not in _BEFORE_PUBLICATION:
        return
    reviews = VersionReview.objects.filter(version__course_id=course.id)
    if reviews.filter(state=ReviewState.PENDING).exists():
        do_move_course(course, CourseState.PENDING_REVIEW)
        return
    decided = reviews.filter(state__in=(ReviewState.APPROVED, ReviewState.REJECTED))
    last = decided.order_by("-decided_at", "-id").first()
    if last is None or last.state == ReviewState.APPROVED:
        do_move_course(course, CourseState.DRAFT)
    elif course.state == CourseState.PENDING_REVIEW:
        do_move_course(course, CourseState.REJECTED, reason=last.reason)


def do_lock_course_of(version_id: uuid.UUID) -> Course | None:
    """Lock the course of a version, before the version itself: states of courses follow their drafts."""
    require_transaction()
    found = CourseVersion.objects.filter(pk=version_id).values_list("course_id", flat=True).first()
    return None if found is None else course_to_change(found).first()
