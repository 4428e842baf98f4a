"""Make and change courses."""

import uuid
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from shared_apps.accounts.models import User
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.errors import SlugTaken
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import CREATE, EDIT, RIGHT_HOLDERS, RIGHTS
from tenant_apps.courses.services.content import plain_summary, plain_title
from tenant_apps.courses.services.steps import do_audit, do_keep_within_plan, do_lock_course


class CourseFacts(TypedDict, total=False):
    """What a course says of itself; a key left out stays as it is. `language` is a BCP 47 tag."""

    slug: str
    title: str
    summary: str
    language: str


def create_course(*, actor: Actor, **facts: Unpack[CourseFacts]) -> Course:
    """Make a course with an empty draft, number 1; the maker owns it and gets every right on it.

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


def update_course(*, actor: Actor, course_id: uuid.UUID, **facts: Unpack[CourseFacts]) -> None:
    """Change slug, title, summary or language.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        SlugTaken, TextEmpty, TextTooLong: as for `create_course`.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=EDIT)
        do_update_course(actor=actor, course=course, facts=facts)


def do_create_course(*, actor: Actor, owner_id: uuid.UUID, facts: CourseFacts) -> Course:
    """Write the course's row, without a version, and the maker's rights.

    Raises:
        SlugTaken, TextEmpty, TextTooLong, PlanLimitReached: as for `create_course`.
    """
    require_transaction()
    course = Course(owner_id=owner_id, **_cleaned(facts))
    do_keep_within_plan()
    try:
        with transaction.atomic():
            course.save(force_insert=True)
    except IntegrityError as error:
        raise SlugTaken(field="slug", slug=course.slug) from error
    if actor.user_id is not None and actor.role in RIGHT_HOLDERS:
        for right in RIGHTS:
            assign_perm(right, User(id=actor.user_id), course)
    do_audit(actor=actor, action=CREATE.name, target=course, slug=course.slug, title=course.title)
    return course


def do_update_course(*, actor: Actor, course: Course, facts: CourseFacts) -> tuple[str, ...]:
    """Change a locked course and return the names of the facts that differed.

    Raises:
        SlugTaken, TextEmpty, TextTooLong: as for `create_course`.
    """
    require_transaction()
    changes = {
        name: [getattr(course, name), value]
        for name, value in _cleaned(facts).items()
        if getattr(course, name) != value
    }
    if not changes:
        return ()
    for name, (_, value) in changes.items():
        setattr(course, name, value)
    try:
        with transaction.atomic():
            course.save_fields(*changes)
    except IntegrityError as error:
        raise SlugTaken(field="slug", slug=course.slug) from error
    do_audit(actor=actor, action=EDIT.name, target=course, **changes)
    return tuple(changes)


def _cleaned(facts: CourseFacts) -> CourseFacts:
    clean = CourseFacts(**facts)
    if "title" in clean:
        clean["title"] = plain_title(clean["title"])
    if "summary" in clean:
        clean["summary"] = plain_summary(clean["summary"])
    return clean
