"""Commands that need a session of their own go past the pooler.

A pooler in transaction mode cannot serve what runs outside every transaction (`CREATE INDEX CONCURRENTLY`) or
outlives one (a lock of the session). Where one is used, DATABASE_DIRECT_URL names PostgreSQL itself, and the
commands below, which change schemas, use it; servers and workers never do.
"""

import os
from collections.abc import MutableMapping, Sequence

DIRECT_COMMANDS = frozenset(
    {"migrate", "migrate_tenants", "dump_template", "sqlmigrate", "dbshell", "inspectdb", "makemigrations"}
)


def use_direct_connection(
    arguments: Sequence[str], environment: MutableMapping[str, str] = os.environ
) -> bool:
    """Have a command that changes schemas connect directly, where a direct address is given.

    Called before the settings are read.

    Args:
        arguments: of the command line, the command's name first.
        environment: read and changed.

    Returns:
        whether the command goes past the pooler.
    """
    direct = environment.get("DATABASE_DIRECT_URL", "")
    if not direct or not arguments or arguments[0] not in DIRECT_COMMANDS:
        return False
    environment["DATABASE_URL"] = direct
    environment["DATABASE_POOLING"] = "session"
    return True
