"""Ordered rows under one parent: the one place that moves positions, for modules and lessons alike.

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
from tenant_apps.courses.models import Lesson, Module


@dataclass(frozen=True, slots=True)
class Siblings:
    """The rows of one parent in order.

    Attributes:
        rows: all of them, as a queryset.
    """

    rows: "QuerySet[Module] | QuerySet[Lesson]"


def modules_of(version_id: uuid.UUID) -> Siblings:
    """Return the modules of a version."""
    return Siblings(Module.objects.filter(version_id=version_id).order_by())


def lessons_of(module_id: uuid.UUID) -> Siblings:
    """Return the lessons of a module."""
    return Siblings(Lesson.objects.filter(module_id=module_id).order_by())


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


def do_order(
    model: type[Model], *, parents: Sequence[uuid.UUID], ids: Sequence[uuid.UUID], column: str
) -> None:
    """Give every row its parent and place in one UPDATE.

    Args:
        model: Module or Lesson.
        parents: for each id, its parent; rows of one parent stand in the order given.
        ids: the rows.
        column: the column that names the parent.
    """
    require_transaction()
    places: Counter[uuid.UUID] = Counter()
    positions = []
    for parent in parents:
        positions.append(places[parent])
        places[parent] += 1
    table, key = (connection.ops.quote_name(name) for name in (model._meta.db_table, column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {key} = wanted.parent, position = wanted.place, updated_at = %s"  # noqa: S608  names of our own
            " FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS wanted(id, parent, place)"
            f" WHERE {table}.id = wanted.id",
            [clock.now(), list(ids), list(parents), positions],
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
