"""Operators act on the runs of the tenants' migrator.

A run begins at a deployment, with the new release's `manage.py migrate_tenants`. From the console it can be
stopped, gone on with and its failures tried again; a worker does that, and refuses a run of other code.
"""

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from tenants.ddl import migrations_level
from tenants.models import MigrationRun
from tenants.selectors.migrations import failed_schemas
from tenants.services.migrating.errors import NoRun
from tenants.services.migrating.runs import do_check_resumable, do_stop_run

TASK = "tenants.migrate"


def stop_migration(*, actor: Actor) -> MigrationRun:
    """Ask the run at work to stop after the tenants in hand.

    Raises:
        NoRun: none is at work.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        run = do_stop_run()
        do_record(actor=actor, action="migrations.stop", organization_id=None, target=run)
    return run


def go_on_with_migration(*, actor: Actor) -> MigrationRun:
    """Have a worker go on with the last run, which was stopped, failed or lost its process.

    Raises:
        NoRun, RunGoingOn, RunOfOtherCode: see `tenants.services.migrating.runs.resume_run`.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        run = do_check_resumable()
        do_record(actor=actor, action="migrations.resume", organization_id=None, target=run)
        enqueue(TASK, organization_id=None, act="resume", started_by=actor.label)
    return run


def retry_failed_migrations(*, actor: Actor) -> int:
    """Have a worker migrate those tenants again whose last migration failed; return how many there are.

    Raises:
        NoRun: none failed.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        # Those that only a newer release's migrations fail at are that release's to try.
        failed = failed_schemas().filter(schema_level__lt=migrations_level()).count()
        if not failed:
            raise NoRun(failed=0)
        do_record(
            actor=actor, action="migrations.retry_failed", organization_id=None, changes={"failed": failed}
        )
        enqueue(TASK, organization_id=None, act="retry_failed", started_by=actor.label)
    return failed
