"""One lesson as its learner reads it: everything its page shows, in one statement."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.selectors.pictures import with_picture_links
from tenant_apps.learning.policies import LEARN, Facts, decide
from tenant_apps.learning.policies.facts import DONE, FACTS, FACTS_WIDTH
from tenant_apps.learning.selectors.moving import find_moved_lesson
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.learning.selectors.trees import lesson_line
from tenant_apps.learning.types import Outline
from tenant_apps.media.services.links import is_viewable, make_link, make_view_link
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# The language asked for, else the learner's own choice, else the company's; "" asks nothing. A text that is
# not translated is served as it was written.
_LESSON = f"""
WITH place AS MATERIALIZED (
    SELECT {FACTS}, {DONE}, r.version_id, r.course_id,
           e.id AS enrollment_id, e.attempt AS of_attempt,
           COALESCE(NULLIF(%(language)s, ''),
                    (SELECT COALESCE(NULLIF(m.language, ''), u.language)
                       FROM people_member m JOIN accounts_user u ON u.id = m.user_id
                      WHERE m.id = e.member_id)) AS language
      FROM runs_enrollment e
      JOIN runs_courserun r ON r.id = e.run_id
     WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
)
SELECT place.*, c.language,
       COALESCE(t.body_html, ''), translated.language, translated.title,
       l.embed_url, l.media_url, l.duration_seconds, l.is_downloadable,
       f.id, f.name, f.content_type, f.size,
       record.opened_at, record.completed_at, record.position_seconds, record.watched_seconds,
       record.reached_percent, record.view_count,
       (SELECT jsonb_agg(jsonb_build_object(
                   'id', x.id, 'title', x.title, 'url', x.url, 'position', x.position,
                   'is_downloadable', x.is_downloadable,
                   'file', CASE WHEN xf.id IS NOT NULL THEN jsonb_build_object(
                       'id', xf.id, 'name', xf.name, 'content_type', xf.content_type, 'size', xf.size) END)
               ORDER BY x.position)
          FROM courses_lessonresource x LEFT JOIN media_storedfile xf ON xf.id = x.file_id
         WHERE x.lesson_id = l.id)
  FROM place
  JOIN courses_course c ON c.id = place.course_id
  JOIN courses_lesson l ON l.id = %(lesson)s AND l.version_id = place.version_id AND l.is_published
  LEFT JOIN LATERAL (
       SELECT tr.language, tr.title, tr.text_id FROM courses_translation tr
        WHERE tr.version_id = l.version_id AND tr.lineage = l.lineage
          AND tr.language IN (place.language, split_part(place.language, '-', 1))
        ORDER BY tr.language = place.language DESC LIMIT 1) translated ON true
  LEFT JOIN courses_lessontext t ON t.id = COALESCE(translated.text_id, l.text_id)
  LEFT JOIN media_storedfile f ON f.id = l.document_id
  LEFT JOIN learning_lessonrecord record
    ON record.enrollment_id = place.enrollment_id AND record.attempt = place.of_attempt
   AND record.lineage = l.lineage
