"""One database per test worker, copied from a template that holds two organizations and ready schemas.

The template is built once per state of the migrations; a copy takes about 0.2 s, so a test that really
commits gets its worker's database made anew afterwards.
"""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import fasteners
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tenants.context import in_public
from tenants.postgresql.base import DatabaseWrapper
from tenants.services.pool import refill_pool
from tests.support.seed import seed_organizations

READY_SCHEMAS = 6


def worker_database() -> str:
    """Return the name of this worker's database; the slot keeps two test runs on one server apart."""
    return (
        f"test_{os.environ.get('PALAESTRA_TEST_SLOT', 'run')}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    )


def make_worker_database() -> None:
    """Make this worker's database from the template, building the template first when it is outdated."""
    template = _ensure_template()
    _close_all()
    _use(worker_database())
    with _admin() as server:
        name = sql.Identifier(worker_database())
        _drop(server, name)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                name, sql.Identifier(template)
            )
        )


def _drop(server: psycopg.Connection[Any], name: sql.Identifier) -> None:
    """Drop a database with whoever is connected. A vacuum that runs in it cannot be ended by our role, only
    waited for; it takes moments."""
    deadline = time.monotonic() + 60
    while True:
        try:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _ensure_template() -> str:
    name = f"template_{_fingerprint()}"
    lock = Path(settings.MEDIA_ROOT).parent / "template.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(lock), _admin() as server:
        known = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        if name in known:
            return name
        for outdated in known:
            if outdated.startswith(("template_", "building_")):
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(outdated))
                server.execute(drop)
        building = f"building_{_fingerprint()}"
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
        _build(building)
        server.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
        )
    return name


def _build(name: str) -> None:
    _use(name)
    usual = connections["default"]
    # Whatever backend is tested: some migrations need a session, as with DATABASE_DIRECT_URL past a pooler.
    connections["default"] = DatabaseWrapper(usual.settings_dict, alias="default")
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connections["default"].close()
        connections["default"] = usual
    with in_public():
        refill_pool(target=READY_SCHEMAS + 2)
        seed_organizations()
    _close_all()


def _fingerprint() -> str:
    """Hash what the template is made of: migrations, the DDL script, the seed."""
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256()
    sources = [
        *root.glob("tenants/migrations/*.py"),
        *root.glob("billing/migrations/*.py"),
        *root.glob("*_apps/*/migrations/*.py"),
        root / "tenants/ddl/template.sql",
        root / "tenants/services/schemas.py",
        root / "tenants/management/commands/migrate.py",
        root / "tenants/postgresql/register.py",
        root / "tenants/postgresql/rights.py",
        *root.glob("tests/support/*.py"),
        root / "requirements/base.txt",
    ]
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _admin() -> psycopg.Connection[Any]:
    found = connections["default"].settings_dict
    return psycopg.connect(
        dbname="postgres",
        user=found["USER"],
        password=found["PASSWORD"] or None,
        host=found["HOST"],
        port=found["PORT"],
        autocommit=True,
    )


def _use(name: str) -> None:
    settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name


def _close_all() -> None:
    connections.close_all()
