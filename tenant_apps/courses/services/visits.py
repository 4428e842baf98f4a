"""Count looks at courses in the catalogue."""

import uuid
from typing import Any

from django.db import connection

from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.policies import VIEW
from tenant_apps.courses.selectors.browse import catalogue_courses

# One statement, so that two looks at once are two.
_LOOK = """
INSERT INTO courses_coursevisit AS visit (id, created_at, updated_at, course_id, member_id, views)
SELECT %(id)s, %(now)s, %(now)s, course.id, %(member)s, 1
  FROM courses_course course
 WHERE course.id = %(course)s AND course.owner_id <> %(member)s
   AND NOT EXISTS (SELECT 1 FROM courses_courseinstructor part
                    WHERE part.course_id = course.id AND part.member_id = %(member)s)
   AND NOT EXISTS (SELECT 1 FROM courses_courseright held
                    WHERE held.content_object_id = course.id AND held.user_id = %(user)s)
    ON CONFLICT (course_id, member_id)
    DO UPDATE SET views = visit.views + 1, updated_at = excluded.updated_at
"""


def visit_course(*, actor: Actor, course_id: uuid.UUID) -> None:
    """Count one look of a member at a course of the catalogue. Its authors, and operators looking in, don't
    count.

    Raises:
        Forbidden, Unauthenticated: the actor is not of the organization.
        NotFound: the catalogue has no such course.
    """
    with entry_transaction():
        require(actor, VIEW)
        if not catalogue_courses(actor).filter(pk=course_id).exists():
            raise NotFound
        if actor.recorded_kind is not ActorKind.MEMBER or actor.membership_id is None:
            return
        names: dict[str, Any] = {
            "id": new_id(),
            "now": clock.now(),
            "course": course_id,
            "member": actor.membership_id,
            "user": actor.user_id,
        }
        with connection.cursor() as cursor:
            cursor.execute(_LOOK, names)
