"""What the cluster says of itself, and the calls that change it. Every function needs the shared scope."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from psycopg import sql

from tenants.errors import NotACluster
from tenants.postgresql.citus import ROLE_ON_CLUSTER, TRANSACTION_SETTINGS


@dataclass(frozen=True, slots=True)
class Node:
    """One node that holds organizations' schemas.

    Attributes:
        id: the cluster's number for it, which stays when its address changes.
        schemas: how many stand there.
        bytes: what they take.
    """

    id: int
    name: str
    port: int
    is_active: bool
    takes_schemas: bool
    schemas: int
    bytes: int


def check_cluster() -> None:
    """Refuse to go on where there is no cluster.

    Raises:
        NotACluster: `DATABASE_CITUS` is off, or the database lacks the extension. Facts: `why`.
    """
    if not settings.DATABASE_CITUS:
        raise NotACluster(why="DATABASE_CITUS is not set")
    # citus_schema_distribute came with Citus 12, the first that shards by schema.
    if not _rows("SELECT 1 WHERE to_regproc('citus_schema_distribute') IS NOT NULL"):
        raise NotACluster(why="the extension citus, version 12 or newer, is not in the database")


def nodes() -> list[Node]:
    """Return the primary nodes, by number."""
    found = _rows(
        """
        SELECT n.nodeid, n.nodename, n.nodeport, n.isactive, n.shouldhaveshards,
               count(DISTINCT s.schema_name), coalesce(sum(s.bytes), 0)
          FROM pg_dist_node n
          LEFT JOIN (SELECT split_part(table_name::text, '.', 1) AS schema_name, nodename, nodeport,
                            sum(shard_size) AS bytes
                       FROM citus_shards WHERE citus_table_type = 'schema' GROUP BY 1, 2, 3) s
            ON s.nodename = n.nodename AND s.nodeport = n.nodeport
         WHERE n.noderole = 'primary'
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 1
        """
    )
    return [Node(*row) for row in found]  # type: ignore[arg-type]  # the columns as they are listed


def nodes_of_schemas() -> dict[str, int]:
    """Return the node's number for each schema that the cluster distributes; 0 for one without tables."""
    found = _rows(
        """
        SELECT c.schema_name::text, coalesce(min(n.nodeid), 0)
          FROM citus_schemas c
          LEFT JOIN citus_shards s ON s.colocation_id = c.colocation_id
          LEFT JOIN pg_dist_node n
            ON n.nodename = s.nodename AND n.nodeport = s.nodeport AND n.noderole = 'primary'
         GROUP BY 1
        """
    )
    return {str(name): int(str(node)) for name, node in found}


def moves_under_way() -> dict[str, int]:
    """Return the schemas that are being moved, with how much of each has arrived, in percent."""
    found = _rows(
        """
        SELECT split_part(table_name::text, '.', 1),
               (100 * coalesce(sum(target_shard_size), 0) / greatest(sum(source_shard_size), 1))::int
          FROM get_rebalance_progress() GROUP BY 1
        """
    )
    return {str(name): min(100, int(str(percent))) for name, percent in found}


def place_shared_table(table: str) -> bool:
    """Copy a shared table to each node; return False when it is there already. Safe to repeat."""
    if _rows(
        "SELECT 1 FROM citus_tables WHERE table_name = to_regclass(%s) AND citus_table_type = 'reference'",
        f"public.{table}",
    ):
        return False
    _call("SELECT create_reference_table(%s::regclass)", f"public.{table}")
    return True


def place_functions() -> list[str]:
    """Make the functions that tenants' triggers call on each node; return their names. Safe to repeat."""
    found = _rows(
        """
        SELECT p.oid::regprocedure::text FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'trigger'::regtype
           AND EXISTS (SELECT 1 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                         JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE t.tgfoid = p.oid AND n.nspname LIKE 't\\_%')
         ORDER BY 1
        """
    )
    for (name,) in found:
        _call("SELECT create_distributed_function(%s::regprocedure)", str(name))
    return [str(name) for (name,) in found]


def distribute(schema_name: str) -> None:
    """Give a schema of the coordinator to the node that the cluster chooses.

    Its tables are locked against writing meanwhile: seconds for one without many rows.
    """
    with connection.cursor() as cursor:
        for statement in TRANSACTION_SETTINGS:
            cursor.execute(statement)
        role = sql.Identifier(schema_name)
        cursor.execute(sql.SQL(f"ALTER ROLE {{}} {ROLE_ON_CLUSTER}").format(role))
        cursor.execute("SELECT citus_schema_distribute(%s::regnamespace)", [quoted(schema_name)])


def move(schema_name: str, node_id: int) -> None:
    """Move a schema to a node while it is used. Writers wait for moments at the end.

    Must not run inside a transaction of ours, which would hold the locks until its end.
    """
    _call(
        "SELECT citus_schema_move(schema_id => %s::regnamespace, target_node_id => %s)",
        quoted(schema_name),
        node_id,
    )


def quoted(schema_name: str) -> str:
    """Return the name as `regnamespace` reads it."""
    return str(sql.Identifier(schema_name).as_string(None))


def _call(statement: str, *parameters: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _rows(statement: str, *parameters: str | int) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        # None: a pattern's % must not be doubled in statements without parameters.
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())
