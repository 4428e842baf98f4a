"""What a test does with other processes: give them a port, wait for what they do, and end them."""

import socket
import subprocess
import time
from collections.abc import Callable

# For what must happen in the end: long enough for a machine that does other things besides.
PATIENCE_SECONDS = 60


def wait_for(
    ready: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.02
) -> None:
    """Wait until it is so.

    Raises:
        AssertionError: it never was.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(pause_seconds)


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: "subprocess.Popen[bytes]", *, grace_seconds: float = 30) -> None:
    """Ask a process to end and wait for it; kill one that does not."""
    process.terminate()
    try:
        process.wait(timeout=grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
