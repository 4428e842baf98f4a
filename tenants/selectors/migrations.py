"""How far the tenants are: what the command and the console show of migrations."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from shared_apps.core import clock
from tenants.ddl import migrations_level, migrations_on_disk, migrations_version, tenant_app_labels
from tenants.enums import SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema

_SHOWN_FAILURES = 50
# States of schemas that the migrator moves.
_MOVED = (SchemaState.READY, SchemaState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Failure:
    """A schema whose last migration failed."""

    schema_name: str
    organization: str
    level: int
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How far the tenants are.

    Attributes:
        level, version: of this process's code.
        levels: level -> number of schemas at it.
        differing: schemas at the code's level that went through other migrations than the code has.
        in_steps: schemas in the middle of a migration that cannot be one transaction.
        run: the last run, or None.
    """

    level: int
    version: str
    public_missing: list[str]
    levels: dict[int, int]
    up_to_date: int
    behind: int
    ahead: int
    differing: int
    in_steps: int
    failed: int
    failures: list[Failure]
    run: dict[str, Any] | None

    def document(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def migration_status() -> MigrationStatus:
    """Return how far the tenants are; needs the shared schema."""
    level, version = migrations_level(), migrations_version()
    moved = TenantSchema.objects.filter(state__in=_MOVED)
    levels = dict(moved.order_by("schema_level").values_list("schema_level").annotate(count=Count("id")))
    failed = failed_schemas()
    run = MigrationRun.objects.order_by("-id").first()
    return MigrationStatus(
        level=level,
        version=version,
        public_missing=missing_in_public(),
        levels=levels,
        up_to_date=levels.get(level, 0),
        behind=sum(count for at, count in levels.items() if at < level),
        ahead=sum(count for at, count in levels.items() if at > level),
        differing=moved.filter(schema_level=level).exclude(schema_version=version).count(),
        in_steps=moved.exclude(migration_step="").count(),
        failed=failed.count(),
        failures=failures_of(failed),
        run=run_document(run) if run else None,
    )


def failed_schemas() -> QuerySet[TenantSchema]:
    """Return schemas whose last migration failed."""
    return TenantSchema.objects.filter(state__in=_MOVED).exclude(migration_error="").order_by("id")


def failures_of(schemas: QuerySet[TenantSchema], most: int = _SHOWN_FAILURES) -> list[Failure]:
    """Return what is shown of failed schemas; a schema of the pool goes by its own name."""
    slug = Organization.objects.filter(id=OuterRef("pk")).values("slug")[:1]
    rows = schemas.annotate(slug=Coalesce(Subquery(slug), F("schema_name")))[:most]
    return [
        Failure(
            schema_name=row.schema_name,
            organization=row.slug,
            level=row.schema_level,
            attempts=row.migration_attempts,
            error=row.migration_error,
        )
        for row in rows
    ]


def run_document(run: MigrationRun) -> dict[str, Any]:
    """Return what is shown of a run, ready for JSON."""
    ended = run.finished_at or clock.now()
    return {
        "id": str(run.id),
        "direction": run.direction,
        "state": run.state,
        "target_level": run.target_level,
        "target_version": run.target_version,
        "started_by": run.started_by,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "seconds": round((ended - run.started_at).total_seconds(), 1),
        "heartbeat_seconds": round((clock.now() - run.heartbeat_at).total_seconds(), 1),
        "workers": run.workers,
        "waves": run.waves,
        "wave": run.wave,
        "total": run.total,
        "done": run.done,
        "failed": run.failed,
        "note": run.note,
    }


def missing_in_public() -> list[str]:
    """Return the migrations of shared tables that the shared schema lacks, as `app.name`.

    Tenants' migrations are noted there too but make nothing.
    """
    tenants = tenant_app_labels()
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM public.django_migrations")
        applied = {(str(app), str(name)) for app, name in cursor.fetchall()}
    return sorted(
        f"{app}.{name}"
        for (app, name), migration in migrations_on_disk().items()
        if app not in tenants
        and (app, name) not in applied
        and not (migration.replaces and applied.issuperset(map(tuple, migration.replaces)))
    )
