"""What Citus refuses of plain PostgreSQL's DDL, and the schema editor that does without it.

Active where the database is declared a Citus cluster (`DATABASE_CITUS`); elsewhere all is Django's own. Citus
refuses several statements in one message, several changes in one ALTER TABLE when one adds a
constraint, and a column that comes with its CHECK or foreign key. The names are those PostgreSQL gives, so
that a schema is the same on either.
"""

import copy
from typing import Any

import sqlparse
from django.conf import settings
from django.db.backends.postgresql.schema import DatabaseSchemaEditor

# At the start of a transaction that changes tables of tenants. Citus calls triggers on its tables unsafe: in
# general they see one shard of many; a tenant's tables have one shard each, all on one node.
TRANSACTION_SETTINGS = (
    "SET LOCAL citus.enable_unsafe_triggers TO on",
    "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'",
)
# Besides, where a schema is made: its tables are born on the node that Citus chooses for it.
NEW_SCHEMA_SETTINGS = (*TRANSACTION_SETTINGS, "SET LOCAL citus.enable_schema_based_sharding TO on")
# Nodes talk to each other as the role that is set, so tenants' roles must be able to sign in. They
# have no password; only the nodes' own certificates or pg_hba.conf let them in (docs/operators/citus.md).
ROLE_ON_CLUSTER = "LOGIN PASSWORD NULL"


def is_cluster() -> bool:
    """Tell whether the database is declared a Citus cluster."""
    return bool(settings.DATABASE_CITUS)


def single_statements(script: str) -> list[str]:
    """Return the statements of a script, without comments alone and the closing semicolons."""
    found = (part.strip().rstrip(";").rstrip() for part in sqlparse.split(script))
    return [part for part in found if part and sqlparse.format(part, strip_comments=True).strip()]


def cluster_messages(script: str) -> list[str]:
    """Return what is sent to a cluster instead of a script that is one transaction, from BEGIN to COMMIT."""
    first, *others = single_statements(script)
    return [first, *TRANSACTION_SETTINGS, *others]


class SchemaEditor(DatabaseSchemaEditor):
    """Django's, which on a cluster says in several statements what it says in one elsewhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_cluster = is_cluster()
        if self._on_cluster:
            # None: the key is made by a statement of its own, as for databases without inline keys.
            self.sql_create_column_inline_fk: str | None = None  # type: ignore[assignment]
            self.connection.features.supports_combined_alters = False

    def add_field(self, model: Any, field: Any) -> None:
        """Add a column; on a cluster its check follows."""
        check = field.db_parameters(connection=self.connection)["check"] if self._on_cluster else None
        if not check:
            super().add_field(model, field)
            return
        bare = copy.copy(field)
        bare.db_check = lambda connection: None
        super().add_field(model, bare)
        table = model._meta.db_table
        self.execute(
            self.sql_create_check
            % {
                "table": self.quote_name(table),
                "name": self.quote_name(_check_name(table, field.column)),
                "check": check,
            },
            None,
        )

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Execute a statement, and on a cluster one by one what came as several."""
        if not self._on_cluster or ";" not in str(sql).rstrip().rstrip(";"):
            super().execute(sql, params)
            return
        text = str(sql) if not params else str(self.connection.ops.compose_sql(str(sql), params))
        for statement in single_statements(text):
            super().execute(statement, None)


def _check_name(table: str, column: str) -> str:
    """Return the name PostgreSQL gives a check that comes with its column: at most 63 characters, taken away
    from the longer part."""
    most = 63 - len("__check")
    while len(table) + len(column) > most:
        if len(table) > len(column):
            table = table[:-1]
        else:
            column = column[:-1]
    return f"{table}_{column}_check"
