"""The embedded servers against the ways a developer's machine can be: killed runs, taken ports, odd paths."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded import (
    FAST_SETTINGS,
    STACK_LOCK,
    EmbeddedServerError,
    EmbeddedServers,
    ensure_servers,
    reset,
    running_servers,
    stop_servers,
)
from config.embedded_layout import find_layout, read_state
from config.embedded_processes import folder_lock, processes_working_in

_REPOSITORY = Path(__file__).resolve().parents[2]
_START = (
    "import sys, pathlib; from config.embedded import ensure_servers; "
    "print(ensure_servers(pathlib.Path(sys.argv[1])))"
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all tests of this file, deep below a name with a space, so also the socket must move."""
    folder = tmp_path_factory.mktemp("embedded") / "a folder with spaces" / ("deep" * 20) / "data"
    for parent in list(folder.parents)[:5]:
        parent.mkdir(parents=True, exist_ok=True)
        if parent.is_relative_to(tmp_path_factory.getbasetemp()):
            parent.chmod(0o755)
    yield folder
    state = read_state(folder)
    reset(folder)
    assert state is not None
    assert not folder.exists()
    assert not Path(state.socket_dir).exists()


@pytest.fixture
def servers(data_dir: Path) -> EmbeddedServers:
    return ensure_servers(data_dir, postgres_settings=FAST_SETTINGS, cache_on_disk=True)


def _postmaster(data_dir: Path) -> int:
    return int((find_layout(data_dir).postgres_data / "postmaster.pid").read_text().split("\n")[0])


def _valkey(data_dir: Path) -> psutil.Process:
    (process,) = processes_working_in("valkey-server", find_layout(data_dir).cache_data)
    return process


def _query(servers: EmbeddedServers, query: bytes) -> object:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row and len(row) == 1 else row


def test_both_servers_answer_under_a_long_path_with_spaces(servers: EmbeddedServers) -> None:
    version = str(_query(servers, b"SHOW server_version"))

    assert version.split(".")[0] == "18"
    assert redis.Redis.from_url(servers.redis_url).config_get("maxmemory-policy") == {
        "maxmemory-policy": "noeviction"
    }


def test_role_owns_its_database_and_is_not_superuser(servers: EmbeddedServers) -> None:
    query = (
        b"SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls "
        b"FROM pg_roles WHERE rolname = current_user"
    )

    assert _query(servers, query) == ("palaestra", False, True, True, False)
    assert _query(servers, b"SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database "
                  b"WHERE datname = 'palaestra'") == ("palaestra", "UTF8")  # fmt: skip


@pytest.mark.parametrize(
    ("user", "password", "reason"),
    [("palaestra", "", "no password supplied"), ("palaestra", "wrong", "password authentication failed"),
     ("postgres", "", "pg_hba.conf rejects connection")],
)  # fmt: skip
def test_another_local_user_cannot_enter_over_tcp(
    servers: EmbeddedServers, data_dir: Path, user: str, password: str, reason: str
) -> None:
    state = read_state(data_dir)
    assert state is not None

    with pytest.raises(psycopg.OperationalError, match=reason):
        psycopg.connect(
            host="127.0.0.1",
            port=state.postgres_port,
            user=user,
            password=password,
            dbname="palaestra",
            sslmode="disable",
        )


def test_cache_asks_for_its_password(servers: EmbeddedServers, data_dir: Path) -> None:
    state = read_state(data_dir)
    assert state is not None

    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=state.cache_port or 0, retry=Retry(NoBackoff(), 0)).ping()


def test_settings_asked_for_are_in_force(servers: EmbeddedServers) -> None:
    wanted = {
        "fsync": "off",
        "max_locks_per_transaction": "512",
        "listen_addresses": "127.0.0.1",
        "TimeZone": "UTC",
    }

    assert {name: _query(servers, f"SHOW {name}".encode()) for name in wanted} == wanted


def test_second_call_reuses_the_running_servers(servers: EmbeddedServers, data_dir: Path) -> None:
    before = _postmaster(data_dir), _valkey(data_dir).pid

    assert ensure_servers(data_dir) == servers
    assert running_servers(data_dir) == servers
    assert (_postmaster(data_dir), _valkey(data_dir).pid) == before


def test_stop_keeps_data_and_ports(servers: EmbeddedServers, data_dir: Path) -> None:
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    redis.Redis.from_url(servers.redis_url).set("kept", "yes")

    stop_servers(data_dir)
    stopped = running_servers(data_dir)
    again = ensure_servers(data_dir)

    assert stopped is None
    assert again == servers
    assert _query(again, b"SELECT answer FROM kept") == 42
    assert redis.Redis.from_url(again.redis_url).get("kept") == b"yes"


