"""Database backend: sends search path and role in one message, eagerly, and fails closed.

A subclass of django-tenants' wrapper, which sends `SET search_path` before every cursor (a round trip each),
knows no role, and starts in `public`. Differences: the switch is sent once, at the switch; a connection
starts nowhere; a pooled one goes back when the last scope is left, and stands where its next user says; every
cursor checks that the connection stands where the context says. Measured in docs/decisions/0002 and 0008.

Its sessions are its own. Behind a pooler that shares them: tenants.postgresql.transactional.
"""

from contextlib import suppress
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError, ProgrammingError
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base as django_postgresql
from django.utils.asyncio import async_unsafe
from django_tenants.postgresql_backend import base as library
from psycopg import pq

from tenants.postgresql.citus import SchemaEditor
from tenants.postgresql.introspection import SchemaIntrospection
from tenants.postgresql.pool import ScopedPool
from tenants.scope import NOWHERE, PUBLIC, Scope, current_scope

# A statement sent through `prepared_cursor` is prepared at its third use on a connection.
_PREPARE_AFTER = 2


class ScopeMismatch(ProgrammingError):
    """The connection stands in another scope than the running code: work was handed to another thread or
    task without its organization. Enter it there with `tenants.context.in_organization`."""


class PreparedCursor(psycopg.Cursor[Any]):
    """Sends parameters apart from the text, so that the text can be prepared."""

    def _get_prepared(self, pgq: Any, prepare: bool | None = None) -> Any:
        # Django's log of queries reads it; psycopg sets it on its other paths only.
        self._query = pgq
        return super()._get_prepared(pgq, prepare)


