"""The DDL script that every tenant schema is built from, and the versions of tenant schemas.

`template.sql` is made by `manage.py dump_template` from a schema that Django's own migrations built; a test
proves that replaying it gives the same schema. Replaying takes tens of milliseconds, migrating 10 s.

A schema has a *level*, the number of tenant migrations it went through, and a *version*, a hash of their
names. Levels can be compared: a schema below the code's level is behind and its organization is answered 503,
one above is ahead, which expanding migrations allow while old processes still run.
"""

import hashlib
from functools import cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

SCRIPT_PATH = Path(__file__).with_name("template.sql")
PLACEHOLDER = "__tenant__"


class ScriptChanged(RuntimeError):
    """The script is not what `dump_template` wrote: somebody edited it, or a merge mixed two."""


@cache
def template_script() -> str:
    """Return the script with the placeholder schema name in it.

    Raises:
        ScriptChanged: its hash differs from the one in its head.
    """
    return checked_script(SCRIPT_PATH.read_text(encoding="utf-8"))


def checked_script(script: str) -> str:
    """Return the script if the hash in its head is that of its body.

    Raises:
        ScriptChanged: it is not.
    """
    if _head(script).get("sha256") != _hash(_body(script)):
        raise ScriptChanged("tenants/ddl/template.sql was changed by hand: run `make template`")
    return script


def script_with_head(body: str) -> str:
    """Return the body, which replays the tables, below a head that says what it stands for."""
    head = {"version": migrations_version(), "level": migrations_level(), "sha256": _hash(body)}
    return "".join(f"-- {name}: {value}\n" for name, value in head.items()) + body


@cache
def template_version() -> str:
    """Return the version a schema has that the script builds."""
    return _head(template_script())["version"]


@cache
def template_level() -> int:
    """Return the level a schema has that the script builds, which is what the code needs."""
    return int(_head(template_script())["level"])


def migrations_version() -> str:
    """Return the version of the code's tenant migrations: a hash over their names, sorted."""
    return version_of(tenant_migrations())


def migrations_level() -> int:
    """Return the number of the code's tenant migrations."""
    return len(tenant_migrations())


def version_of(names: list[tuple[str, str]]) -> str:
    """Return the version of a schema that went through these migrations, (app, name) each."""
    return hashlib.sha256("\n".join(sorted(f"{app}.{name}" for app, name in names)).encode()).hexdigest()[:16]


def tenant_migrations() -> list[tuple[str, str]]:
    """Return (app, name) of every migration of an app whose tables stand in tenants' schemas."""
    labels = tenant_app_labels()
    return sorted(key for key in migrations_on_disk() if key[0] in labels)


def migrations_on_disk() -> dict[tuple[str, str], Migration]:
    """Return every migration of the code by (app, name), without the graph of them, which takes a while."""
    loader = MigrationLoader(None, load=False, ignore_no_migrations=True)
    loader.load_disk()
    found: dict[tuple[str, str], Migration] = loader.disk_migrations
    return found


def tenant_app_labels() -> frozenset[str]:
    """Return the labels of the apps whose tables stand in tenants' schemas."""
    names = set(settings.TENANT_APPS)
    return frozenset(config.label for config in apps.get_app_configs() if config.name in names)


def _head(script: str) -> dict[str, str]:
    lines = (line.removeprefix("-- ").partition(": ") for line in script.splitlines()[:3])
    return {name: value for name, _, value in lines}


def _body(script: str) -> str:
    return script.split("\n", 3)[-1]


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
