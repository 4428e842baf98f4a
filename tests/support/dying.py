"""For processes that are to be killed in the middle of building a schema, by themselves."""

import os
import signal
import threading
from typing import Any, NoReturn

import psycopg

from tenants.ddl import template_script
from tenants.services import schemas
from tests.support.processes import wait_for

_PLACE = 7_302
_STANDING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"


def die(*arguments: Any, **named: Any) -> NoReturn:
    """End as `kill -9` ends a process: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def die_in_the_middle_of_the_ddl() -> None:
    """Let the next schema that this process builds stop half-way, and die once the server stands there.

    It waits there for a lock of this process. The death frees it, so the server goes on with what it was sent
    until it finds nobody to answer.
    """
    own = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    own.execute("SELECT pg_advisory_lock(%s)", [_PLACE])
    whole = template_script()
    cut = whole.index(";\n", len(whole) // 2) + 2
    halved = f"{whole[:cut]}SELECT pg_advisory_xact_lock({_PLACE});\n{whole[cut:]}"
    setattr(schemas, "template_script", lambda: halved)  # noqa: B010  not an attribute of its own

    def watch() -> None:
        wait_for(lambda: own.execute(_STANDING, [_PLACE]).fetchone() is not None)
        die()

    threading.Thread(target=watch, daemon=True).start()
