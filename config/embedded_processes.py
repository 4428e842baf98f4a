"""Finding, stopping and separating the processes behind the embedded servers.

A process is recognised by what it is and where it works (program name plus working directory), never by a
number in a file alone: after a crash or a reboot the number may belong to somebody else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

# Below the range Linux hands out for outgoing connections, so a stopped server's port is rarely taken
# meanwhile.
_PORT_RANGE = range(15_000, 32_000)


class EmbeddedServerError(RuntimeError):
    """The embedded servers cannot run here. The message says what was found and what to do about it."""


def port_is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now, judged as servers do (connections in TIME_WAIT
    ignored)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(preferred: int | None = None) -> int:
    """Answer `preferred` when it is free, else some free loopback port. Raises EmbeddedServerError when
    none is."""
    if preferred is not None and port_is_free(preferred):
        return preferred
    for port in random.sample(_PORT_RANGE, 200):
        if port_is_free(port):
            return port
    raise EmbeddedServerError("No free port was found on 127.0.0.1.")


def processes_working_in(program: str, folder: Path) -> list[psutil.Process]:
    """Live processes called `program` whose working directory is `folder`, also when the folder was since
    deleted."""
    wanted = {str(folder), f"{folder} (deleted)"}
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != program:
            continue
        with contextlib.suppress(psutil.Error):
            if process.cwd() in wanted and is_alive(process):
                found.append(process)
    return found


def stop_processes(processes: list[psutil.Process], *, first: signal.Signals, seconds: float) -> None:
    """Send `first` to each process, wait `seconds` for all, and kill those still there."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(first)
    for process in _wait_for_end(processes, seconds):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for_end(processes, 5)


def _wait_for_end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended; answer those that have not. A process nobody has reaped yet has ended: in a
    container without a proper init that can take long, which psutil.wait_procs would sit out."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Whether the very process found earlier (not a later one of the same number) still runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def folder_lock(path: Path, *, seconds: float = 120) -> Iterator[None]:
    """Hold the lock file `path` against other processes; it falls with the process however that ends.

    Raises EmbeddedServerError when another process keeps it longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise EmbeddedServerError(
                f"No permission to write in {path.parent}. Run as the user who owns it, or give it back: "
                f'sudo chown -R "$(id -un)" "{path.parent}"'
            ) from error
        if os.geteuid() == 0:  # the folder's owner must be able to lock it tomorrow
            os.fchown(descriptor, path.parent.stat().st_uid, path.parent.stat().st_gid)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                break
        except BlockingIOError:
            pass
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise EmbeddedServerError(
                f"Another process has been starting or stopping the servers for {seconds:.0f} s ({path})."
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    """False when the locked file was removed by a reset while we waited: then the lock guards nothing."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
