"""Expand and contract, checked on the SQL of migrations by squawk.

While a release is rolled out, the code before it works on the tables after it. So a migration may add what
that code does not notice (expand); what it uses may only be taken away, renamed or made stricter (contract)
a release later, by a migration that says so:

    class Migration(migrations.Migration):
        contract_of = "courses.0007_new_way"  # released before: since then nothing uses the old column
"""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations import AlterField, Migration
from django.db.migrations.loader import MigrationLoader
from django.db.models import CharField

from tenants.context import migrating_schema
from tenants.ddl import tenant_app_labels
from tenants.models import Organization

REGISTER = Path(__file__).with_name("migrations.toml")

# What the code before would fail on.
BREAKING = {
    "adding-required-field": "give the column null=True or a db_default: the code before inserts without it",
    "ban-drop-default": "use db_default: Django drops a plain default; the code before inserts without it",
    "adding-not-nullable-field": "the code before writes nulls; constrain a release later",
    "ban-drop-column": "the code before reads it; drop a release later",
    "ban-drop-table": "the code before reads it; drop a release later",
    "renaming-column": "the code before knows the old name; add the new one beside it",
    "renaming-table": "the code before knows the old name; add the new one beside it",
    "changing-column-type": "the code before knows the old type; add a column beside it",
    "ban-char-field": "use text or varchar",
    "ban-truncate-cascade": "empties tables nobody named",
    "ban-drop-database": "never",
}
# What keeps the tables that all tenants share from being used while it goes on. A tenant's own are small, and
# the migrator's lock_timeout bounds the waiting.
BLOCKING = {
    "require-concurrent-index-creation": "AddIndexConcurrently in a migration of its own, atomic = False",
    "require-concurrent-index-deletion": "RemoveIndexConcurrently in a migration of its own, atomic = False",
    "constraint-missing-not-valid": "add it NOT VALID, validate in the next migration",
    "disallowed-unique-constraint": "make a unique index concurrently",
}
# Rules a contract step may break.
CONTRACTING = frozenset(BREAKING) - {"ban-truncate-cascade", "ban-drop-database", "ban-char-field"}


@dataclass(frozen=True, slots=True)
class Register:
    """Which migrations are old.

    Attributes:
        exempt: from before this check; the list only shrinks.
        released: those of releases, which a contract step may name.
    """

    exempt: frozenset[str]
    released: frozenset[str]


def read_register() -> Register:
    """Return what migrations.toml says."""
    document = tomllib.loads(REGISTER.read_text())
    return Register(frozenset(document["exempt"]), frozenset(document["released"]))


def own_migrations() -> dict[str, Migration]:
    """Return the migrations of our own apps, by `app.name`."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    root = Path(settings.BASE_DIR)
    folders = [*root.glob("*_apps/*/migrations"), root / "tenants/migrations", root / "billing/migrations"]
    labels = {folder.parent.name for folder in folders}
    return {
        f"{app}.{name}": migration
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in labels
    }


def violations(migration: Migration, organization: Organization, register: Register) -> list[str]:
    """Return what is wrong with a migration, a line each: `rule: what to do`.

    Args:
        organization: one in whose schema a tenant migration's statements are looked up.
    """
    is_tenants = migration.app_label in tenant_app_labels()
    # No release before uses the tables of an app that no release has.
    is_released = migration.app_label in {name.partition(".")[0] for name in register.released}
    rules = (BREAKING if is_released else {}) | ({} if is_tenants else BLOCKING)
    if only_widens(migration):
        rules = {rule: advice for rule, advice in rules.items() if rule != "changing-column-type"}
    contract_of = getattr(migration, "contract_of", None)
    found = {rule for rule in squawk(statements(migration, organization), migration.atomic) if rule in rules}
    if contract_of is not None:
        if contract_of not in register.released:
            return [f"contract_of: {contract_of} is not released yet, so the code before still uses the old"]
        found -= CONTRACTING
    return [f"{rule}: {rules[rule]}" for rule in sorted(found)]


def only_widens(migration: Migration) -> bool:
    """Tell whether every changed type is a varchar that gets longer: neither the code before nor the table
    notices."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    state = loader.project_state(
        [name for name in migration.dependencies if name[0] == migration.app_label] or None, at_end=True
    )
    changed = [each for each in migration.operations if isinstance(each, AlterField)]
    for each in changed:
        before = state.models[migration.app_label, each.model_name_lower].fields[each.name]
        if type(before) is not type(each.field) or not isinstance(before, CharField):
            return False
        if (before.max_length or 0) > (each.field.max_length or 0):
            return False
    return bool(changed)


def statements(migration: Migration, organization: Organization) -> str:
    """Return the SQL of a migration as Django would send it."""
    loader = MigrationLoader(connection, replace_migrations=False)
    if migration.app_label not in tenant_app_labels():
        return "\n".join(loader.collect_sql([(migration, False)]))
    # Nothing is executed; what runs outside of transactions insists on there being none all the same.
    with migrating_schema(organization.schema_name):
        return "\n".join(loader.collect_sql([(migration, False)]))


def squawk(sql: str, is_transaction: bool) -> list[str]:
    """Return the names of squawk's rules that the SQL breaks."""
    command = [str(Path(sys.executable).with_name("squawk")), "--reporter", "json", "--pg-version", "16"]
    if is_transaction:
        command.append("--assume-in-transaction")
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout.strip().startswith("["):
        raise RuntimeError(f"squawk failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    reported: list[dict[str, Any]] = json.loads(done.stdout)
    return [str(each["rule_name"]) for each in reported]
