"""Ordered rows under one parent: the one place that moves positions, for modules, lessons, topics and
resources alike.

Positions count from 0 without gaps. Uniqueness is checked at the commit, so one UPDATE may pass through
collisions. Callers hold the lock of the version.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import F, Model, QuerySet

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.errors import OrderIncomplete
from tenant_apps.courses.models import Lesson, LessonResource, Module

_Rows = QuerySet[Module] | QuerySet[Lesson] | QuerySet[LessonResource]


@dataclass(frozen=True, slots=True)
class Siblings:
    """The rows of one parent in order.

    Attributes:
        rows: all of them, as a queryset.
    """

    rows: _Rows

    def ids(self) -> set[uuid.UUID]:
        """Return their ids; one query."""
        return set(self.rows.values_list("id", flat=True))


@dataclass(frozen=True, slots=True)
class LessonPlace:
    """Where a lesson is to stand; `parent_id` is the lesson it is a topic of."""

    lesson_id: uuid.UUID
    module_id: uuid.UUID
    parent_id: uuid.UUID | None = None


def modules_of(version_id: uuid.UUID) -> Siblings:
    """Return the modules of a version."""
    return Siblings(Module.objects.filter(version_id=version_id).order_by())


def lessons_of(module_id: uuid.UUID) -> Siblings:
    """Return the lessons of a module, without topics."""
    return Siblings(Lesson.objects.filter(module_id=module_id, parent=None).order_by())


def topics_of(lesson_id: uuid.UUID) -> Siblings:
    """Return the topics of a lesson."""
    return Siblings(Lesson.objects.filter(parent_id=lesson_id).order_by())


def siblings_of(lesson: Lesson) -> Siblings:
    """Return the rows a lesson or topic stands among, itself included."""
    return lessons_of(lesson.module_id) if lesson.parent_id is None else topics_of(lesson.parent_id)


def resources_of(lesson_id: uuid.UUID) -> Siblings:
    """Return the resources of a lesson or topic."""
    return Siblings(LessonResource.objects.filter(lesson_id=lesson_id).order_by())


def do_make_room(siblings: Siblings, *, wanted: int | None) -> int:
    """Return the position for one more row, moving later ones along.

    Args:
        siblings: the rows it joins.
        wanted: where it is to stand; None, or more than there are, means last.
    """
    require_transaction()
    count = siblings.rows.count()
    position = count if wanted is None else min(wanted, count)
    if position < count:
        siblings.rows.filter(position__gte=position).update(position=F("position") + 1)
    return position


def do_close_gap(siblings: Siblings, *, position: int) -> None:
    """Move the rows behind a place that became free."""
    require_transaction()
    siblings.rows.filter(position__gt=position).update(position=F("position") - 1)


def do_order(siblings: Siblings, ids: Sequence[uuid.UUID], *, field: str) -> None:
    """Put all rows of one parent in this order, in one UPDATE.

    Raises:
        OrderIncomplete: not exactly the rows that are there.
    """
    require_transaction()
    require_same(siblings.ids(), ids, field=field)
    _order(siblings.rows.model, ids)


def do_place_lessons(places: Sequence[LessonPlace]) -> None:
    """Give lessons and topics their module, parent and position in one UPDATE; those of one place stand in
    the order given. Topics that are not named follow their lesson into its module."""
    require_transaction()
    taken: Counter[tuple[uuid.UUID, uuid.UUID | None]] = Counter()
    positions = []
    for place in places:
        key = (place.module_id, place.parent_id)
        positions.append(taken[key])
        taken[key] += 1
    named = [place.lesson_id for place in places]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE courses_lesson SET module_id = wanted.module, parent_id = wanted.parent,"
            " position = wanted.place, updated_at = %s"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[]) AS wanted(id, module, parent, place)"
            " WHERE courses_lesson.id = wanted.id",
            [
                clock.now(),
                named,
                [place.module_id for place in places],
                [place.parent_id for place in places],
                positions,
            ],
        )
        cursor.execute(
            "UPDATE courses_lesson topic SET module_id = lesson.module_id FROM courses_lesson lesson"
            " WHERE topic.parent_id = lesson.id AND lesson.id = ANY(%s)"
            " AND topic.module_id <> lesson.module_id",
            [named],
        )


def require_same(present: set[uuid.UUID], wanted: Sequence[uuid.UUID], *, field: str) -> None:
    """Refuse an order that does not name exactly what is there.

    Raises:
        OrderIncomplete: something is missing, unknown or named twice.
    """
    named = Counter(wanted)
    repeated = sorted(str(each) for each, times in named.items() if times > 1)
    missing = sorted(str(each) for each in present - set(named))
    unknown = sorted(str(each) for each in set(named) - present)
    if repeated or missing or unknown:
        raise OrderIncomplete(field=field, missing=missing, unknown=unknown, repeated=repeated)


def _order(model: type[Model], ids: Sequence[uuid.UUID]) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET position = wanted.place - 1, updated_at = %s"  # noqa: S608  a name of our own
            f" FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted(id, place) WHERE {table}.id = wanted.id",
            [clock.now(), list(ids)],
        )
