"""Who goes when: canaries first, then growing waves, so that a bad migration meets few tenants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tenants.enums import SchemaState
from tenants.models import Organization, TenantSchema
from tenants.services.migrating.errors import OrganizationsUnknown
from tenants.services.migrating.message import MIGRATED_STATES, Standing
from tenants.services.migrating.options import RunOptions

CANARIES = "canaries"


@dataclass(frozen=True, slots=True)
class Wave:
    """Schemas that are migrated together, and how many of them may fail before the run stops."""

    name: str
    schemas: tuple[Standing, ...]
    most_failures: int


def schemas_to_move(options: RunOptions, target_level: int) -> list[Standing]:
    """Return the schemas a run is for, oldest first; one indexed query."""
    rows = _behind(target_level) if options.to_level is None else _ahead(options.to_level)
    slug = Organization.objects.filter(id=OuterRef("pk")).values("slug")[:1]
    rows = rows.annotate(slug=Coalesce(Subquery(slug), "schema_name"))
    if options.slugs:
        rows = rows.filter(slug__in=options.slugs)
    if options.failed_only:
        rows = rows.exclude(migration_error="")
    return [
        Standing(*row)
        for row in rows.order_by("id").values_list(
            "id", "schema_name", "slug", "state", "schema_level", "schema_version", "migration_step"
        )
    ]


def check_slugs(options: RunOptions) -> None:
    """Refuse names of nobody: a mistyped canary would be no canary at all.

    Raises:
        OrganizationsUnknown: with the slugs that no organization has.
    """
    named = {*options.slugs, *options.canaries}
    known = (
        set(Organization.objects.filter(slug__in=named).values_list("slug", flat=True)) if named else set()
    )
    if named - known:
        raise OrganizationsUnknown(unknown=sorted(named - known))


def is_anyone_behind(target_level: int) -> bool:
    """Tell whether any schema lacks migrations: all that a deployment with nothing to do asks."""
    return _behind(target_level).exists()


def _behind(target_level: int) -> QuerySet[TenantSchema]:
    return TenantSchema.objects.filter(state__in=MIGRATED_STATES, schema_level__lt=target_level)


def _ahead(level: int) -> QuerySet[TenantSchema]:
    return TenantSchema.objects.filter(state__in=MIGRATED_STATES, schema_level__gt=level)


def waves_of(schemas: Sequence[Standing], options: RunOptions) -> Iterator[Wave]:
    """Cut the schemas into waves.

    Canaries are organizations. The pool's ready schemas come right after them: nobody uses one yet, and
    whoever signs up during the run should get one that is done.
    """
    owned = [schema for schema in schemas if schema.state == SchemaState.CLAIMED]
    if options.canaries:
        canaries = [schema for schema in owned if schema.label in options.canaries]
    else:
        canaries = owned[: options.oldest_canaries]
    if canaries:
        yield Wave(CANARIES, tuple(canaries), 0)
    first = {schema.id for schema in canaries}
    rest = [schema for schema in schemas if schema.id not in first]
    rest.sort(key=lambda schema: (schema.state != SchemaState.READY, schema.id))
    for number, size in enumerate((*options.waves, len(rest)), start=1):
        wave, rest = rest[:size], rest[size:]
        if wave:
            yield Wave(f"wave {number}", tuple(wave), len(wave) * options.most_failures_percent // 100)
