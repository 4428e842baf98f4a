"""The run that stands in where a course is given without dates: one for each course, made on first need."""

import uuid
from typing import Any

from django.db import connection

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import Pacing, RunState
from tenant_apps.runs.errors import CourseNotOffered
from tenant_apps.runs.models import CourseRun
from tenant_apps.runs.policies import CREATE
from tenants.context import current_organization

# Two who need it at once make one: the second waits for the first's row and then finds it.
_MAKE = """
INSERT INTO runs_courserun
       (id, created_at, updated_at, course_id, version_id, title, state, timezone, pacing, is_always_open,
        has_waiting_list, is_open_to_members)
SELECT %(id)s, %(now)s, %(now)s, c.id, c.current_version_id, c.title, %(open)s, 'UTC', %(pacing)s, true,
       false, true
  FROM courses_course c
 WHERE c.id = %(course)s AND c.state = 'published' AND c.deleted_at IS NULL
   AND c.current_version_id IS NOT NULL
    ON CONFLICT (course_id) WHERE is_always_open AND NOT (state = 'cancelled') DO NOTHING
RETURNING id
"""


def ensure_always_open_run(*, actor: Actor, course_id: uuid.UUID) -> tuple[uuid.UUID, bool]:
    """Return the course's always-open run, and whether it was made now: self-paced, of the version that is
    current, without window and limit, open to members.

    Raises:
        Forbidden: the actor may not make runs.
        NotFound: no such course.
        CourseNotOffered: there is none yet, and the course is not published.
    """
    with entry_transaction():
        require(actor, CREATE)
        return do_ensure_always_open_run(actor=actor, course_id=course_id)


def do_ensure_always_open_run(*, actor: Actor, course_id: uuid.UUID) -> tuple[uuid.UUID, bool]:
    """Do so in the open transaction, for whoever needs it; their right was checked by the entry service."""
    require_transaction()
    if (found := _find(course_id)) is not None:
        return found, False
    names: dict[str, Any] = {
        "id": new_id(),
        "now": clock.now(),
        "course": course_id,
        "open": RunState.OPEN.value,
        "pacing": Pacing.SELF_PACED.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, names)
        made = cursor.fetchone()
    if made is None:
        found = _find(course_id)
        if found is None:
            raise _why_not(course_id)
        return found, False
    do_record(
        actor=actor,
        action=CREATE.name,
        organization_id=current_organization().id,
        target_kind="courserun",
        target_id=made[0],
        changes={"course_id": str(course_id), "always_open": True},
    )
    return made[0], True


def _find(course_id: uuid.UUID) -> uuid.UUID | None:
    runs = CourseRun.objects.filter(course_id=course_id, is_always_open=True).order_by()
    return runs.exclude(state=RunState.CANCELLED).values_list("pk", flat=True).first()


def _why_not(course_id: uuid.UUID) -> NotFound | CourseNotOffered:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM courses_course WHERE id = %s AND deleted_at IS NULL", [course_id])
        return CourseNotOffered() if cursor.fetchone() else NotFound()