class DatabaseWrapper(library.DatabaseWrapper):
    """A connection that stands in exactly one scope at a time."""

    SchemaEditorClass = SchemaEditor

    connection_class: type[psycopg.Connection[Any]] = psycopg.Connection
    # Whether what a statement leaves in the session (a lock, a setting) is there for the next one.
    keeps_session = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.scope: Scope = NOWHERE
        self._applied: Scope | None = None
        self._preparing = False
        super().__init__(*args, **kwargs)
        self.introspection = SchemaIntrospection(self)
        self.scope = current_scope.get()
        self.schema_name = self.scope.schema_name

    # --- Switching -------------------------------------------------------------------------

    def set_scope(self, scope: Scope) -> None:
        """Stand in `scope` from the next statement on; sent at once when the connection is open.

        Where the last scope is left, a pooled connection is given back instead: its next user sends a switch
        anyhow. A connection that turns out to be lost is left to the next statement, which fails on it:
        leaving a block must not hide the error that was on its way.
        """
        self.scope = scope
        self.schema_name = scope.schema_name
        if self.connection is None:
            return
        if scope is NOWHERE and self._gives_back():
            self.close()
        elif self._applied is not None and self._applied.switch_sql == scope.switch_sql:
            self._applied = scope
        else:
            with suppress(OperationalError):
                self._apply()

    def _gives_back(self) -> bool:
        """Return whether the connection can go to the pool now: nobody is in the middle of anything."""
        return bool(
            self.pool
            and not self.in_atomic_block
            and self.autocommit
            and self.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        )

    def _apply(self) -> None:
        """Send the switch. In a failed transaction it cannot be sent: it is, after the rollback.

        Raises:
            OperationalError: the connection is lost.
            ProgrammingError: the schema or its role is not there.
        """
        self._applied = None
        if self._living().transaction_status == pq.TransactionStatus.INERROR:
            return
        self._send(self.scope.switch_sql)
        self._applied = self.scope

    def _living(self) -> Any:
        """Return libpq's connection.

        Raises:
            OperationalError: it is lost.
        """
        pgconn = self.connection.pgconn
        if pgconn.status != pq.ConnStatus.OK:
            self.errors_occurred = True
            raise OperationalError("the connection to the database is lost")
        return pgconn

    def _send(self, switch: bytes) -> None:
        pgconn = self.connection.pgconn
        result = pgconn.exec_(switch)
        if result.status != pq.ExecStatus.COMMAND_OK:
            message = result.get_error_message() or pgconn.get_error_message()
            if pgconn.status != pq.ConnStatus.OK:
                self.errors_occurred = True
                raise OperationalError(f"the connection to the database is lost: {message}")
            raise ProgrammingError(f"cannot enter schema {self.scope.schema_name!r}: {message}")

    # What django-tenants' own commands call. They reach one schema at a time and never serve requests.
    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Enter the schema of a tenant object of the library (its migration command makes such)."""
        if getattr(tenant, "schema_name", "") == settings.PUBLIC_SCHEMA_NAME:
            self.set_scope(PUBLIC)
            return
        raise NotSupportedError("enter a tenant with tenants.context.in_organization")

    def set_schema_to_public(self) -> None:
        """Called by the library's constructor, when nothing is entered yet."""
        self.set_scope(NOWHERE)

    # --- Life of a connection ---------------------------------------------------------------

    @property
    def pool(self) -> ScopedPool | None:
        """Return the process's pool for this alias, made at its first use; None where none is wanted."""
        wanted = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not wanted:
            return None
        pools: dict[str, ScopedPool] = self._connection_pools
        if self.alias not in pools:
            made = ScopedPool(
                connection_class=self.connection_class,
                kwargs={**self.get_connection_params(), "autocommit": True},
                configure=self._configure_connection,
                open=False,
                **({} if wanted is True else wanted),
            )
            pools.setdefault(self.alias, made)  # another thread may have been first
        return pools[self.alias]

    @async_unsafe
    def connect(self) -> None:
        """Connect, or take a connection from the pool, and stand in the current scope at once.

        A pooled connection may be dead: after a restart of the server each one the pool kept is thrown away
        here, and the caller gets the next.
        """
        for spare in reversed(range(self.pool.max_size + 1 if self.pool else 1)):
            self._applied = None
            super().connect()
            if self.alias == NO_DB_ALIAS:
                return
            try:
                self._check_fresh()
                return
            except OperationalError:
                if not spare:
                    raise
                self.close()

    def _check_fresh(self) -> None:
        """Stand in the scope. The answer to the switch shows that the connection lives."""
        self._apply()

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """Return a connection of the pool, or a new one."""
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        if self.pool:
            self.pool.open()
            return self.pool.take()
        kind = psycopg.Connection if self.alias == NO_DB_ALIAS else self.connection_class
        return kind.connect(**conn_params)

    def get_connection_params(self) -> dict[str, Any]:
        """Let psycopg prepare what comes through `prepared_cursor`; Django's own cursors never do.

        `"prepare_threshold": None` in OPTIONS turns it off, for a pooler that cannot follow it.

        Raises:
            ImproperlyConfigured: OPTIONS ask for a role or an isolation level of the whole connection, which
                the switch of scopes would undo.
        """
        options = self.settings_dict["OPTIONS"]
        for name in ("assume_role", "isolation_level"):
            if options.get(name) is not None:
                raise ImproperlyConfigured(f"the database option {name!r} cannot go with scopes.")
        parameters: dict[str, Any] = super().get_connection_params()
        parameters["prepare_threshold"] = options.get("prepare_threshold", _PREPARE_AFTER)
        return parameters

    def _close(self) -> None:
        """Give the connection back; one in the middle of a transaction is discarded by the pool."""
        if self.connection is not None and self.pool and not self.connection.closed:
            if self.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                self.connection.close()
            else:
                self._leave_session()
        self._applied = None
        super()._close()

    def _leave_session(self) -> None:
        """Leave the session as it is: whoever takes the connection next is put in a place (see pool.py)."""

    def close(self) -> None:
        """Close, leaving out the library's own bookkeeping of paths."""
        django_postgresql.DatabaseWrapper.close(self)

    @async_unsafe
    def rollback(self) -> None:
        """Roll back, then repeat the switch: a SET made inside the transaction went with it."""
        django_postgresql.DatabaseWrapper.rollback(self)
        self._repeat_switch()

    @async_unsafe
    def savepoint_rollback(self, sid: str) -> None:
        """Roll back to a savepoint, then repeat the switch, for the same reason."""
        django_postgresql.DatabaseWrapper.savepoint_rollback(self, sid)
        self._repeat_switch()

    def _repeat_switch(self) -> None:
        if self.connection is not None and self.alias != NO_DB_ALIAS:
            self._apply()

    def prepared_cursor(self) -> Any:
        """Return a cursor as `cursor()` does, whose statements the server parses and plans once."""
        self._preparing = True
        try:
            return self.cursor()
        finally:
            self._preparing = False

    def create_cursor(self, name: str | None = None) -> Any:
        """Make the driver's cursor; for `prepared_cursor` one that sends parameters apart from the text."""
        if self._preparing and name is None:
            return PreparedCursor(self.connection)
        return super().create_cursor(name)

    def _cursor(self, name: str | None = None) -> Any:
        cursor = django_postgresql.DatabaseWrapper._cursor(self, name)  # type: ignore[attr-defined]  # not in the stubs
        if self.alias == NO_DB_ALIAS:
            return cursor
        if current_scope.get() is not self.scope:
            raise ScopeMismatch(
                f"connection {self.alias!r} stands in {self.scope.schema_name!r}, "
                f"the code runs for {current_scope.get().schema_name!r}"
            )
        if self._applied is not self.scope:
            self._apply()
        return cursor
