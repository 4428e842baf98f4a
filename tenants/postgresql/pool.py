"""The process's pool of connections, with two doors.

Resetting a connection whenever it is given back would cost every request a message to the server, and the
next request sends its own switch anyhow. So a connection lies in the pool as it was, and is put in its place
when it is taken: the backend's door (`take`) leaves the switch to the backend, the public door (`getconn`,
`connection`) puts it to nowhere first.
"""

from typing import Any

import psycopg
from psycopg import pq
from psycopg_pool import ConnectionPool, PoolTimeout

from tenants.scope import NOWHERE


class ScopedPool(ConnectionPool[Any]):
    """A pool whose public door hands out connections that stand nowhere."""

    def take(self) -> psycopg.Connection[Any]:
        """Return a connection that stands anywhere, for the backend, which switches it at once."""
        found: psycopg.Connection[Any] = super().getconn()
        return found

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """Return a connection that stands nowhere.

        Args:
            timeout: seconds to wait for a free one; the pool's own when None.

        Raises:
            PoolTimeout: none was free, or the server is away.
        """
        for _ in range(self.max_size + 1):
            connection: psycopg.Connection[Any] = super().getconn(timeout)
            result = connection.pgconn.exec_(NOWHERE.switch_sql)
            if result.status == pq.ExecStatus.COMMAND_OK:
                return connection
            connection.close()
            self.putconn(connection)
        raise PoolTimeout("no connection of the pool can be put back to its beginning")
