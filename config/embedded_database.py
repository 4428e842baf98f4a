"""The embedded PostgreSQL: created once, started on demand, reached through a private Unix socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config.embedded_layout import Layout, ServerState
from config.embedded_processes import EmbeddedServerError, processes_working_in, stop_processes

_ROLE = "palaestra"
_SETTINGS_FILE = "palaestra.conf"
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    # One transaction over a tenant's schema (create, migrate, drop) locks every table and index in it.
    "max_locks_per_transaction": "512",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
# The socket's folder is private to one system user, so it may be trusted; over TCP any local user could
# knock.
_ACCESS_RULES = """\
local all all trust
host all postgres all reject
host all all 127.0.0.1/32 scram-sha-256
"""


def database_url(state: ServerState, *, user: str = _ROLE, database: str = _ROLE) -> str:
    """The libpq URL through the socket; the port names the socket file."""
    return (
        f"postgresql://{user}@/{database}?host={quote(state.socket_dir, safe='')}&port={state.postgres_port}"
    )


def database_tcp_url(state: ServerState) -> str:
    """The libpq URL over 127.0.0.1 with its password, for tools that cannot use a socket."""
    return f"postgresql://{_ROLE}:{quote(state.secret)}@127.0.0.1:{state.postgres_port}/{_ROLE}"


def database_answers(state: ServerState, *, user: str = _ROLE) -> bool:
    """Whether a query gets through now."""
    with contextlib.suppress(psycopg.OperationalError):
        name = _ROLE if user == _ROLE else "postgres"
        with psycopg.connect(database_url(state, user=user, database=name), connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    return False


def create_cluster(layout: Layout) -> None:
    """Run initdb unless there is a cluster already. A killed attempt leaves only a folder that is swept here.

    Raises EmbeddedServerError when the existing cluster is of another major version, or initdb fails.
    """
    version_file = layout.postgres_data / "PG_VERSION"
    if version_file.exists():
        _refuse_other_version(layout, version_file.read_text().strip())
        return
    partial = layout.postgres_data.with_name("postgres.new")
    shutil.rmtree(partial, ignore_errors=True)
    _run(
        layout,
        [
            str(layout.programs.initdb), "-D", str(partial), "-U", "postgres", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--auth=trust", "--no-sync",
        ],
        seconds=120,
    )  # fmt: skip
    (partial / "pg_hba.conf").write_text(_ACCESS_RULES)
    with (partial / "postgresql.conf").open("a") as file:
        file.write(f"\ninclude_if_exists = '{_SETTINGS_FILE}'\n")
    partial.rename(layout.postgres_data)


def write_settings(layout: Layout, state: ServerState) -> bool:
    """Write the server's settings; answer whether they differ from those of the last start."""
    settings = {
        **_SETTINGS,
        **state.postgres_settings,
        "port": str(state.postgres_port),
        "unix_socket_directories": state.socket_dir,
        "unix_socket_permissions": "0700",
    }
    text = "".join(f"{name} = '{_quoted(value)}'\n" for name, value in settings.items())
    path = layout.postgres_data / _SETTINGS_FILE
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    layout.user.own(path)
    return True


def start_database(layout: Layout, state: ServerState) -> None:
    """Start the server on existing data, after whatever a killed run left was cleared, and wait until it
    answers.

    Raises EmbeddedServerError with the end of the server's log when it does not come up.
    """
    _clear_remains(layout, Path(state.socket_dir))
    offset = layout.postgres_log.stat().st_size if layout.postgres_log.exists() else 0
    try:
        _run(
            layout,
            [
                str(layout.programs.pg_ctl), "-D", str(layout.postgres_data), "-l", str(layout.postgres_log),
                "-w", "-t", "120", "start",
            ],
            seconds=150,
        )  # fmt: skip
    except EmbeddedServerError as error:
        raise EmbeddedServerError(
            f"PostgreSQL did not start. The end of {layout.postgres_log}:\n"
            f"{_tail(layout.postgres_log, offset)}"
        ) from error


def reload_database(layout: Layout) -> None:
    """Let the running server read its settings again; those that need a restart wait for the next start."""
    postmaster = _postmaster(layout)
    if postmaster is not None:
        postmaster.send_signal(signal.SIGHUP)


def stop_database(layout: Layout) -> None:
    """Stop the server with a checkpoint; kill it when that takes more than a minute."""
    postmaster = _postmaster(layout)
    if postmaster is not None:
        stop_processes([postmaster], first=signal.SIGINT, seconds=60)
    stop_processes(processes_working_in("postgres", layout.postgres_data), first=signal.SIGQUIT, seconds=5)


def prepare_role(state: ServerState) -> None:
    """Make the login role and its database. The role may create roles and databases and is not a superuser,
    so what works here also works with an ordinary role of a managed server."""
    with _administrator(state) as connection:
        role = sql.Identifier(_ROLE)
        verb = "ALTER" if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s") else "CREATE"
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD {}").format(
                sql.SQL(verb), role, sql.Literal(state.secret)
            )
        )
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s"):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(role, role)
            )


@contextlib.contextmanager
def _administrator(state: ServerState) -> Iterator[psycopg.Connection]:
    url = database_url(state, user="postgres", database="postgres")
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        yield connection


def _exists(connection: psycopg.Connection, query: str) -> bool:
    return connection.execute(query.encode(), (_ROLE,)).fetchone() is not None


def _refuse_other_version(layout: Layout, found: str) -> None:
    answer = subprocess.run(  # noqa: S603  a program of our own
        [layout.programs.postgres, "--version"], capture_output=True, text=True, check=True,
        **layout.user.spawn_options(),
    ).stdout  # fmt: skip
    wanted = answer.split()[2].split(".")[0]
    if found != wanted:
        raise EmbeddedServerError(
            f"The data in {layout.postgres_data} was made by PostgreSQL {found or '?'}; this is {wanted}. "
            "Run `make reset` to start with empty data, or go back to the version that made it."
        )


def _postmaster(layout: Layout) -> psutil.Process | None:
    """The server's first process, if the one named in its lock file really is it."""
    try:
        pid = int((layout.postgres_data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    servers = processes_working_in("postgres", layout.postgres_data)
    return next((process for process in servers if process.pid == pid), None)


def _clear_remains(layout: Layout, socket_dir: Path) -> None:
    """After a kill, backends may still hold the shared memory, and the lock files may name a number that
    another program has been given meanwhile; PostgreSQL would then refuse to start."""
    stop_processes(processes_working_in("postgres", layout.postgres_data), first=signal.SIGQUIT, seconds=5)
    (layout.postgres_data / "postmaster.pid").unlink(missing_ok=True)
    for path in socket_dir.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)


def _run(layout: Layout, command: list[str], *, seconds: float) -> None:
    """Run a server program. Its output goes to a file: the server it starts would keep a pipe open for
    ever."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
    }
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603  a program of our own
                command, check=True, timeout=seconds, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env={**environment, "LC_ALL": "C"}, **layout.user.spawn_options(),
            )  # fmt: skip
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            raise EmbeddedServerError(f"{Path(command[0]).name} failed: {error}\n{said}") from error


def _tail(log: Path, offset: int) -> str:
    if not log.exists():
        return "(there is no log)"
    with log.open("rb") as file:
        file.seek(offset)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-15:])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
