"""Make and change courses."""

import uuid
from typing import Any, Unpack

from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from shared_apps.accounts.models import User
from shared_apps.core.actors import Actor
from shared_apps.core.errors import StaleVersion
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import InstructorRole
from tenant_apps.courses.errors import SlugTaken
from tenant_apps.courses.locks import take_turn
from tenant_apps.courses.models import Course, CourseInstructor, CourseVersion
from tenant_apps.courses.policies import CREATE, CURATE, EDIT, PUBLISH, RIGHT_HOLDERS, RIGHTS
from tenant_apps.courses.services.course_facts import FLAGS, OFFER, PLACES, CourseFacts, clean_facts
from tenant_apps.courses.services.steps import do_audit, do_keep_within_plan, do_lock_course


def create_course(*, actor: Actor, **facts: Unpack[CourseFacts]) -> Course:
    """Make a course with an empty draft, number 1; the maker owns it. An instructor gets every
    right on it, and is its primary instructor.

    Args:
        actor: who acts, a member.
        facts: `slug` and `title` at least.

    Raises:
        Forbidden: the actor may not make courses.
        SlugTaken: a live course has the slug.
        TextEmpty, TextTooLong: title or summary.
        PlanLimitReached: the organization's plan allows no more courses.
    """
    with entry_transaction():
        require(actor, CREATE)
        course = do_create_course(actor=actor, owner_id=actor.member_id, facts=facts)
        CourseVersion.objects.create(course=course, number=1)
    return course


def update_course(
    *, actor: Actor, course_id: uuid.UUID, revision: str = "", **facts: Unpack[CourseFacts]
) -> None:
    """Change what a course says of itself.

    Args:
        actor: who acts.
        course_id: the course.
        revision: what the caller read, the ETag without quotes; empty or "*" for any.
        facts: what to change.

    Raises:
        NotFound, Forbidden: see `do_lock_course`; price, access and listing take the right to publish, flags
            an administrator.
        StaleVersion: somebody changed the course since.
        SlugTaken, and what `clean_facts` raises.
    """
    with entry_transaction():
        if PLACES & facts.keys():
            take_turn("categories")
        course = do_lock_course(actor=actor, course_id=course_id, rule=EDIT)
        require_course_revision(course, revision)
        do_update_course(actor=actor, course=course, facts=facts)


def require_course_revision(course: Course, revision: str) -> None:
    """Raise StaleVersion when a revision was named that is not the course's."""
    if revision not in ("", "*", str(course.revision)):
        raise StaleVersion(revision=course.revision)


def do_create_course(*, actor: Actor, owner_id: uuid.UUID, facts: CourseFacts) -> Course:
    """Write the course's row, without a version, and the maker's rights.

    Raises:
        SlugTaken, TextEmpty, TextTooLong, PlanLimitReached: as for `create_course`.
    """
    require_transaction()
    course = Course(owner_id=owner_id, **clean_facts(Course(), facts))
    do_keep_within_plan()
    try:
        with transaction.atomic():
            course.save(force_insert=True)
    except IntegrityError as error:
        raise SlugTaken(field="slug", slug=course.slug) from error
    if actor.user_id is not None and actor.role in RIGHT_HOLDERS:
        for right in RIGHTS:
            assign_perm(right, User(id=actor.user_id), course)
        CourseInstructor.objects.create(
            course=course, member_id=actor.member_id, role=InstructorRole.PRIMARY, share_percent=100
        )
    do_audit(actor=actor, action=CREATE.name, target=course, slug=course.slug, title=course.title)
    return course


def do_update_course(*, actor: Actor, course: Course, facts: CourseFacts) -> tuple[str, ...]:
    """Change a locked course and return the names of the facts that differed.

    Raises:
        Forbidden: the actor may edit the course, but not this of it.
        SlugTaken, and what `clean_facts` raises.
    """
    require_transaction()
    changes = {
        name: [getattr(course, name), value]
        for name, value in clean_facts(course, facts).items()
        if getattr(course, name) != value
    }
    if not changes:
        return ()
    if OFFER & changes.keys():
        require(actor, PUBLISH, course.id)
    if FLAGS & changes.keys():
        require(actor, CURATE)
    for name, (_, value) in changes.items():
        setattr(course, name, value)
    try:
        with transaction.atomic():
            do_count_course_edit(course, *(name.removesuffix("_id") for name in changes))
    except IntegrityError as error:
        raise SlugTaken(field="slug", slug=course.slug) from error
    do_audit(actor=actor, action=EDIT.name, target=course, **_told(changes))
    return tuple(changes)


def do_count_course_edit(course: Course, *columns: str) -> None:
    """Write the columns of a locked course and count the edit, so that who read it before is told."""
    require_transaction()
    course.revision += 1
    course.save_fields(*columns, "revision")


def _told(changes: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        name: [str(value) if isinstance(value, uuid.UUID) else value for value in values]
        for name, values in changes.items()
    }
