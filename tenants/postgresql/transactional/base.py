"""The backend for a pooler in transaction mode: nothing is left to the session.

Chosen by DATABASE_POOLING=transaction. Entering a scope sends nothing; each transaction, and each statement
outside one, carries its own `SET LOCAL`. The checks of the ordinary backend hold unchanged: a cursor asked
for in another scope than the connection's is refused. What only a session can do is left out: prepared
statements (`prepared_cursor` gives an ordinary cursor), cursors held open outside a transaction, COPY and
streams outside one, and what refuses every transaction (`CREATE INDEX CONCURRENTLY`: DATABASE_DIRECT_URL).
"""

import select
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.db.backends.base.base import NO_DB_ALIAS
from psycopg import pq

from tenants.postgresql import base as session
from tenants.postgresql.transactional.connection import (
    TransactionalConnection,
    TransactionalCursor,
    opening_for,
)
from tenants.scope import NOWHERE

# Messages a connection that lies idle may have got: a notice, a changed setting, a last word before the end.
_MOST_UNASKED = 10
_OF_A_SESSION = ("server_side_binding", "options", "prepare_threshold")


class DatabaseWrapper(session.DatabaseWrapper):
    """A connection whose every transaction says where it stands."""

    connection_class = TransactionalConnection
    keeps_session = False

    def _apply(self) -> None:
        """Have the next transaction start in the scope; one that is open is told now.

        Raises:
            OperationalError: the connection is lost.
            ProgrammingError: the schema's role is not there, and a transaction is open.
        """
        self._applied = None
        pgconn = self._living()
        self.connection.opening = opening_for(self.scope.switch_sql, self._other_timezone())
        if pgconn.transaction_status == pq.TransactionStatus.INERROR:
            return
        if pgconn.transaction_status == pq.TransactionStatus.INTRANS:
            self._send(self.connection.opening.text)
        self._applied = self.scope

    def _check_fresh(self) -> None:
        """Look, without asking the server, whether it or the pooler has hung up."""
        pgconn = self._living()
        for _ in range(_MOST_UNASKED):
            if not select.select([pgconn.socket], [], [], 0)[0]:
                break
            try:
                pgconn.consume_input()
            except self.Database.OperationalError as error:
                raise OperationalError(f"the connection to the database is lost: {error}") from error
            pgconn = self._living()
        else:
            raise OperationalError("the connection to the database brings what nobody asked for")
        self._apply()

    def _other_timezone(self) -> str | None:
        """Return the time zone to set, None where the server's default is it already."""
        wanted = self.timezone_name
        return None if self.connection.info.parameter_status("TimeZone") == wanted else wanted

    def get_connection_params(self) -> dict[str, Any]:
        """Leave out what only a session could keep.

        Raises:
            ImproperlyConfigured: OPTIONS ask for it.
        """
        parameters = super().get_connection_params()
        for name in _OF_A_SESSION:
            if self.settings_dict["OPTIONS"].get(name) is not None:
                raise ImproperlyConfigured(
                    f"DATABASE_POOLING=transaction cannot go with the option {name!r}."
                )
        parameters["prepare_threshold"] = None
        if self.alias != NO_DB_ALIAS:
            parameters["cursor_factory"] = TransactionalCursor
        return parameters

    def _configure_timezone(self, connection: Any) -> bool:
        """Set nothing: where it is needed each transaction sets it."""
        return False

    def _leave_session(self) -> None:
        """Forget the scope; the server was never told of it beyond its transaction."""
        self.connection.opening = opening_for(NOWHERE.switch_sql)

    def _gives_back(self) -> bool:
        """Keep the connection until the request ends: standing nowhere costs no message here."""
        return False

    def prepared_cursor(self) -> Any:
        """Return an ordinary cursor: a pooler hands the session with the prepared statement to others."""
        return self.cursor()

    def chunked_cursor(self) -> Any:
        """Return a cursor of the server inside a transaction; outside one that reads all rows at once."""
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()
