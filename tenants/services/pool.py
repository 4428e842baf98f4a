"""Keep the pool of ready schemas filled to what is wanted, by several workers at once.

A worker reserves before it builds: in a short transaction under one lock of the database it counts what is
ready and what others build, and writes a `building` row of its own. So workers together never build more than
is wanted, and a killed one leaves a row that the next refill finishes. Claims take no part in that lock.
"""

import time
import uuid
from datetime import timedelta
from enum import Enum

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenants.context import in_public
from tenants.ddl import template_level, template_version
from tenants.enums import RunState, SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.selectors.organizations import count_ready_schemas
from tenants.selectors.pool import claimable_schemas, count_wanted_schemas, unowned_schemas
from tenants.services.pacing import rest_after
from tenants.services.schemas import build_reserved, do_drop_schema, do_lock_schema, reserve_schema

log = structlog.get_logger(__name__)

# A worker locks its row moments after it wrote it, and holds the lock until the schema is there. A row that
# is older and that nobody holds lost its worker. A mistake costs nothing: the second to build finds it built.
ABANDONED_AFTER = timedelta(seconds=10)
# A failed build is tried again by the refill, but not at each of its rounds.
RETRY_AFTER = timedelta(minutes=1)
# With so many failed ones the template or the database is at fault: building more would only fail more.
MOST_FAILED = 3
# Ready schemas beyond this many times READY_SCHEMAS_MOST are dropped; fewer wait for sign-ups.
_FAR_ABOVE = 2
_DROPPED_AT_ONCE = 5
_BUSY_SECONDS = 0.2


class _NoPlace(Enum):
    """Why a worker has nothing to build."""

    FULL = "full"
    BUSY = "busy"
    BROKEN = "broken"


def refill_pool(*, target: int | None = None, wait: bool = False) -> int:
    """Heal what was left, then build ready schemas until the target is reached; return how many were built.

    Args:
        target: number of ready schemas wanted; by demand when None.
        wait: stay while READY_SCHEMAS_BUILDERS others build, instead of leaving it to them.
    """
    heal_pool()
    _drop_useless()
    built = 0
    while True:
        place = _reserve(count_wanted_schemas() if target is None else target)
        if isinstance(place, uuid.UUID):
            started = time.monotonic()
            build_reserved(place, SchemaState.READY)
            built += 1
            if count_ready_schemas() > 1:  # nobody waits for the next one
                rest_after(time.monotonic() - started)
        elif place is _NoPlace.BUSY and wait:
            time.sleep(_BUSY_SECONDS)
            heal_pool()
        else:
            return built


def refill_in_public(target: int | None = None) -> int:
    """Refill from a place that stands in no scope yet (commands, demo), staying until it is full."""
    with in_public():
        return refill_pool(target=target, wait=True)


def heal_pool() -> int:
    """Finish the schemas whose worker is gone, and those that failed a while ago; return how many.

    One that an organization waits for becomes its own and is never for others to claim.
    """
    now = clock.now()
    lost = TenantSchema.objects.filter(
        Q(state=SchemaState.BUILDING, updated_at__lt=now - ABANDONED_AFTER)
        | Q(state=SchemaState.FAILED, updated_at__lt=now - RETRY_AFTER)
    )
    healed = 0
    for identifier in list(lost.order_by("id").values_list("id", flat=True)):
        try:
            healed += build_again(identifier)
        except DatabaseError:
            continue  # its row says why; the next must get its turn
    return healed


def build_again(identifier: uuid.UUID) -> bool:
    """Build a schema whose build was cut off or failed; False when another worker is at it.

    Raises:
        DatabaseError: it failed again; the row says why.
    """
    owned = Organization.objects.filter(id=identifier).exists()
    reserve_schema(identifier)
    state = SchemaState.CLAIMED if owned else SchemaState.READY
    return build_reserved(identifier, state, wait=False) is not None


def do_restart_build(identifier: uuid.UUID) -> tuple[TenantSchema, str]:
    """Put a failed schema back to `building`; return its locked row and the state it was in.

    Other states stay as they are. The task that builds it, or when that is lost the next refill, does the
    rest. Needs an open transaction.
    """
    require_transaction()
    row = do_lock_schema(identifier)
    was = row.state
    if was == SchemaState.FAILED:
        row.state = SchemaState.BUILDING
        row.save_fields("state")
    return row, was


def _reserve(target: int) -> uuid.UUID | _NoPlace:
    """Write the row of one more schema and return its id, or say why there is to be none."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tenants.pool', 0))")
        unowned = unowned_schemas()
        building = unowned.filter(
            state=SchemaState.BUILDING, updated_at__gte=clock.now() - ABANDONED_AFTER
        ).count()
        if claimable_schemas().count() + building >= target:
            return _NoPlace.FULL
        failed = unowned.filter(state=SchemaState.FAILED).count()
        if failed >= MOST_FAILED:
            log.error("pool_broken", failed=failed)
            return _NoPlace.BROKEN
        if building >= settings.READY_SCHEMAS_BUILDERS:
            return _NoPlace.BUSY
        identifier = new_id()
        reserve_schema(identifier)
        return identifier


def _drop_useless() -> None:
    """Drop ready schemas nobody can ever claim, and some of those far above any target.

    One that is merely behind waits for the wave migrator. It goes when its migration failed and no run is
    there to try again, or when it went through as many migrations as the code knows, but others.
    """
    ready = TenantSchema.objects.filter(state=SchemaState.READY)
    useless = Q(schema_level=template_level()) & ~Q(schema_version=template_version())
    if not MigrationRun.objects.filter(state__in=(RunState.RUNNING, RunState.STOPPING)).exists():
        useless |= Q(schema_level__lt=template_level()) & ~Q(migration_error="")
    doomed = list(ready.filter(useless).order_by("id").values_list("id", flat=True))
    surplus = claimable_schemas().count() - _FAR_ABOVE * settings.READY_SCHEMAS_MOST
    if surplus > 0:
        # The newest: a claim takes the oldest.
        newest = claimable_schemas().order_by("-id").values_list("id", flat=True)
        doomed += list(newest[: min(surplus, _DROPPED_AT_ONCE)])
    for identifier in doomed:
        with transaction.atomic(durable=True):
            row = (
                TenantSchema.objects.select_for_update(skip_locked=True)
                .filter(id=identifier, state=SchemaState.READY)
                .first()
            )
            if row is not None:
                log.info("ready_schema_dropped", schema=row.schema_name, error=row.migration_error[:200])
                do_drop_schema(row)
