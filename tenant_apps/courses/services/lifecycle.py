"""Take courses out of use and back, and hand them over."""

import uuid

from django.db import IntegrityError, transaction

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import COURSE_MOVES, CourseState
from tenant_apps.courses.errors import (
    CourseMoveRefused,
    CourseNeverPublished,
    CourseNotDeleted,
    SlugTaken,
    UnknownMember,
)
from tenant_apps.courses.locks import course_to_change
from tenant_apps.courses.models import Course
from tenant_apps.courses.policies import DELETE, OWN, PUBLISH, RESTORE, visible_courses
from tenant_apps.courses.selectors.authors import find_author
from tenant_apps.courses.services.steps import (
    do_audit,
    do_keep_within_plan,
    do_lock_course,
    do_move_course,
    refuse_archived,
)


def archive_course(*, actor: Actor, course_id: uuid.UUID, reason: str = "") -> None:
    """Take the course out of the catalogue and stop work on it; runs go on. Repeating changes nothing.

    Raises:
        NotFound, Forbidden, InstructorBarred: see `do_lock_course`.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=PUBLISH)
        _move(actor, course, CourseState.ARCHIVED, action="courses.archive", reason=reason)


def unarchive_course(*, actor: Actor, course_id: uuid.UUID) -> None:
    """Put an archived course back where it was.

    Raises:
        NotFound, Forbidden, InstructorBarred: see `do_lock_course`.
        CourseMoveRefused: the course is not archived.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=PUBLISH)
        state = CourseState(course.state)
        if state is not CourseState.ARCHIVED:
            raise CourseMoveRefused(state=state, allowed=sorted(COURSE_MOVES[state]))
        # Courses archived by an earlier release do not know what they were.
        known = CourseState.PUBLISHED if course.current_version_id else CourseState.DRAFT
        _move(actor, course, CourseState(course.archived_from or known), action="courses.archive")


def unpublish_course(*, actor: Actor, course_id: uuid.UUID, reason: str = "") -> None:
    """Take a published course out of the catalogue: nobody else is enrolled, and who learns goes on.
    Repeating changes nothing.

    Args:
        actor: who acts.
        course_id: the course.
        reason: shown to those who may work on the course.

    Raises:
        NotFound, Forbidden, InstructorBarred: see `do_lock_course`.
        CourseArchived: it is in the archive, and leaves it as what it was.
        CourseMoveRefused: the course is not published.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=PUBLISH)
        refuse_archived(course)
        _move(actor, course, CourseState.UNPUBLISHED, action="courses.unpublish", reason=reason)


def republish_course(*, actor: Actor, course_id: uuid.UUID) -> None:
    """Put an unpublished course back into the catalogue, with the version it had. That version was published
    under the rules of its day, and has not changed since. Repeating changes nothing.

    Raises:
        NotFound, Forbidden, InstructorBarred: see `do_lock_course`.
        CourseArchived: it is in the archive.
        CourseNeverPublished: it has only drafts.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=PUBLISH)
        refuse_archived(course)
        if course.current_version_id is None:
            raise CourseNeverPublished
        _move(actor, course, CourseState.PUBLISHED, action="courses.republish")


def delete_course(*, actor: Actor, course_id: uuid.UUID) -> None:
    """Hide the course from everybody; its rows and runs stay, and it can be restored.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=DELETE)
        course.deleted_at = clock.now()
        course.save_fields("deleted_at")
        do_audit(actor=actor, action=DELETE.name, target=course, slug=course.slug)


def restore_course(*, actor: Actor, course_id: uuid.UUID) -> None:
    """Bring a deleted course back in the state it had.

    Raises:
        Forbidden: the actor may not.
        NotFound: no such course.
        CourseNotDeleted: it is there.
        SlugTaken: another course took its slug meanwhile.
        PlanLimitReached: the organization's plan allows no more courses.
    """
    with entry_transaction():
        require(actor, RESTORE)
        course = course_to_change(course_id).first()
        if course is None:
            raise NotFound
        if course.deleted_at is None:
            if not visible_courses(actor).filter(pk=course_id).exists():
                raise NotFound
            raise CourseNotDeleted
        do_keep_within_plan()
        course.deleted_at = None
        try:
            with transaction.atomic():
                course.save_fields("deleted_at")
        except IntegrityError as error:
            raise SlugTaken(field="slug", slug=course.slug) from error
        do_audit(actor=actor, action=RESTORE.name, target=course, slug=course.slug)


def transfer_course(*, actor: Actor, course_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Give the course another owner. Rights on it are separate and stay as they are.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        UnknownMember: no such active member.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=OWN)
        if find_author(member_id=member_id) is None:
            raise UnknownMember(field="member_id")
        if course.owner_id == member_id:
            return
        before, course.owner_id = course.owner_id, member_id
        course.save_fields("owner")
        do_audit(actor=actor, action=OWN.name, target=course, owner_id=[str(before), str(member_id)])


def _move(actor: Actor, course: Course, wanted: CourseState, *, action: str, reason: str = "") -> None:
    before = do_move_course(course, wanted, reason=reason)
    if before == wanted:
        return
    said = {"reason": reason} if reason else {}
    do_audit(actor=actor, action=action, target=course, state=[before, wanted], **said)
