"""PostgreSQL and Valkey for a machine that has neither: real servers from Python wheels in a project-local
folder.

Used when DATABASE_URL or REDIS_URL is not set. Everything else of the product speaks to them as to any
other server. The servers outlive the process that started them; `stop_servers` or `make stop` ends them.

    python -m config.embedded start|stop|status|reset|url [--data-dir DIR] [--tcp] [--fast]
"""

# ruff: noqa: T201  the commands below answer a person in a terminal
from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from config.embedded_cache import cache_answers, cache_url, start_cache, stop_cache
from config.embedded_database import (
    create_cluster,
    database_answers,
    database_tcp_url,
    database_url,
    prepare_role,
    reload_database,
    start_database,
    stop_database,
    write_settings,
)
from config.embedded_layout import (
    STATE_FILE,
    Layout,
    ServerState,
    find_layout,
    make_home,
    read_state,
    relocated_home,
    remove_socket_folder,
    socket_folder,
    write_state,
)
from config.embedded_processes import EmbeddedServerError, choose_port, folder_lock, port_is_free

__all__ = [
    "FAST_SETTINGS",
    "EmbeddedServerError",
    "EmbeddedServers",
    "default_data_dir",
    "ensure_servers",
    "reset",
    "running_servers",
    "stop_servers",
]

# For tests and other data nobody would miss: a power cut may lose everything, and writes cost about a third.
FAST_SETTINGS: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_LOCK_FILE = ".lock"
# Held by demo.stack for as long as it runs on the folder.
STACK_LOCK = Path("run") / "stack.lock"
_START_ATTEMPTS = 3
# What may lie in the data folder before the servers first start; anything else means it is somebody's folder.
_OUR_ENTRIES = {
    _LOCK_FILE,
    "archives",
    "bench",
    "check",
    "ci",
    "demo.json",
    "logs",
    "mail",
    "media",
    "ports.json",
    "run",
    "stack",
    "static",
    "test",
}


@dataclass(frozen=True)
class EmbeddedServers:
    """Where the running servers are reached. `database_url` is a libpq URL through a Unix socket, for a
    login role that is not a superuser but may create roles and databases; `redis_url` carries its
    password."""

    database_url: str
    redis_url: str
    data_dir: Path


def default_data_dir() -> Path:
    """PALAESTRA_DATA_DIR, or `.palaestra` beside manage.py."""
    configured = os.environ.get("PALAESTRA_DATA_DIR")
    return Path(configured) if configured else Path(__file__).resolve().parents[1] / ".palaestra"


def ensure_servers(
    data_dir: Path, *, postgres_settings: Mapping[str, str] | None = None, cache_on_disk: bool | None = None
) -> EmbeddedServers:
    """Answer with both servers running and healthy, starting (and first creating) what is not.

    Safe to call from several processes at once and after a crash. `postgres_settings` (name to value as in
    postgresql.conf) and `cache_on_disk` (whether Valkey keeps its data over a restart) are remembered; None
    means as before. Settings that only take effect at a start do so at the next one.

    Raises EmbeddedServerError when the folder cannot be used or a server does not start, saying what to do.
    """
    data_dir = data_dir.expanduser().resolve()
    state = read_state(data_dir)
    if (
        state is not None
        and _wanted(state, postgres_settings, cache_on_disk) == state
        and _both_answer(state)
    ):
        return _servers(data_dir, state)
    _make_data_dir(data_dir)
    with folder_lock(data_dir / _LOCK_FILE):
        state = _wanted(read_state(data_dir) or ServerState(), postgres_settings, cache_on_disk)
        layout = find_layout(data_dir)
        make_home(layout)
        state = replace(state, socket_dir=str(socket_folder(layout)))
        write_state(data_dir, state)
        with _explained(data_dir):
            state = _start_database(layout, state)
            state = _start_cache(layout, state)
    return _servers(data_dir, state)


