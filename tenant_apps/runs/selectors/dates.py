"""Dates of single modules and lessons in one run, with the instants they mean."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.walltime import to_instant
from tenant_apps.runs.models import RunDate
from tenant_apps.runs.policies import ROSTER, visible_runs

# Modules and lessons of the run's version in the order learners meet them; topics behind their lesson.
_UNITS = """
SELECT unit.lineage, unit.kind, unit.title
  FROM (SELECT m.lineage, 'module' AS kind, m.title, m.position AS section, -1 AS place, -1 AS topic, m.id
          FROM courses_module m WHERE m.version_id = %(version)s
         UNION ALL
        SELECT l.lineage, CASE WHEN l.parent_id IS NULL THEN 'lesson' ELSE 'topic' END, l.title, m.position,
               COALESCE(p.position, l.position), CASE WHEN l.parent_id IS NULL THEN -1 ELSE l.position END,
               l.id
          FROM courses_lesson l
          JOIN courses_module m ON m.id = l.module_id
          LEFT JOIN courses_lesson p ON p.id = l.parent_id
         WHERE l.version_id = %(version)s) AS unit
 ORDER BY unit.section, unit.place, unit.topic, unit.id
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A module, lesson or topic of a version, known in every version by its lineage."""

    lineage: uuid.UUID
    kind: str
    title: str


def units_of(version_id: uuid.UUID) -> dict[uuid.UUID, Unit]:
    """Return the units of a version by lineage, in the order learners meet them. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITS, {"version": version_id})
        return {row[0]: Unit(*row) for row in cursor.fetchall()}


def list_run_dates(*, actor: Actor, run_id: uuid.UUID) -> dict[str, Any]:
    """Return the run's zone and, in the order of the course, each unit that has dates of its own here: with
    its wall times and the instants they mean.

    A date whose unit the run's version has no more comes last, without kind and title.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor neither manages nor teaches the run.
    """
    run = visible_runs(actor).filter(pk=run_id).order_by().values("version_id", "timezone").first()
    if run is None:
        raise NotFound
    require(actor, ROSTER, run_id)
    units = units_of(run["version_id"])
    rows = {row.lineage: row for row in RunDate.objects.filter(run_id=run_id).order_by("id")}
    ordered = [lineage for lineage in units if lineage in rows]
    ordered += [lineage for lineage in rows if lineage not in units]
    return {
        "timezone": run["timezone"],
        "dates": [_shown(rows[each], units.get(each), run["timezone"]) for each in ordered],
    }


def instant_of(local: str, zone: str) -> datetime | None:
    """Return the instant a date's wall time means; None for an empty one."""
    return to_instant(local, zone) if local else None


def _shown(row: RunDate, unit: Unit | None, zone: str) -> dict[str, Any]:
    return {
        "lineage": row.lineage,
        "kind": unit.kind if unit else None,
        "title": unit.title if unit else "",
        "opens_local": row.opens_local or None,
        "opens_at": instant_of(row.opens_local, zone),
        "due_local": row.due_local or None,
        "due_at": instant_of(row.due_local, zone),
    }
