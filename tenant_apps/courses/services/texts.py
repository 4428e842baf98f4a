"""Texts of lessons: written anew by every edit, shared by copies, gone when nothing shows them any more.

A text is never changed (the database refuses). Whoever writes holds the lock of the version; copying locks
the version it copies from, so a text that is being copied still has a lesson that shows it.
"""

import uuid
from collections.abc import Collection

from django.db import connection

from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.content.errors import ContentError
from tenant_apps.courses.content.sanitize import clean_html, render_markdown
from tenant_apps.courses.enums import BodyFormat
from tenant_apps.courses.errors import LessonContentRefused
from tenant_apps.courses.models import Lesson, LessonText

# Of two that drop the last two uses of a text at once, one may leave it to nobody; SKIP LOCKED lets neither
# wait for the other, and a text without a lesson harms nobody.
_DROP = """
DELETE FROM courses_lessontext WHERE id IN (
    SELECT t.id FROM courses_lessontext t
     WHERE t.id = ANY(%s)
       AND NOT EXISTS (SELECT 1 FROM courses_lesson l WHERE l.text_id = t.id)
       AND NOT EXISTS (SELECT 1 FROM courses_translation n WHERE n.text_id = t.id)
       FOR UPDATE SKIP LOCKED)
"""


def new_text(body: str, body_format: str) -> LessonText:
    """Return an unsaved text with its safe HTML.

    Raises:
        LessonContentRefused: too large, or so many tags that parsing them could exhaust memory.
    """
    return LessonText(
        body_format=body_format,
        body=body,
        body_html=rendered(body, body_format),
        digest=text_digest(body_format, body),
    )


def do_save_text(lesson: Lesson) -> None:
    """Write the lesson's text if it is a new one, before the lesson that will name it."""
    require_transaction()
    if lesson.text is not None and lesson.text._state.adding:
        lesson.text.save(force_insert=True)


def do_drop_texts(text_ids: Collection[uuid.UUID | None]) -> None:
    """Delete those of the texts that no lesson and no translation shows any more; one statement."""
    require_transaction()
    gone = [text_id for text_id in text_ids if text_id is not None]
    if gone:
        with connection.cursor() as cursor:
            cursor.execute(_DROP, [gone])


def rendered(body: str, body_format: str) -> str:
    """Return the safe HTML of a body in "markdown" or "html".

    Raises:
        LessonContentRefused: too large, or so many tags that parsing them could exhaust memory.
    """
    try:
        return render_markdown(body) if body_format == BodyFormat.MARKDOWN else clean_html(body)
    except ContentError as error:
        raise LessonContentRefused(field="body", reason=error.code) from error
