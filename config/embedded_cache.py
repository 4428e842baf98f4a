"""The embedded Valkey: cache, throttles and task broker on 127.0.0.1, behind a password kept in the data
folder."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded_layout import Layout, ServerState
from config.embedded_processes import EmbeddedServerError, processes_working_in, stop_processes

_STARTUP_SECONDS = 20.0


def cache_url(state: ServerState) -> str:
    """The redis URL of database 0."""
    return f"redis://:{quote(state.secret)}@127.0.0.1:{state.cache_port}/0"


def cache_answers(state: ServerState) -> bool:
    """Whether the server behind the kept port is ours (it accepts our password) and answers now."""
    client = redis.Redis.from_url(
        cache_url(state), socket_timeout=3, socket_connect_timeout=3, retry=Retry(NoBackoff(), 0)
    )
    try:
        with contextlib.suppress(redis.RedisError, OSError):
            return bool(client.ping())
        return False
    finally:
        client.close()


def start_cache(layout: Layout, state: ServerState) -> None:
    """Start the server and wait until it answers.

    Raises EmbeddedServerError with the end of the server's log when it does not come up.
    """
    stop_cache(layout)
    layout.cache_data.mkdir(mode=0o700, exist_ok=True)
    layout.user.own(layout.cache_data)
    configuration = layout.home / "valkey.conf"
    configuration.write_text(_configuration(layout, state))
    configuration.chmod(0o600)
    layout.user.own(configuration)
    with layout.cache_log.open("wb") as log:
        layout.user.own(layout.cache_log)
        subprocess.run(  # noqa: S603  a program of our own
            [layout.programs.valkey, configuration], check=False, timeout=_STARTUP_SECONDS,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, **layout.user.spawn_options(),
        )  # fmt: skip
    deadline = time.monotonic() + _STARTUP_SECONDS
    while not cache_answers(state):
        if time.monotonic() > deadline or not processes_working_in("valkey-server", layout.cache_data):
            said = "\n".join(layout.cache_log.read_text(errors="replace").splitlines()[-15:])
            raise EmbeddedServerError(f"Valkey did not start. The end of {layout.cache_log}:\n{said}")
        time.sleep(0.02)


def stop_cache(layout: Layout) -> None:
    """Stop the server; it writes its data first when it keeps any."""
    stop_processes(processes_working_in("valkey-server", layout.cache_data), first=signal.SIGTERM, seconds=15)


def _configuration(layout: Layout, state: ServerState) -> str:
    # Queued tasks must survive a restart of the demo, and never be evicted for the sake of cached values.
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {state.cache_port}",
            f"requirepass {state.secret}",
            "daemonize yes",
            f"dir {_quoted(str(layout.cache_data))}",
            f"logfile {_quoted(str(layout.cache_log))}",
            "save 60 1" if state.cache_on_disk else 'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
            "",
        ]
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
