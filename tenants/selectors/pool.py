"""Reads on the pool of ready schemas: what it holds, and what it should hold."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from django.conf import settings
from django.db import connection
from django.db.models import Avg, Exists, Min, OuterRef, QuerySet

from shared_apps.core import clock
from tenants.ddl import template_level, template_version
from tenants.enums import SchemaState
from tenants.models import Organization, TenantSchema

# Demand is the busiest minute of these.
DEMAND_WINDOW = timedelta(minutes=10)
# How long the pool lives on what it has when a refill was lost: three of beat's bells.
LEAD_SECONDS = 60.0
# The builds that say how fast builds are.
_LAST_BUILDS = 20
# Two builds further apart than this had a pause between them, in which nothing was to be built.
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """The pool as the console shows it.

    Attributes:
        ready: schemas a sign-up can take now.
        behind: ready schemas that wait for the wave migrator; no sign-up takes them.
        building, failed: rows in these states, those of waiting organizations too.
        target: how many ready schemas there should be now.
        claims_last_hour: organizations that took a schema, ready or built for them.
        build_ms: mean time of the last builds; None before the first.
        builds_per_second: how fast the pool was filled while it was; None when it was not.
        oldest_building_seconds: age of the oldest build under way; None when there is none.
    """

    ready: int
    behind: int
    building: int
    failed: int
    target: int
    claims_last_hour: int
    build_ms: int | None
    builds_per_second: float | None
    oldest_building_seconds: int | None


def claimable_schemas() -> QuerySet[TenantSchema]:
    """Return the schemas a sign-up can take: ready, and at the version of this code."""
    return TenantSchema.objects.filter(state=SchemaState.READY, schema_version=template_version())


def unowned_schemas() -> QuerySet[TenantSchema]:
    """Return the schemas no organization has or waits for."""
    owner = Organization.objects.filter(id=OuterRef("id"))
    return TenantSchema.objects.filter(~Exists(owner))


def count_wanted_schemas() -> int:
    """Return how many ready schemas there should be now, by the demand of the last minutes.

    minimum + claims of the busiest minute × lead time in minutes, at most READY_SCHEMAS_MOST. The lead time
    is 60 s in which nobody may notice that the pool shrinks, and what the builders need to make up for
    that minute. So a burst is answered by a pool that stands the same burst again.
    """
    least, most = (
        settings.READY_SCHEMAS_TARGET,
        max(settings.READY_SCHEMAS_TARGET, settings.READY_SCHEMAS_MOST),
    )
    claims = _claims_in_the_busiest_minute()
    build_seconds = (_mean_build_ms() or 0) / 1000
    lead = LEAD_SECONDS + claims * build_seconds / max(1, settings.READY_SCHEMAS_BUILDERS)
    return int(min(most, least + -(-claims * lead // 60)))


def get_pool_figures() -> PoolFigures:
    """Return what the console shows of the pool. Eight short statements."""
    now = clock.now()
    rows = TenantSchema.objects.all()
    oldest = rows.filter(state=SchemaState.BUILDING).aggregate(Min("updated_at"))["updated_at__min"]
    build_ms = _mean_build_ms()
    return PoolFigures(
        ready=claimable_schemas().count(),
        behind=rows.filter(state=SchemaState.READY, schema_level__lt=template_level()).count(),
        building=rows.filter(state=SchemaState.BUILDING).count(),
        failed=rows.filter(state=SchemaState.FAILED).count(),
        target=count_wanted_schemas(),
        claims_last_hour=rows.filter(claimed_at__gt=now - timedelta(hours=1)).count(),
        build_ms=None if build_ms is None else round(build_ms),
        builds_per_second=_builds_per_second(),
        oldest_building_seconds=None if oldest is None else round((now - oldest).total_seconds()),
    )


def _claims_in_the_busiest_minute() -> int:
    """Return the most claims that fell into any sixty seconds of the window."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(max(claims), 0) FROM (
                SELECT count(*) OVER (ORDER BY claimed_at RANGE BETWEEN interval '59.999 seconds' PRECEDING
                                      AND CURRENT ROW) AS claims
                  FROM tenants_tenantschema WHERE claimed_at > %s AND claimed_at <= %s) AS minutes
            """,
            [clock.now() - DEMAND_WINDOW, clock.now()],
        )
        return int(cursor.fetchone()[0])


def _last_built() -> QuerySet[TenantSchema]:
    return TenantSchema.objects.filter(built_at__isnull=False).order_by("-built_at")[:_LAST_BUILDS]


def _mean_build_ms() -> float | None:
    found = TenantSchema.objects.filter(id__in=_last_built().values("id")).aggregate(mean=Avg("build_ms"))
    mean: float | None = found["mean"]
    return mean


def _builds_per_second() -> float | None:
    """Return the rate of the last builds, leaving out the pauses between them."""
    instants = sorted(instant for instant in _last_built().values_list("built_at", flat=True) if instant)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(instants)]
    busy = [gap for gap in gaps if gap <= _PAUSE_SECONDS]
    return len(busy) / sum(busy) if sum(busy) > 0 else None