def test_four_processes_starting_at_once_get_the_same_servers(
    servers: EmbeddedServers, data_dir: Path
) -> None:
    stop_servers(data_dir)

    children = [
        subprocess.Popen(
            [sys.executable, "-c", _START, data_dir], cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = {child.communicate(timeout=60)[0].strip() for child in children}

    assert answers == {str(servers)}
    assert len(processes_working_in("valkey-server", find_layout(data_dir).cache_data)) == 1


def test_killed_servers_come_back_with_their_data(servers: EmbeddedServers, data_dir: Path) -> None:
    with psycopg.connect(servers.database_url) as connection:
        # The test settings let a commit wait for its log record in memory, which a kill takes along.
        connection.execute("SET synchronous_commit TO on")
        connection.execute("CREATE TABLE IF NOT EXISTS survived AS SELECT 7 AS answer")
    os.kill(_postmaster(data_dir), signal.SIGKILL)
    os.kill(_valkey(data_dir).pid, signal.SIGKILL)

    again = ensure_servers(data_dir)

    assert again == servers
    assert _query(again, b"SELECT answer FROM survived") == 7


def test_lock_file_naming_a_strangers_process_is_seen_through(
    servers: EmbeddedServers, data_dir: Path
) -> None:
    stop_servers(data_dir)
    layout = find_layout(data_dir)
    lock_file = layout.postgres_data / "postmaster.pid"
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lock_file.write_text(f"{stranger.pid}\n{layout.postgres_data}\n1\n1\n\n\n\nready\n")
        layout.user.own(lock_file)

        again = ensure_servers(data_dir)

        assert _query(again, b"SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_taken_ports_are_replaced(servers: EmbeddedServers, data_dir: Path) -> None:
    stop_servers(data_dir)
    before = read_state(data_dir)
    assert before is not None
    with (
        socket.create_server(("127.0.0.1", before.postgres_port or 0)),
        socket.create_server(("127.0.0.1", before.cache_port or 0)),
    ):
        again = ensure_servers(data_dir)
    after = read_state(data_dir)

    assert after is not None
    assert {after.postgres_port, after.cache_port}.isdisjoint({before.postgres_port, before.cache_port})
    assert _query(again, b"SELECT 1") == 1


def test_data_of_another_major_version_is_refused_with_advice(
    servers: EmbeddedServers, data_dir: Path
) -> None:
    stop_servers(data_dir)
    version = find_layout(data_dir).postgres_data / "PG_VERSION"
    version.write_text("15\n")

    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 15; this is 18\. Run `make reset`"):
        ensure_servers(data_dir)
    version.write_text("18\n")


def test_file_in_place_of_the_folder_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")

    with pytest.raises(
        EmbeddedServerError, match=r"data is a file, but must be a folder.*PALAESTRA_DATA_DIR"
    ):
        ensure_servers(tmp_path / "data")
    with pytest.raises(EmbeddedServerError, match="is not a folder"):
        ensure_servers(tmp_path / "data" / "below")


def test_somebody_elses_folder_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")

    with pytest.raises(EmbeddedServerError, match="holds other files"):
        ensure_servers(tmp_path)
    with pytest.raises(EmbeddedServerError, match="not deleted"):
        reset(tmp_path)
    assert (tmp_path / "thesis.odt").read_text() == "years of work"


def test_waiting_for_a_busy_folder_ends_with_a_message(tmp_path: Path) -> None:
    with (
        folder_lock(tmp_path / "lock"),
        pytest.raises(EmbeddedServerError, match="Another process"),
        folder_lock(tmp_path / "lock", seconds=0.1),
    ):
        pytest.fail("two holders of one lock")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_write_permission_is_refused_with_advice(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(EmbeddedServerError, match=r"No permission to write.*PALAESTRA_DATA_DIR"):
        ensure_servers(tmp_path / "data")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("command", ["stop", "reset"])
def test_a_running_demo_is_not_left_without_its_servers(tmp_path: Path, command: str) -> None:
    lock = tmp_path / STACK_LOCK
    lock.parent.mkdir()
    program = [sys.executable, "-m", "config.embedded", command, "--data-dir", str(tmp_path)]
    with folder_lock(lock, seconds=1):
        refused = subprocess.run(
            program, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
        )
    assert refused.returncode == 1
    assert "Ctrl-C" in refused.stderr
    assert lock.exists()


def test_what_check_and_ci_leave_is_no_strangers_folder(tmp_path: Path) -> None:
    """`make demo CHECK=1` comes before `make demo` for whoever is careful."""
    (tmp_path / "check").mkdir()
    (tmp_path / "ci").mkdir()
    try:
        assert ensure_servers(tmp_path, postgres_settings=FAST_SETTINGS).data_dir == tmp_path.resolve()
    finally:
        stop_servers(tmp_path)
