"""A real PgBouncer in transaction mode before this worker's database, for as long as a block runs.

    with pooler() as url:
        with serving(DATABASE_URL=url, DATABASE_POOLING="transaction") as server: ...

Debian and Ubuntu: `apt-get install pgbouncer` (its own service is not needed). It listens on loopback alone,
trusts whoever connects, and knows no startup parameter beyond those every version accepts.
"""

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connections

from tests.support.processes import end, free_port

START_SECONDS = 60
MISSING = (
    "there is no PgBouncer here, so nothing was proved behind one. Install it: apt-get install pgbouncer "
    "(Debian, Ubuntu); the tests start it by themselves"
)

_CONFIG = """
[databases]
* = host='{host}' port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {servers}
reserve_pool_size = 0
max_client_conn = 200
server_reset_query =
logfile = {folder}/pgbouncer.log
"""


def pgbouncer_program() -> str | None:
    """Return the path of PgBouncer, None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def require_pgbouncer() -> str:
    """Return the path of PgBouncer; where it is not, skip the test with a warning how to get it."""
    program = pgbouncer_program()
    if program is None:
        warnings.warn(f"SKIPPED: {MISSING}", stacklevel=2)
        pytest.skip(MISSING)
    return program


@contextmanager
def pooler(*, server_connections: int = 2) -> Iterator[str]:
    """Run PgBouncer before this worker's database until the block ends; yield the URL to connect to.

    Args:
        server_connections: to PostgreSQL; fewer than the clients, so that each hops between them.

    Raises:
        RuntimeError: it did not start; with what it said.
    """
    program = require_pgbouncer()
    found = connections["default"].settings_dict
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="palaestra-pgbouncer-") as name:
        folder = Path(name)
        (folder / "users.txt").write_text(f'"{found["USER"]}" "{found["PASSWORD"]}"\n')
        (folder / "pgbouncer.ini").write_text(
            _CONFIG.format(
                host=found["HOST"],
                port=found["PORT"] or 5432,
                listen=port,
                folder=folder,
                servers=server_connections,
            )
        )
        command = [program, str(folder / "pgbouncer.ini")]
        if os.geteuid() == 0:  # it refuses to run as root; the embedded servers run as `nobody` then, too
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "nobody")
            command[1:1] = ["-u", "nobody"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        user, password = quote(found["USER"], safe=""), quote(found["PASSWORD"] or "", safe="")
        url = f"postgresql://{user}:{password}@127.0.0.1:{port}/{found['NAME']}"
        try:
            _wait_for(url, process, folder / "pgbouncer.log")
            yield url
        finally:
            end(process)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    refused = ""
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            refused = str(error)
            time.sleep(0.05)
        else:
            return
    said = log.read_text(errors="replace")[-4000:] if log.exists() else ""
    raise RuntimeError(f"PgBouncer did not start: {refused}\n{said}")
