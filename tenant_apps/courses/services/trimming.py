"""Take lessons out of a draft with everything that hangs on them, in statements that do not grow."""

import uuid
from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet

from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.models import Lesson, LessonResource, Translation, WorkingCopy
from tenant_apps.courses.services.texts import do_drop_texts


def do_delete_lessons(version_id: uuid.UUID, lessons: QuerySet[Lesson]) -> None:
    """Delete lessons and topics of a locked draft with their resources, translations, working copies and the
    texts nobody shows any more. The caller names topics with their lessons, and closes gaps."""
    require_transaction()
    gone = list(lessons.order_by().values_list("id", "lineage", "text_id"))
    ids = [each for each, _, _ in gone]
    WorkingCopy.objects.filter(lesson__in=ids).delete()
    LessonResource.objects.filter(lesson__in=ids).delete()
    do_delete_translations(version_id, [lineage for _, lineage, _ in gone])
    with connection.cursor() as cursor:
        # Raw: nothing else can point at lessons of a draft, and Django would ask every table that could.
        cursor.execute("DELETE FROM courses_lesson WHERE id = ANY(%s)", [ids])
    do_drop_texts([text_id for _, _, text_id in gone])


def do_delete_translations(version_id: uuid.UUID, lineages: Collection[uuid.UUID]) -> None:
    """Delete every translation of the units of a locked draft."""
    require_transaction()
    found = Translation.objects.filter(version_id=version_id, lineage__in=lineages).order_by()
    text_ids = list(found.values_list("text_id", flat=True))
    if text_ids:
        found.delete()
        do_drop_texts(text_ids)
