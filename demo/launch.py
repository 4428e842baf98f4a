"""Become another program that ends when its parent does.

    python demo/launch.py PARENT_PID PROGRAM [ARGUMENT ...]

A separate step, since between fork and exec a process with threads may not safely run Python.
"""

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    with contextlib.suppress(OSError, AttributeError):  # there is no such call outside Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):  # it died before we asked to be told
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  that is the purpose