def running_servers(data_dir: Path) -> EmbeddedServers | None:
    """The servers of this folder when both answer now, else None. Starts nothing."""
    data_dir = data_dir.expanduser().resolve()
    state = read_state(data_dir)
    return _servers(data_dir, state) if state is not None and _both_answer(state) else None


def stop_servers(data_dir: Path) -> None:
    """Stop both servers and keep their data. Does nothing when none runs."""
    data_dir = data_dir.expanduser().resolve()
    if read_state(data_dir) is None:
        return
    with folder_lock(data_dir / _LOCK_FILE):
        _stop(data_dir)


def reset(data_dir: Path) -> None:
    """Stop the servers of this folder and of the folders in it, and delete it with all data.

    Raises EmbeddedServerError when the folder holds files but was never used by the servers, since it may
    be a mistyped path."""
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.exists():
        return
    folders = [path.parent for path in (*data_dir.glob(STATE_FILE), *data_dir.glob(f"*/{STATE_FILE}"))]
    if not folders and {entry.name for entry in data_dir.iterdir()} - _OUR_ENTRIES:
        raise EmbeddedServerError(f"{data_dir} was not made by these servers, so it is not deleted.")
    with folder_lock(data_dir / _LOCK_FILE):
        for folder in folders:
            _stop(folder)
            remove_socket_folder(folder)
            if os.geteuid() == 0:
                shutil.rmtree(relocated_home(folder), ignore_errors=True)
        with _explained(data_dir):
            shutil.rmtree(data_dir)


def _wanted(
    state: ServerState, settings: Mapping[str, str] | None, cache_on_disk: bool | None
) -> ServerState:
    return replace(
        state,
        postgres_settings=state.postgres_settings if settings is None else dict(settings),
        cache_on_disk=state.cache_on_disk if cache_on_disk is None else cache_on_disk,
    )


def _both_answer(state: ServerState) -> bool:
    return state.cache_port is not None and database_answers(state) and cache_answers(state)


def _servers(data_dir: Path, state: ServerState) -> EmbeddedServers:
    return EmbeddedServers(database_url(state), cache_url(state), data_dir)


