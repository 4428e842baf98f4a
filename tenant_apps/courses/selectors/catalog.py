"""Lists of courses and versions, and one course with what the actor can do to it."""

import uuid
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import (
    CONTENT,
    GRANT,
    RESTORE,
    VIEW,
    deleted_courses,
    visible_courses,
    visible_versions,
)
from tenant_apps.courses.selectors.acts import course_acts, with_course_standing, with_version_standing


@dataclass(frozen=True, slots=True)
class CourseDetail:
    """A course with the acts open to the actor."""

    course: Course
    can: dict[str, bool]


@dataclass(frozen=True, slots=True)
class RightHolder:
    """A member with rights ("edit_course", "publish_course") on one course."""

    member_id: uuid.UUID
    display_name: str
    email: str
    rights: tuple[str, ...]


def list_courses(
    actor: Actor, *, state: str = "", search: str = "", deleted: bool = False
) -> QuerySet[Course]:
    """Return the visible courses.

    Args:
        actor: who asks.
        state: one state; empty means all.
        search: words that must each occur in the title or the slug, in any case.
        deleted: the deleted courses instead, for those who may restore them.

    Raises:
        Forbidden: deleted courses are asked for without the right to restore.
    """
    require(actor, RESTORE if deleted else VIEW)
    found = deleted_courses(actor) if deleted else visible_courses(actor)
    if state:
        found = found.filter(state=state)
    for word in search.split():
        found = found.filter(Q(title__icontains=word) | Q(slug__icontains=word))
    return with_course_standing(actor, found.select_related("current_version"))


def get_course(actor: Actor, course_id: uuid.UUID) -> CourseDetail:
    """Return one visible course.

    Raises:
        NotFound: no such course, a deleted one, or one the actor may not know of.
    """
    found = visible_courses(actor).filter(pk=course_id).select_related("current_version")
    course = with_course_standing(actor, found).first()
    if course is None:
        raise NotFound
    return CourseDetail(course, course_acts(actor, course))


def list_versions(actor: Actor, course_id: uuid.UUID) -> QuerySet[CourseVersion]:
    """Return the versions of a visible course that the actor may know of, newest first.

    Raises:
        Forbidden: the role reads no content outside an enrollment.
        NotFound: as for `get_course`.
    """
    require(actor, CONTENT)
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    return with_version_standing(actor, visible_versions(actor).filter(course_id=course_id))


_HOLDERS = """
SELECT m.id, m.first_name, m.last_name, m.email, array_agg(p.codename::text ORDER BY p.codename)
  FROM courses_courseright r
  JOIN people_member m ON m.user_id = r.user_id
  JOIN auth_permission p ON p.id = r.permission_id
 WHERE r.content_object_id = %s
 GROUP BY m.id ORDER BY m.last_name, m.first_name, m.id
"""


def list_right_holders(actor: Actor, course_id: uuid.UUID) -> list[RightHolder]:
    """Return who holds rights on the course, by name.

    Raises:
        NotFound: as for `get_course`.
        Forbidden: the actor may not manage the course's authors.
    """
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    require(actor, GRANT)
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [course_id])
        return [
            RightHolder(member_id, f"{first} {last}".strip() or email, email, tuple(rights))
            for member_id, first, last, email, rights in cursor.fetchall()
        ]


def count_courses() -> int:
    """Return how many courses the current organization has, archived ones too and deleted ones not: what a
    plan's limit is held against."""
    return Course.objects.filter(deleted_at=None).count()
