"""Refusals of the migrator. Operators read them on the command line and in the console."""

from shared_apps.core.errors import Conflict, InvalidInput, NotFound


class MigrationUnknown(InvalidInput):
    """The code has no such migration or level. Facts: what was asked, and what there is."""

    code = "migration_unknown"
    title = "There is no such migration of the tenants."
    advice = "`manage.py migrate_tenants plan` shows them in order with their levels."


class MigrationIrreversible(Conflict):
    """A migration on the way back is marked as one without. Facts: `migration`."""

    code = "migration_irreversible"
    title = "This migration has no way back."
    advice = "Repair forward, with another migration."


class OrganizationsUnknown(InvalidInput):
    """Somebody who is to be migrated, or to go first, does not exist. Facts: `unknown`, their slugs."""

    code = "organizations_unknown"
    title = "There are no such organizations."
    advice = "Check the slugs, and the setting MIGRATION_CANARIES."


class RegistryDiffers(Conflict):
    """The registry has a schema that the database has not. Facts: `schema`."""

    code = "registry_differs"
    title = "The database has no such schema."
    advice = "Restore it, or delete its organization."


class SharedTablesBehind(Conflict):
    """The shared schema lacks migrations that the tenants' stand on. Facts: `missing`."""

    code = "shared_tables_behind"
    title = "The shared schema is not migrated."
    advice = "Run `manage.py migrate` first, or leave out --without-public."


class RunGoingOn(Conflict):
    """Another run is at work. Facts: `run`, `by`, `heartbeat_seconds`."""

    code = "migration_run_going_on"
    title = "A migration run is going on."
    advice = "Wait for its end, wait with --wait, or stop it with `manage.py migrate_tenants stop`."


class RunOfOtherCode(Conflict):
    """The run was started by code with other migrations than this process has. Facts: `run_version`."""

    code = "migration_run_of_other_code"
    title = "This run belongs to another release."
    advice = "Go on with it from that release's `manage.py migrate_tenants resume`, or start a new run."


class SessionNeeded(Conflict):
    """A migration outside of transactions holds a lock of the session, which no session keeps behind a pooler
    in transaction mode. Facts: `migration`."""

    code = "migration_needs_session"
    title = "This migration needs a connection past the pooler."
    advice = "Set DATABASE_DIRECT_URL and run `manage.py migrate_tenants` by hand: workers do not use it."


class NoRun(NotFound):
    """There is no run in a state that allows what was asked."""

    code = "no_migration_run"
    title = "There is no migration run to do this with."
    advice = "`manage.py migrate_tenants status` shows the last one."


class RunLost(Exception):
    """Another process took this run over, since this one showed no sign of life."""
