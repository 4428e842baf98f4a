"""Outgrowing one machine: what is sent to a Citus cluster, and that it makes the same schemas.

There is no cluster here. Its catalogue and the four functions we call are stood in for by tables and
functions in `public`, so that our own statements run for real; docs/operators/citus.md says what to run on a
real one.
"""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings, settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import DO_NOTHING, ForeignKey, Model
from django.db.models.fields import PositiveIntegerField

from shared_apps.core.errors import NotFound
from tenants.context import migrating_schema
from tenants.ddl import template_script
from tenants.errors import NodeUnfit, NotACluster
from tenants.models import Organization, TenantSchema
from tenants.placement import cluster, moving
from tenants.placement.moving import Progress, list_standings, move_to_wanted, want_on_node
from tenants.placement.tables import REFERENCE_TABLES, placings
from tenants.postgresql.citus import (
    NEW_SCHEMA_SETTINGS,
    TRANSACTION_SETTINGS,
    cluster_messages,
    single_statements,
)
from tenants.services import schemas
from tenants.services.schemas import build_schema
from tenants.services.template import SCRATCH_SCHEMA, dump_schema, migrate_by_django

STAND_IN = """
CREATE TABLE standin_schema (name text PRIMARY KEY, node int NOT NULL);
CREATE TABLE standin_call (id int GENERATED ALWAYS AS IDENTITY, call text NOT NULL);
CREATE TABLE standin_moving (name text, arrived int);
CREATE TABLE pg_dist_node (nodeid int, nodename text, nodeport int, noderole text, isactive bool,
                           shouldhaveshards bool);
INSERT INTO pg_dist_node VALUES (1, 'coordinator', 5432, 'primary', true, false),
    (2, 'one', 5432, 'primary', true, true), (3, 'two', 5432, 'primary', true, true),
    (4, 'down', 5432, 'primary', false, true), (5, 'one-standby', 5432, 'secondary', true, true);
CREATE TABLE citus_tables (table_name regclass, citus_table_type text);
CREATE VIEW citus_schemas AS
    SELECT n.oid::regnamespace AS schema_name, n.oid::int AS colocation_id
      FROM standin_schema s JOIN pg_namespace n ON n.nspname = s.name;
CREATE VIEW citus_shards AS
    SELECT c.oid::regclass AS table_name, n.oid::int AS colocation_id, 'schema' AS citus_table_type,
           d.nodename, d.nodeport, 8192::bigint AS shard_size
      FROM standin_schema s JOIN pg_namespace n ON n.nspname = s.name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' JOIN pg_dist_node d ON d.nodeid = s.node;
CREATE FUNCTION get_rebalance_progress() RETURNS TABLE (table_name regclass, source_shard_size bigint,
    target_shard_size bigint) LANGUAGE sql AS
    $$SELECT (quote_ident(name) || '.people_member')::regclass, 200::bigint, arrived::bigint
        FROM standin_moving$$;
CREATE FUNCTION create_reference_table(t regclass) RETURNS void LANGUAGE sql AS
    $$INSERT INTO citus_tables VALUES (t, 'reference');
      INSERT INTO standin_call (call) VALUES ('reference ' || t)$$;
CREATE FUNCTION create_distributed_function(f regprocedure) RETURNS void LANGUAGE sql AS
    $$INSERT INTO standin_call (call) VALUES ('function ' || f)$$;
CREATE FUNCTION citus_schema_distribute(s regnamespace) RETURNS void LANGUAGE sql AS
    $$INSERT INTO standin_schema VALUES (s::text, 2);
      INSERT INTO standin_call (call) VALUES ('distribute ' || s)$$;
CREATE FUNCTION citus_schema_move(schema_id regnamespace, target_node_id int) RETURNS void LANGUAGE sql AS
    $$UPDATE standin_schema SET node = target_node_id WHERE name = schema_id::text;
      INSERT INTO standin_call (call) VALUES ('move ' || schema_id || ' ' || target_node_id)$$;
"""


