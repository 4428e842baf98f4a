"""The ground a benchmark stands on: embedded servers that wait for the disk, and an empty database."""

import os
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from config.embedded import EmbeddedServers, default_data_dir

DATABASE = "bench"


def data_dir() -> Path:
    """Return the folder of the benchmarks' servers, apart from a developer's own data."""
    return default_data_dir() / "bench"


def environment(servers: EmbeddedServers) -> dict[str, str]:
    """Return the environment of benchmark and servers under test.

    As in production but for limits: requests are logged as JSON (to a file) and counted by the throttle,
    whose budgets are too large to be spent, since the load comes from few callers.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": database_url(servers),
        "DATABASE_POOLING": "session",
        "REDIS_URL": servers.redis_url,
        "PALAESTRA_DATA_DIR": str(servers.data_dir),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        "RATE_LIMIT_CALLER": "100000000",
        "RATE_LIMIT_ORGANIZATION": "100000000",
        "RATE_LIMIT_ANONYMOUS": "100000000",
        "READY_SCHEMAS_TARGET": "5",
        "PYTHONUNBUFFERED": "1",
    }


def database_url(servers: EmbeddedServers) -> str:
    """Return the libpq URL of the benchmarks' database."""
    path, _, query = servers.database_url.partition("?")
    return f"{path.rsplit('/', 1)[0]}/{DATABASE}?{query}"


def make_empty(servers: EmbeddedServers) -> None:
    """Drop database, tenant roles and cache of the benchmark before, so that each starts alike."""
    with psycopg.connect(servers.database_url, autocommit=True) as server:
        name = sql.Identifier(DATABASE)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        for (role,) in server.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 't\_%'").fetchall():
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
    redis.Redis.from_url(servers.redis_url).flushall()
