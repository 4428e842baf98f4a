"""Background work on the registry."""

import uuid

import structlog
from celery import shared_task

from tenants.placement.moving import move_to_wanted
from tenants.services.migrating.errors import NoRun, RunGoingOn, RunLost, SessionNeeded
from tenants.services.migrating.migrator import (
    failed_only,
    migrate_latecomers,
    migrate_tenants,
    resume_migration,
)
from tenants.services.migrating.options import usual_options
from tenants.services.pool import build_again, refill_pool
from tenants.task_base import PlatformTask

log = structlog.get_logger(__name__)

# A run takes as long as it takes; its tenants' statements are bounded, and its heartbeat shows that it lives.
_LONGEST_RUN_SECONDS = 6 * 3600


@shared_task(name="tenants.refill_ready_schemas", base=PlatformTask)
def refill_ready_schemas() -> int:
    """Keep the pool of ready schemas at what is wanted; return how many were built."""
    return refill_pool()


@shared_task(name="tenants.build_again", base=PlatformTask)
def build_schema_again(schema_id: str) -> bool:
    """Build a schema that an operator asked to be built again; tell whether it is there."""
    return build_again(uuid.UUID(schema_id))


@shared_task(
    name="tenants.migrate",
    base=PlatformTask,
    time_limit=_LONGEST_RUN_SECONDS + 60,
    soft_time_limit=_LONGEST_RUN_SECONDS,
)
def migrate(act: str, started_by: str) -> str:
    """Go on with the last run of the migrator, or take those that failed again; return how it ended.

    Sent twice, or while another process works, it does nothing: one run at a time.
    """
    try:
        if act == "resume":
            return resume_migration(started_by=started_by, report=lambda _: None).state
        run = migrate_tenants(failed_only(usual_options()), started_by=started_by, report=lambda _: None)
    except (NoRun, RunGoingOn, RunLost, SessionNeeded) as refused:
        log.warning("migration_not_run", act=act, reason=str(refused))
        return ""
    return run.state if run else ""


@shared_task(name="tenants.move_to_wanted", base=PlatformTask)
def move_schema_to_wanted(schema_id: str) -> bool:
    """Move an organization's schema to the node it is wanted on; tell whether there was anything to do."""
    return move_to_wanted(organization_id=uuid.UUID(schema_id))


@shared_task(name="tenants.migrate_latecomers", base=PlatformTask)
def migrate_those_who_came_late() -> int:
    """Migrate tenants that the release before made after the run of this one; return how many there were."""
    try:
        run = migrate_latecomers(started_by="beat")
    except (RunGoingOn, RunLost):
        return 0
    except SessionNeeded as refused:  # the run is stopped: from now on it waits for an operator
        log.error("migration_not_run", act="latecomers", reason=str(refused))
        return 0
    return run.done if run else 0