def rows_of(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def calls() -> list[str]:
    return [call for (call,) in rows_of("SELECT call FROM standin_call ORDER BY id")]


@pytest.fixture
def on_cluster(committed: None, settings: LazySettings) -> Iterator[None]:
    """The database declared a cluster, with a stand-in for its catalogue; nodes 2 and 3 take schemas."""
    settings.DATABASE_CITUS = True
    with connection.cursor() as cursor:
        cursor.execute(STAND_IN)
    yield
    # Roles belong to the server and outlive the test's database.
    with connection.cursor() as cursor:
        for name in TenantSchema.objects.exclude(state="dropped").values_list("schema_name", flat=True):
            cursor.execute(f'ALTER ROLE "{name}" NOLOGIN')


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("placement", *arguments, stdout=out)
    return out.getvalue()


# --- Without a cluster -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "act", [["status"], ["nodes"], ["distribute", "all"], ["move", "acme", "2"], ["resume"]]
)
def test_plain_postgres_is_refused_with_the_reason(
    committed: None, settings: LazySettings, act: list[str]
) -> None:
    with pytest.raises(CommandError, match=r"not a Citus cluster.*DATABASE_CITUS is not set"):
        command(*act)
    settings.DATABASE_CITUS = True
    with pytest.raises(
        CommandError, match="the extension citus, version 12 or newer, is not in the database"
    ):
        command(*act)
    assert set(Organization.objects.values_list("placement", flat=True)) == {"primary"}


def test_the_task_refuses_too(acme: Organization) -> None:
    with pytest.raises(NotACluster):
        move_to_wanted(organization_id=acme.id)


# --- Shared tables ---------------------------------------------------------------------------


