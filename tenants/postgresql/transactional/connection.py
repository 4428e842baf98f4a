"""Connections and cursors that leave nothing behind in the session.

A pooler in transaction mode gives each transaction another session, so whatever a session remembers belongs
to whoever comes next. Here the scope travels with the transaction: one message holds `SET LOCAL` for search
path and role, and the first statement after it. A statement of its own is such a message too: PostgreSQL runs
the statements of one simple query as one transaction, so it costs no round trip more than it did.

Built on psycopg's own seams for starting a transaction and sending a query, which its interface does not
promise: requirements pin the version, and tests/tenants/test_pooler_statements.py holds every path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Never

import psycopg
from django.db.backends.postgresql import base as django_postgresql
from psycopg import errors, generators, pq
from psycopg.abc import PQGen

from tenants.scope import NOWHERE


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands before the first statement of a transaction.

    Attributes:
        text: sent as it is; ends so that another statement may follow.
        statements: how many results it gives before those of the statement itself.
    """

    text: bytes
    statements: int


_NOTHING = Opening(b"", 0)
_RESET_ROLE = b"RESET ROLE"
_SET = b"SET "

# What a session would keep beyond the transaction: settings, locks, notices, tables.
_BEGINS_TO_OUTLIVE = re.compile(
    rb"\s*(?:SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b)|RESET\s|LISTEN\s|CREATE\s+TEMP(?:ORARY)?\s)",
    re.IGNORECASE,
)
_SETTING_OUTLIVES = re.compile(rb"set_config\([^;]*?,\s*false\s*\)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def opening_for(switch_sql: bytes, timezone: str | None = None) -> Opening:
    """Return a scope's switch in words that end with the transaction.

    Args:
        switch_sql: of a `tenants.scope.Scope`: statements `SET name ...` and `RESET ROLE`.
        timezone: to set besides, where the server's own is another.

    Raises:
        ValueError: a statement of another kind, which would outlive the transaction.
    """
    words = []
    for statement in switch_sql.split(b"; "):
        if statement == _RESET_ROLE:
            words.append(b"SET LOCAL ROLE NONE")
        elif statement.startswith(_SET):
            words.append(b"SET LOCAL " + statement.removeprefix(_SET))
        else:
            raise ValueError(f"a switch cannot hold {statement!r}: it would outlive the transaction")
    if timezone is not None:
        words.append(f"SET LOCAL TimeZone TO '{timezone}'".encode())
    return Opening(b"; ".join(words) + b";\n", len(words))


def _refuse_what_outlives(statement: bytes) -> None:
    """Stop what the session would have to remember: the next transaction has another one.

    Raises:
        NotSupportedError: the statement sets, locks or makes something for the session.
    """
    if (
        _BEGINS_TO_OUTLIVE.match(statement)
        or (b"advisory_lock" in statement)
        or (b"set_config" in statement and _SETTING_OUTLIVES.search(statement))
    ):
        raise psycopg.NotSupportedError(
            "DATABASE_POOLING=transaction keeps nothing for the session: use SET LOCAL, a lock of the "
            "transaction (pg_advisory_xact_lock), or a direct connection (DATABASE_DIRECT_URL)"
        )


class TransactionalConnection(psycopg.Connection[Any]):
    """Starts every transaction in the scope its owner set, and none in any other way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opening = opening_for(NOWHERE.switch_sql)
        # Set by a cursor that sends the opening together with its statement.
        self.opened_by_statement = False

    def due(self) -> Opening:
        """Return what the next statement needs before it: nothing inside a transaction."""
        if self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            return _NOTHING
        if self._autocommit:
            return self.opening
        return Opening(self._get_tx_start_command() + b"; " + self.opening.text, self.opening.statements + 1)

    def _start_query(self) -> PQGen[None]:
        if self._autocommit or self.opened_by_statement:
            return
        due = self.due()
        if not due.statements:
            return
        self.pgconn.send_query(due.text)
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise errors.error_from_result(result, encoding=self.pgconn._encoding)

    def transaction(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse: psycopg's own block would begin a transaction without the scope.

        Raises:
            NotSupportedError: always; `django.db.transaction.atomic` is the way.
        """
        raise psycopg.NotSupportedError("use django.db.transaction.atomic: it enters the scope")

    def pipeline(self) -> Never:
        """Refuse: in a pipeline each statement is a message of its own, without the scope.

        Raises:
            NotSupportedError: always.
        """
        raise psycopg.NotSupportedError("a pipeline would send its statements without the scope")


if TYPE_CHECKING:  # the stubs do not know that Django's cursor is one of psycopg
    _Cursor = psycopg.ClientCursor[Any]
else:
    _Cursor = django_postgresql.Cursor


class TransactionalCursor(_Cursor):
    """Sends what the transaction needs in the same message as its first statement."""

    _conn: TransactionalConnection
    _leading = 0

    def _execute_gen(self, *args: Any, **kwargs: Any) -> PQGen[None]:
        self._conn.opened_by_statement = True
        try:
            yield from super()._execute_gen(*args, **kwargs)
        finally:
            self._conn.opened_by_statement = False

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        _refuse_what_outlives(query.query)
        due = self._conn.due()
        self._leading = due.statements
        if not due.statements:
            super()._execute_send(query, force_extended=force_extended, binary=binary)
            return
        if force_extended:
            raise psycopg.NotSupportedError("rows are streamed inside transaction.atomic only")
        self._query = query
        self._pgconn.send_query(due.text + query.query)

    def _set_results(self, results: list[Any]) -> None:
        super()._set_results(results[self._leading :] or results[-1:])

    def _start_copy_gen(self, *args: Any, **kwargs: Any) -> PQGen[None]:
        if self._conn.autocommit and self._conn.due().statements:
            raise psycopg.NotSupportedError("COPY runs inside transaction.atomic only")
        yield from super()._start_copy_gen(*args, **kwargs)

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """Run the statement for each set of parameters: one message, all of them or none.

        Args:
            query: the statement.
            params_seq: its parameters, one set for each run.
            returning: keep every result, for `nextset()`; they are kept anyhow.
        """
        texts = [self.mogrify(query, params) for params in params_seq]
        if texts:
            self.execute(";\n".join(texts))
            self._rowcount = sum(result.command_tuples or 0 for result in self._results)
