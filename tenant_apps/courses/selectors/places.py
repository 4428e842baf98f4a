"""Where a lesson stands in a version, for statements of other apps."""

from typing import Any

from django.db.models import OuterRef, QuerySet

from tenant_apps.courses.models import Lesson


def lesson_in_version(*, version: str, lineage: str) -> QuerySet[Any]:
    """Return the published lesson or topic that another statement names, to be used as its subquery.

    Args:
        version, lineage: the outer statement's fields that hold the version's id and the lineage.
    """
    found = Lesson.objects.filter(version_id=OuterRef(version), lineage=OuterRef(lineage), is_published=True)
    return found.order_by()