def test_every_shared_table_has_its_place(shared: None) -> None:
    real = {name for (name,) in rows_of("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert set(placings()) == real


def test_what_tenants_tables_are_joined_with_is_on_every_node() -> None:
    tenant_apps = {
        config.label for config in apps.get_app_configs() if config.name in set(settings.TENANT_APPS)
    }
    pointed = {
        target._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in tenant_apps
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and isinstance(target := field.related_model, type)
        and issubclass(target, Model)
        and target._meta.app_label not in tenant_apps
    }
    # Whoever adds to these decides: is it written so rarely that each node can have it?
    assert pointed - REFERENCE_TABLES == {"accounts_user", "accounts_membership", "auth_group"}
    assert pointed >= REFERENCE_TABLES


# --- The DDL ---------------------------------------------------------------------------------


def test_the_template_is_cut_into_its_statements() -> None:
    script = template_script()
    parts = single_statements(script)
    begins = re.compile(r"(CREATE (TABLE|INDEX|UNIQUE INDEX|TRIGGER)|ALTER TABLE|INSERT INTO)\b")
    body = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    assert [part for part in parts if not begins.match(re.sub(r"^(--.*\n)+", "", part))] == []
    assert len(parts) == len(re.findall(r";$", body, re.MULTILINE))


def test_a_transaction_is_cut_outside_its_blocks_and_strings() -> None:
    sent = """BEGIN;
SET LOCAL lock_timeout = 5;
DO $palaestra$ BEGIN
  UPDATE a SET b = 'x;y' WHERE c; IF NOT FOUND THEN RAISE EXCEPTION 'gone'; END IF;
END $palaestra$
;ALTER TABLE "a" ADD COLUMN "d" text DEFAULT 'p; q' NOT NULL
;INSERT INTO a VALUES ('1'), ('2');
COMMIT"""
    parts = cluster_messages(sent)
    assert parts[:4] == ["BEGIN", *TRANSACTION_SETTINGS, "SET LOCAL lock_timeout = 5"]
    assert [part.split()[0] for part in parts[4:]] == ["DO", "ALTER", "INSERT", "COMMIT"]
    assert parts[4].endswith("END $palaestra$")


@pytest.mark.slow
def test_a_schema_built_one_statement_at_a_time_is_the_same(
    committed: None, acme: Organization, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_CITUS = True
    sent: list[str] = []

    def cut(text: str) -> list[str]:
        sent.extend(single_statements(text))
        return sent

    monkeypatch.setattr(schemas, "single_statements", cut)
    built = build_schema()
    assert dump_schema(built.schema_name) == dump_schema(acme.schema_name)
    assert sent[0].startswith("CREATE ROLE")
    assert sent[-1].startswith("GRANT")
    assert all(";" not in part for part in sent if not part.startswith("INSERT"))
    assert "SET LOCAL citus.enable_schema_based_sharding TO on" in NEW_SCHEMA_SETTINGS


@pytest.mark.slow
def test_the_clusters_schema_editor_makes_the_same_schema(
    committed: None, acme: Organization, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.features, "supports_combined_alters", True)  # put back afterwards
    settings.DATABASE_CITUS = True
    migrate_by_django(SCRATCH_SCHEMA)
    assert dump_schema(SCRATCH_SCHEMA) == dump_schema(acme.schema_name)


def altered(acme: Organization, monkeypatch: pytest.MonkeyPatch, work: Any) -> list[str]:
    """Return the statements of a change to acme's tables, which is executed."""
    monkeypatch.setattr(connection.features, "supports_combined_alters", True)
    sent: list[str] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        sent.append(statement)
        return execute(statement, parameters, many, context)

    with (
        migrating_schema(acme.schema_name),
        connection.execute_wrapper(note),
        connection.schema_editor(atomic=False) as editor,
    ):
        work(editor)
    return [statement for statement in sent if not statement.lstrip().startswith("SELECT")]


def test_a_column_with_a_check_gets_it_by_a_statement_of_its_own(
    acme: Organization, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = apps.get_model("courses", "Module")
    field = PositiveIntegerField(default=3)
    field.set_attributes_from_name("weight")

    def add(editor: Any) -> None:
        editor.add_field(model, field)

    settings.DATABASE_CITUS = True
    assert altered(acme, monkeypatch, add) == [
        'ALTER TABLE "courses_module" ADD COLUMN "weight" integer DEFAULT 3 NOT NULL',
        'ALTER TABLE "courses_module" ALTER COLUMN "weight" DROP DEFAULT',
        'ALTER TABLE "courses_module" ADD CONSTRAINT "courses_module_weight_check" CHECK ("weight" >= 0)',
    ]
    settings.DATABASE_CITUS = False
    named = (
        "SELECT conname FROM pg_constraint"
        " WHERE connamespace = %s::regnamespace AND contype = 'c' AND conname LIKE '%%module_weight%%'"
    )
    mine = rows_of(named, acme.schema_name)
    assert mine == [("courses_module_weight_check",)]
    with migrating_schema(acme.schema_name), connection.schema_editor(atomic=False) as editor:
        editor.remove_field(model, field)
        editor.add_field(model, field)  # as everywhere else: PostgreSQL gives it the same name
    assert rows_of(named, acme.schema_name) == mine


def test_a_key_comes_after_its_column_and_no_message_has_two_statements(
    acme: Organization, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = apps.get_model("courses", "Module")
    field: Any = ForeignKey(model, null=True, on_delete=DO_NOTHING, related_name="+")
    field.set_attributes_from_name("parent")
    field.model = model
    settings.DATABASE_CITUS = True
    sent = altered(acme, monkeypatch, lambda editor: editor.add_field(model, field))
    assert sent[0] == 'ALTER TABLE "courses_module" ADD COLUMN "parent_id" uuid NULL'
    assert any("ADD CONSTRAINT" in statement and "FOREIGN KEY" in statement for statement in sent[1:])
    sent += altered(acme, monkeypatch, lambda editor: editor.remove_field(model, field))
    assert [statement for statement in sent if ";" in statement.rstrip(";")] == []


# --- On a cluster ----------------------------------------------------------------------------


def test_all_schemas_are_distributed_once_ready_ones_too(on_cluster: None) -> None:
    kept = TenantSchema.objects.filter(state__in=("ready", "claimed")).order_by("id")
    names = list(kept.values_list("schema_name", flat=True))
    assert "8 schemas distributed" in command("distribute", "all")
    assert calls() == [
        "reference django_content_type",
        "reference auth_permission",
        "function pass_on_completion()",
        "function refuse_change()",
        "function refuse_frozen_content()",
        "function refuse_frozen_version()",
        *[f"distribute {name}" for name in names],
    ]
    assert "0 schemas distributed" in command("distribute", "all")
    assert [call for call in calls() if call.startswith("reference")] == calls()[:2]


def test_a_distribution_that_was_cut_off_goes_on_with_what_is_left(
    on_cluster: None, acme: Organization
) -> None:
    whole = moving.distribute_schemas()
    first = [next(whole), next(whole)]
    del whole
    rest = list(moving.distribute_schemas())
    assert len(first) + len(rest) == len(set(first + rest)) == 8


def test_status_says_where_everybody_stands(
    on_cluster: None, acme: Organization, globex: Organization
) -> None:
    assert [standing.progress for standing in list_standings()] == [Progress.COORDINATOR] * 2
    command("distribute", "acme")
    found = {standing.slug: standing for standing in list_standings()}
    assert (found["acme"].node, found["acme"].progress) == (2, Progress.PLACED)
    assert (found["globex"].node, found["globex"].progress) == (None, Progress.COORDINATOR)
    want_on_node(slug="acme", node="two")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO standin_moving VALUES (%s, 50)", [acme.schema_name])
    shown = command("status", "acme")
    assert "node 2" in shown
    assert "moving 25 % wanted on node 3" in shown
    with pytest.raises(NotFound):
        list_standings(slug="nobody")


def test_nodes_say_what_they_hold(on_cluster: None, acme: Organization) -> None:
    command("distribute", "acme")
    assert [(node.id, node.schemas, node.takes_schemas) for node in cluster.nodes()] == [
        (1, 0, False),
        (2, 1, True),
        (3, 0, True),
        (4, 0, True),
    ]
    shown = command("nodes")
    assert "one:5432  active, takes schemas  1 schemas" in shown
    assert "down:5432  not active" in shown
    assert "standby" not in shown


@pytest.mark.parametrize("node", ["3", "two", "two:5432"])
def test_a_schema_is_moved_to_the_node_that_was_asked_for(
    on_cluster: None, acme: Organization, node: str
) -> None:
    command("distribute", "acme")
    assert command("move", "acme", node, "--wait") == "moved\n"
    assert calls()[-1] == f"move {acme.schema_name} 3"
    assert command("move", "acme", node, "--wait") == "it stands there already\n"
    assert [call for call in calls() if call.startswith("move")] == [f"move {acme.schema_name} 3"]


def test_one_that_stands_on_the_coordinator_is_distributed_first(
    on_cluster: None, acme: Organization
) -> None:
    command("move", "acme", "3", "--wait")
    assert calls()[-2:] == [f"distribute {acme.schema_name}", f"move {acme.schema_name} 3"]


@pytest.mark.parametrize("node", ["1", "coordinator", "4", "down", "5", "one-standby", "9"])
def test_a_node_that_takes_none_is_refused_and_nothing_is_noted(
    on_cluster: None, acme: Organization, node: str
) -> None:
    with pytest.raises(NodeUnfit) as refused:
        want_on_node(slug="acme", node=node)
    assert refused.value.facts["fit"] == [2, 3]
    acme.refresh_from_db()
    assert acme.placement == "primary"


def test_a_move_that_failed_or_was_killed_is_taken_up_again(
    on_cluster: None, acme: Organization, globex: Organization
) -> None:
    # given a move that the cluster broke off
    command("distribute", "all")
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION citus_schema_move RENAME TO citus_schema_move_away")
    with pytest.raises(CommandError, match="the cluster refused"):
        command("move", "acme", "3", "--wait")
    acme.refresh_from_db()
    assert acme.placement == "node:3"
    assert "waiting wanted on node 3" in command("status", "acme")

    # when moves are taken up again, twice
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION citus_schema_move_away RENAME TO citus_schema_move")
    assert command("resume") == "1 moved\n"
    assert command("resume") == "0 moved\n"

    # then it moved once, and nobody else did
    assert [call for call in calls() if call.startswith("move")] == [f"move {acme.schema_name} 3"]
    assert "placed wanted on node 3" in command("status", "acme")


def test_without_wait_a_worker_does_it(
    on_cluster: None, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "tenants.management.commands.placement.enqueue",
        lambda name, organization_id, **arguments: sent.append((name, arguments)),
    )
    command("distribute", "acme")
    command("move", "acme", "3")
    assert sent == [("tenants.move_to_wanted", {"schema_id": acme.id})]
    assert list_standings(slug="acme")[0].progress is Progress.WAITING
    assert move_to_wanted(organization_id=acme.id) is True
    assert move_to_wanted(organization_id=acme.id) is False  # the task came twice


def test_new_schemas_are_on_a_node_from_their_build_on(on_cluster: None) -> None:
    built = build_schema()
    assert calls() == []  # the cluster does it when the schema is made, by the setting of the transaction
    assert rows_of("SELECT 1 FROM pg_namespace WHERE nspname = %s", built.schema_name) == [(1,)]


def test_roles_can_be_used_between_nodes(on_cluster: None, acme: Organization) -> None:
    sign_in = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
    connection.cursor().execute(f"ALTER ROLE {acme.schema_name} NOLOGIN")
    command("distribute", "acme")
    assert rows_of(sign_in, acme.schema_name) == [(True,)]
    assert rows_of(sign_in, build_schema().schema_name) == [(True,)]


def test_an_error_of_the_cluster_is_said_as_it_is(on_cluster: None, acme: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION citus_schema_move")
    command("distribute", "acme")
    want_on_node(slug="acme", node="3")
    with pytest.raises(DatabaseError):
        move_to_wanted(organization_id=acme.id)
