"""What a run would do: who goes when, through which migrations, by which statements."""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection, transaction

from tenants.context import migrating_schema
from tenants.services.migrating.chart import Chart, Stand, Step, Way, chart, stand_of
from tenants.services.migrating.message import Standing
from tenants.services.migrating.one_schema import applied_in
from tenants.services.migrating.options import RunOptions
from tenants.services.migrating.waves import schemas_to_move, waves_of


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One migration for all who stand alike."""

    migration: str
    way: str
    reversible: bool
    sql: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlannedStart:
    """Schemas that stand alike, and their way to the target."""

    level: int
    version: str
    schemas: int
    steps: list[PlannedStep]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    level: int
    starts: list[PlannedStart]
    waves: list[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def plan_migration(options: RunOptions, *, with_sql: bool = False) -> Plan:
    """Return what a run would do; nothing is changed. Needs the shared schema.

    Args:
        with_sql: also what Django would send, collected in one schema of each start without executing it: of
            an operation that looks up what one before it makes, statements may be missing here.
    """
    known = chart()
    schemas = schemas_to_move(options, known.target.level)
    alike: dict[str, list[Standing]] = defaultdict(list)
    for schema in schemas:
        alike[schema.version].append(schema)
    starts = []
    for members in alike.values():
        stand = stand_of(applied_in(members[0]))
        steps = [_planned(known, step, members[0], with_sql=with_sql) for step in _steps(known, stand)]
        starts.append(PlannedStart(stand.level, stand.version, len(members), steps))
    return Plan(
        level=known.target.level,
        starts=sorted(starts, key=lambda start: start.level),
        waves=[
            {
                "name": wave.name,
                "size": len(wave.schemas),
                "schemas": [schema.label for schema in wave.schemas[:10]],
            }
            for wave in waves_of(schemas, options)
        ],
    )


def _steps(known: Chart, stand: Stand) -> list[Step]:
    found = []
    while (step := known.forward(stand)) is not None:
        found.append(step)
        stand = step.after
    return found


def _planned(known: Chart, step: Step, schema: Standing, *, with_sql: bool) -> PlannedStep:
    return PlannedStep(
        migration=str(step),
        way=step.way.value,
        reversible=all(operation.reversible for operation in known.migration(step.key).operations),
        sql=_collect(step, schema) if with_sql and step.way is Way.SQL else [],
    )


def _collect(step: Step, schema: Standing) -> list[str]:
    with migrating_schema(schema.schema_name), transaction.atomic(durable=True):
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            for act in step.acts:
                act.perform(editor)
        transaction.set_rollback(True)
        return [str(statement) for statement in editor.collected_sql]