"""  # noqa: S608  our own text

_COLUMNS = (
    "version_id",
    "course_id",
    "enrollment_id",
    "attempt",
    "wanted",
    "written_in",
    "body_html",
    "language",
    "title",
    "embed_url",
    "media_url",
    "duration_seconds",
    "is_downloadable",
    "file_id",
    "file_name",
    "content_type",
    "size",
    "opened_at",
    "completed_at",
    "position_seconds",
    "watched_seconds",
    "reached_percent",
    "view_count",
    "resources",
)


def get_lesson(
    *, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID, language: str = ""
) -> dict[str, Any]:
    """Return the lesson with its body, what goes with it, its place among its neighbours, and its state.

    Document, resources and pictures come with links that work for this member for five minutes; what is not
    downloadable comes without one. One statement, and one more for a version that this process has not read.

    Args:
        actor: the learner.
        enrollment_id, lesson_id: where, and which lesson or topic.
        language: wanted, as BCP 47 says it; "" for the learner's own.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version, nor one that
            goes on in it from the version the run moved from.
        EnrollmentNotActive, EnrollmentExpired, AccessNotBegun, RunNotOpen, SeatNeeded: the course is closed.
        LessonNotReleased, LessonLocked: the lesson is.
    """
    require(actor, LEARN)
    names: dict[str, Any] = {
        "enrollment": enrollment_id,
        "lesson": lesson_id,
        "member": actor.member_id,
        "organization": current_organization().id,
        "language": language,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_LESSON, names)
        row = cursor.fetchone()
    if row is None:
        moved_to = find_moved_lesson(
            enrollment_id=enrollment_id, member_id=actor.member_id, lesson_id=lesson_id
        )
        if moved_to is None:
            raise NotFound
        return get_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=moved_to, language=language)
    facts = Facts.read(row, row[FACTS_WIDTH])
    found = dict(zip(_COLUMNS, row[FACTS_WIDTH + 1 :], strict=True))
    outline = get_outline(found["version_id"])
    lesson = outline.lesson(lesson_id)
    if lesson is None:  # a topic of a lesson that is not published
        raise NotFound
    now = clock.now()
    decide(facts, outline, outline.units[lesson["lineage"]], now).require_open()
    return _page(found, facts, outline, lesson, actor.member_id, now)


def _page(
    found: Mapping[str, Any],
    facts: Facts,
    outline: Outline,
    lesson: dict[str, Any],
    member_id: uuid.UUID,
    now: datetime,
) -> dict[str, Any]:
    language = outline.language_for(found["wanted"] or "")

    def line(row: dict[str, Any]) -> dict[str, Any]:
        return lesson_line(row, facts, outline, now, language=language, course_code="open")

    previous_id, next_id = outline.neighbours(lesson["id"])
    following = line(outline.lessons[next_id]) if next_id else None
    if following is not None:
        following.pop("topics", None)
    return {
        "topics": [],
        **line(lesson),
        "enrollment_id": found["enrollment_id"],
        "attempt": facts.attempt,
        "language": found["language"] or found["written_in"],
        "body_html": with_picture_links(found["body_html"], member_id),
        "embed_url": found["embed_url"],
        "media_url": found["media_url"],
        "duration_seconds": found["duration_seconds"],
        "document": _document(found, member_id),
        "resources": _resources(found["resources"], member_id),
        "completed_at": found["completed_at"],
        "is_completed": found["completed_at"] is not None,
        "opened_at": found["opened_at"],
        "position_seconds": found["position_seconds"] or 0,
        "watched_seconds": found["watched_seconds"] or 0,
        "reached_percent": found["reached_percent"] or 0,
        "view_count": found["view_count"] or 0,
        "previous_lesson_id": previous_id,
        "next_lesson_id": next_id,
        "next_lesson": following,
    }


def _document(found: Mapping[str, Any], member_id: uuid.UUID) -> dict[str, Any] | None:
    if found["file_id"] is None:
        return None
    about = {
        "id": found["file_id"],
        "name": found["file_name"],
        "content_type": found["content_type"],
        "size": found["size"],
    }
    link = _link(found["file_id"], member_id, is_given=found["is_downloadable"])
    if not is_viewable(found["content_type"]):
        return about | link | {"view_url": None}
    view = make_view_link(file_id=found["file_id"], member_id=member_id)
    expires_at = view.expires_at.astimezone(UTC)
    return about | link | {"view_url": view.url, "url_expires_at": expires_at}


def _resources(text: str | None, member_id: uuid.UUID) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = json.loads(text) if text else []
    for resource in resources:
        if not resource["is_downloadable"]:
            resource["url"] = ""
        file = resource["file"]
        if file is not None:
            file |= _link(uuid.UUID(file["id"]), member_id, is_given=resource["is_downloadable"])
    return resources


def _link(file_id: uuid.UUID, member_id: uuid.UUID, *, is_given: bool) -> dict[str, Any]:
    if not is_given:
        return {"url": None, "url_expires_at": None}
    link = make_link(file_id=file_id, member_id=member_id)
    return {"url": link.url, "url_expires_at": link.expires_at.astimezone(UTC)}
