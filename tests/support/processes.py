"""What a test does with other processes and threads: wait for what they do, and end them."""

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


def end(process: "subprocess.Popen[bytes]", *, grace_seconds: float = 30) -> None:
    """Ask a process to end and wait for it; kill one that does not."""
    process.terminate()
    try:
        process.wait(timeout=grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
