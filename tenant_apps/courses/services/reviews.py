"""Submit drafts, and decide about them: approval is one switch, publication another.

Nobody decides about their own work: not the submitter, nobody who edited the draft (or the unpublished draft
it was copied from), nobody who has a part in the course. Administrators are no exception. A draft that nobody
else could decide about is not submitted at all, so that it does not wait for ever.
"""

import uuid

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import Rule
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import ReviewState
from tenant_apps.courses.errors import (
    AlreadyApproved,
    NoReviewer,
    ReviewDecided,
    ReviewOutdated,
    SelfApproval,
)
from tenant_apps.courses.locks import version_to_change
from tenant_apps.courses.models import Course, CourseInstructor, CourseVersion, VersionReview
from tenant_apps.courses.policies import EDIT, REVIEW, SUBMIT, visible_versions
from tenant_apps.courses.selectors.outline import get_outline
from tenant_apps.courses.selectors.reviewers import find_reviewers
from tenant_apps.courses.services.publishing import refuse_unready
from tenant_apps.courses.services.review_mails import do_mail_decided, do_mail_submitted
from tenant_apps.courses.services.review_steps import do_follow_reviews, do_withdraw_pending
from tenant_apps.courses.services.steps import do_audit, do_lock_course, do_lock_draft, refuse_archived


def submit_version(*, actor: Actor, version_id: uuid.UUID, revision: str, message: str = "") -> VersionReview:
    """Hand a draft in at the revision the caller has read. Handed in again unchanged, it stays as it is;
    after an edit, the submission before is withdrawn.

    Args:
        actor: who acts.
        version_id: the draft.
        revision: what the caller read, the ETag without quotes; "*" for any.
        message: to the reviewers.

    Raises:
        NotFound, Forbidden, InstructorBarred: the actor may not submit drafts of this course.
        VersionFrozen, CourseArchived, RevisionMissing, StaleVersion: see `do_lock_draft`.
        AlreadyApproved: this revision was approved.
        VersionNotPublishable: lessons are missing or incomplete.
        NoReviewer: everybody who could decide has worked on it.
    """
    with entry_transaction():
        course = _lock_course(actor, version_id, SUBMIT)
        version = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=SUBMIT)
        waiting = version.reviews.filter(state=ReviewState.PENDING).first()
        if waiting is not None and waiting.revision == version.revision:
            return waiting
        if version.approved_revision == version.revision:
            raise AlreadyApproved(revision=version.revision)
        refuse_unready(get_outline(version_id))
        reviewers = find_reviewers(version, submitter_id=actor.membership_id)
        if not reviewers:
            raise NoReviewer
        do_withdraw_pending(version, by=actor.membership_id)
        review = VersionReview.objects.create(
            version=version,
            revision=version.revision,
            message=message,
            submitted_by_id=actor.membership_id,
        )
        do_follow_reviews(course)
        do_mail_submitted(review, course, reviewers)
        _audit(actor, "courses.submit", review)
    return review


def approve_review(*, actor: Actor, review_id: uuid.UUID, reason: str = "") -> None:
    """Approve a draft as it was submitted; whoever may publish the course can then publish that revision.

    Raises:
        ReviewOutdated: it was edited since.
        NotFound, Forbidden, InstructorBarred, SelfApproval, CourseArchived, ReviewDecided: see `_decide`.
    """
    _decide(actor, review_id, ReviewState.APPROVED, reason)


def reject_review(*, actor: Actor, review_id: uuid.UUID, reason: str) -> None:
    """Send a draft back with a reason.

    Raises:
        NotFound, Forbidden, InstructorBarred, SelfApproval, CourseArchived, ReviewDecided: see `_decide`.
    """
    _decide(actor, review_id, ReviewState.REJECTED, reason)


def withdraw_review(*, actor: Actor, review_id: uuid.UUID) -> None:
    """Take a submission back; whoever may edit the course can.

    Raises:
        NotFound, Forbidden: as for every edit of the course.
        CourseArchived: it is in the archive.
        ReviewDecided: it does not wait any more.
    """
    with entry_transaction():
        course, version, review = _lock_review(actor, review_id, EDIT)
        _refuse_decided(review)
        do_withdraw_pending(version, by=actor.membership_id)
        do_follow_reviews(course)
        _audit(actor, "courses.withdraw", review)


def _decide(actor: Actor, review_id: uuid.UUID, wanted: ReviewState, reason: str) -> None:
    """Decide once.

    Raises:
        NotFound: no such submission, or one the actor may not know of.
        Forbidden, InstructorBarred: the actor may not decide about this course.
        SelfApproval: it is the actor's own work.
        CourseArchived: the course is in the archive.
        ReviewDecided: somebody else was faster, or it was withdrawn.
    """
    with entry_transaction():
        course, version, review = _lock_review(actor, review_id, REVIEW)
        _refuse_own_work(actor, version, review)
        _refuse_decided(review)
        if wanted is ReviewState.APPROVED:
            if review.revision != version.revision:
                raise ReviewOutdated(revision=version.revision, submitted=review.revision)
            version.approved_revision = review.revision
            version.save_fields("approved_revision")
        review.state, review.reason = wanted, reason
        review.decided_by_id, review.decided_at = actor.membership_id, clock.now()
        review.save_fields("state", "reason", "decided_by", "decided_at")
        do_follow_reviews(course)
        do_mail_decided(review, course)
        _audit(actor, "courses.approve" if wanted is ReviewState.APPROVED else "courses.reject", review)


def _lock_review(
    actor: Actor, review_id: uuid.UUID, rule: Rule
) -> tuple[Course, CourseVersion, VersionReview]:
    version_id = VersionReview.objects.filter(pk=review_id).values_list("version_id", flat=True).first()
    if version_id is None:
        raise NotFound
    course = _lock_course(actor, version_id, rule)
    version = version_to_change(version_id).first()
    # Read behind the version's lock: what it says cannot change under us.
    review = VersionReview.objects.filter(pk=review_id).first()
    if version is None or review is None:
        raise NotFound
    refuse_archived(course)
    return course, version, review


def _lock_course(actor: Actor, version_id: uuid.UUID, rule: Rule) -> Course:
    course_id = visible_versions(actor).filter(pk=version_id).values_list("course_id", flat=True).first()
    if course_id is None:
        raise NotFound
    return do_lock_course(actor=actor, course_id=course_id, rule=rule)


def _refuse_own_work(actor: Actor, version: CourseVersion, review: VersionReview) -> None:
    if actor.membership_id is None:
        return
    because = []
    if review.submitted_by_id == actor.membership_id:
        because.append("submitted")
    if str(actor.membership_id) in version.editor_ids:
        because.append("edited")
    if CourseInstructor.objects.filter(course_id=version.course_id, member_id=actor.membership_id).exists():
        because.append("instructor")
    if because:
        others = len(find_reviewers(version, submitter_id=review.submitted_by_id))
        raise SelfApproval(because=because, others=others)


def _refuse_decided(review: VersionReview) -> None:
    if review.state != ReviewState.PENDING:
        decided_at = review.decided_at.isoformat() if review.decided_at else None
        raise ReviewDecided(state=review.state, decided_at=decided_at)


def _audit(actor: Actor, action: str, review: VersionReview) -> None:
    facts = {"version_id": str(review.version_id), "revision": review.revision}
    said = {"reason": review.reason} if review.reason else {}
    do_audit(actor=actor, action=action, target=review, **facts, **said)
