"""One lesson as its learner reads it."""

import uuid
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.selectors.pictures import with_picture_links
from tenant_apps.learning.policies import LEARN, SEAT_MISSING, Terms
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.media.services.links import make_link
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

_LESSON = f"""
SELECT e.state, e.expires_at, r.state, r.starts_at, r.ends_at, r.timezone, {SEAT_MISSING},
       r.version_id, COALESCE(t.body_html, ''), l.embed_url, f.id, f.name,
       f.content_type, f.size, done.completed_at
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
  JOIN courses_lesson l ON l.id = %(lesson)s AND l.version_id = r.version_id AND l.is_published
  LEFT JOIN courses_lessontext t ON t.id = l.text_id
  LEFT JOIN media_storedfile f ON f.id = l.document_id
  LEFT JOIN learning_lessonprogress done ON done.enrollment_id = e.id AND done.lesson_id = l.id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
"""  # noqa: S608  our own text


def get_lesson(*, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> dict[str, Any]:
    """Return the lesson with its body, its place between its neighbours, and when it was completed.

    Document and pictures come with links that work for this member for five minutes.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
        EnrollmentNotActive, EnrollmentExpired, RunNotOpen, SeatNeeded: the lessons are not open now.
    """
    require(actor, LEARN)
    names = {
        "enrollment": enrollment_id,
        "lesson": lesson_id,
        "member": actor.member_id,
        "organization": current_organization().id,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_LESSON, names)
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    Terms(*row[:7]).require_open(clock.now())
    version_id, body_html, embed_url, file_id, file_name, content_type, size, completed_at = row[7:]
    outline = get_outline(version_id)
    lesson = outline.lesson(lesson_id)
    if lesson is None:
        raise NotFound
    previous_id, next_id = outline.neighbours(lesson["id"])
    document = None
    if file_id is not None:
        link = make_link(file_id=file_id, member_id=actor.member_id)
        document = {
            "id": file_id,
            "name": file_name,
            "content_type": content_type,
            "size": size,
            "url": link.url,
            "url_expires_at": link.expires_at,
        }
    return {
        **lesson,
        "enrollment_id": enrollment_id,
        "body_html": with_picture_links(body_html, actor.member_id),
        "embed_url": embed_url,
        "document": document,
        "completed_at": completed_at,
        "is_completed": completed_at is not None,
        "previous_lesson_id": previous_id,
        "next_lesson_id": next_id,
    }