def _make_data_dir(data_dir: Path) -> None:
    """Create the folder, or refuse one that holds somebody's files (a later reset would delete them)."""
    if data_dir.exists() and not data_dir.is_dir():
        raise EmbeddedServerError(
            f"{data_dir} is a file, but must be a folder. Move it or set PALAESTRA_DATA_DIR."
        )
    with _explained(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        strange = {
            entry.name for entry in data_dir.iterdir() if not entry.name.startswith(".")
        } - _OUR_ENTRIES
    if strange and read_state(data_dir) is None and "servers" not in strange:
        raise EmbeddedServerError(
            f"{data_dir} holds other files ({', '.join(sorted(strange)[:3])}). "
            "Set PALAESTRA_DATA_DIR to a new or empty folder."
        )
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise EmbeddedServerError(_no_permission(data_dir))


def _start_database(layout: Layout, state: ServerState) -> ServerState:
    if state.postgres_port is not None and database_answers(state, user="postgres"):
        create_cluster(layout)
        if write_settings(layout, state):
            reload_database(layout)
        if not database_answers(
            state
        ):  # the run that created the cluster was killed before the role was made
            prepare_role(state)
        return state
    stop_database(layout)
    create_cluster(layout)

    def start(port: int) -> ServerState:
        attempt = replace(state, postgres_port=port)
        write_settings(layout, attempt)
        start_database(layout, attempt)
        prepare_role(attempt)
        return attempt

    return _on_free_port(layout.data_dir, state.postgres_port, start)


def _start_cache(layout: Layout, state: ServerState) -> ServerState:
    if state.cache_port is not None and cache_answers(state):
        return state
    stop_cache(layout)

    def start(port: int) -> ServerState:
        attempt = replace(state, cache_port=port)
        start_cache(layout, attempt)
        return attempt

    return _on_free_port(layout.data_dir, state.cache_port, start)


def _on_free_port(data_dir: Path, kept: int | None, start: Callable[[int], ServerState]) -> ServerState:
    """Start on the kept port if it is free, else on another; again if somebody took it in between."""
    for attempt in range(_START_ATTEMPTS):
        port = choose_port(kept)
        try:
            state = start(port)
        except EmbeddedServerError:
            if attempt == _START_ATTEMPTS - 1 or port_is_free(port):
                raise
        else:
            write_state(data_dir, state)
            return state
    raise AssertionError("unreachable")


def _stop(data_dir: Path) -> None:
    layout = find_layout(data_dir)
    stop_cache(layout)
    stop_database(layout)


@contextlib.contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    """Turn what the file system says into what to do about it."""
    try:
        yield
    except PermissionError as error:
        raise EmbeddedServerError(_no_permission(data_dir)) from error
    except (NotADirectoryError, FileExistsError) as error:
        raise EmbeddedServerError(
            f"{error.filename} is not a folder, so {data_dir} cannot be made. Set PALAESTRA_DATA_DIR."
        ) from error
    except OSError as error:
        raise EmbeddedServerError(f"{data_dir} cannot be used: {error}") from error


def _no_permission(data_dir: Path) -> str:
    return (
        f"No permission to write in {data_dir}. Run as the user who owns it, "
        "or set PALAESTRA_DATA_DIR to a folder of your own."
    )


def _run_command(arguments: argparse.Namespace) -> int:
    data_dir: Path = arguments.data_dir
    match arguments.command:
        case "start":
            settings = FAST_SETTINGS if arguments.fast else None
            servers = ensure_servers(
                data_dir, postgres_settings=settings, cache_on_disk=False if settings else None
            )
            print(f"DATABASE_URL={servers.database_url}\nREDIS_URL={servers.redis_url}")
        case "stop":
            stop_servers(data_dir)
            print(f"The servers of {data_dir} are stopped; the data is kept.")
        case "reset":
            reset(data_dir)
            print(f"{data_dir} is removed.")
        case "status":
            up = running_servers(data_dir)
            print(f"running in {data_dir}" if up else f"not running in {data_dir}")
            return 0 if up else 3
        case "url":
            state = read_state(data_dir)
            if state is None or state.postgres_port is None:
                raise EmbeddedServerError(f"No server was started in {data_dir} yet.")
            print(database_tcp_url(state) if arguments.tcp else database_url(state))
    return 0


def _refuse_while_in_use(data_dir: Path) -> None:
    """Leave the servers of a running demo alone: its web and worker would stay behind without them.

    Raises EmbeddedServerError when a stack holds the folder.
    """
    lock = data_dir.expanduser().resolve() / STACK_LOCK
    if not lock.exists():
        return
    try:
        with folder_lock(lock, seconds=0.2):
            return
    except EmbeddedServerError as error:
        raise EmbeddedServerError(
            f"`make demo` is running on {data_dir}; end it first, with Ctrl-C in its terminal."
        ) from error


def main() -> int:
    """Run one command and answer the exit code: 0 done, 1 refused (the reason is on stderr), 3 status not
    running."""
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded", description="Project-local PostgreSQL and Valkey."
    )
    parser.add_argument("command", choices=["start", "stop", "status", "reset", "url"])
    parser.add_argument("--data-dir", type=Path, default=default_data_dir())
    parser.add_argument(
        "--tcp", action="store_true", help="url: over 127.0.0.1 with password instead of the socket"
    )
    parser.add_argument(
        "--fast", action="store_true", help="start: for throw-away data, without waiting for the disk"
    )
    try:
        arguments = parser.parse_args()
        if arguments.command in {"stop", "reset"}:
            _refuse_while_in_use(arguments.data_dir)
        return _run_command(arguments)
    except EmbeddedServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
