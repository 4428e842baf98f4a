"""A course's versions and who holds rights on it; how many courses there are."""

import uuid
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import (
    CONTENT,
    GRANT,
    visible_courses,
    visible_versions,
)
from tenant_apps.courses.selectors.acts import with_version_standing


@dataclass(frozen=True, slots=True)
class RightHolder:
    """A member with rights ("edit_course", "publish_course") on one course."""

    member_id: uuid.UUID
    display_name: str
    email: str
    rights: tuple[str, ...]


def list_versions(actor: Actor, course_id: uuid.UUID) -> QuerySet[CourseVersion]:
    """Return the versions of a visible course that the actor may know of, newest first.

    Raises:
        Forbidden: the role reads no content outside an enrollment.
        NotFound: no such course, a deleted one, or one the actor may not know of.
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
        NotFound: no such course, a deleted one, or one the actor may not know of.
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
