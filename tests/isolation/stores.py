"""Everything the product writes to, looked at in one go: tables, files, cache, broker, mails, log lines."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection

from tenants.context import in_public
from tests.isolation.twins import Twins


@dataclass(frozen=True)
class Tables:
    """What the database holds that concerns B.

    Attributes:
        of_b: table -> rows and hash, of B's schema, and of the rows of shared tables that name B.
        in_a: tables of A's schema that name B.
        mixed: shared tables with a row that names both.
    """

    of_b: dict[str, tuple[int, str]]
    in_a: tuple[str, ...]
    mixed: tuple[str, ...]

    def rows(self) -> int:
        """Return how many rows of B are watched."""
        return sum(count for count, _ in self.of_b.values())


class Watch:
    """Looks at the tables with one statement, made once for the present set of tables."""

    def __init__(self, twins: Twins) -> None:
        self._b = [f"%{needle}%" for needle in _for_rows(twins.b.organization, twins.b.mark)]
        self._a = [f"%{needle}%" for needle in _for_rows(twins.a.organization, twins.a.mark)]
        schema_a, schema_b = (world.organization.schema_name for world in (twins.a, twins.b))
        with in_public(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)"
                " AND tablename <> 'django_migrations' ORDER BY 1, 2",
                [["public", schema_a, schema_b]],
            )
            tables = cursor.fetchall()
        parts, self.tables = [], len(tables)
        hashed = "count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
        for schema, table in tables:
            source = f'"{schema}"."{table}" t'
            if schema == schema_b:
                parts.append(f"SELECT 'b', '{table}', {hashed} FROM {source}")
            elif schema == schema_a:
                parts.append(
                    f"SELECT 'a', '{table}', count(*), '' FROM {source} WHERE t::text ILIKE ANY(%(b)s)"
                )
            else:
                parts.append(
                    f"SELECT 'b', 'public.{table}', {hashed} FROM {source} WHERE t::text ILIKE ANY(%(b)s)"
                )
                parts.append(
                    f"SELECT 'mixed', '{table}', count(*), '' FROM {source}"
                    " WHERE t::text ILIKE ANY(%(b)s) AND t::text ILIKE ANY(%(a)s)"
                )
        self._statement = " UNION ALL ".join(parts)

    def look(self) -> Tables:
        """Read the state of now."""
        with in_public(), connection.cursor() as cursor:
            cursor.execute(self._statement, {"a": self._a, "b": self._b})
            found = cursor.fetchall()
        return Tables(
            of_b={table: (count, digest) for kind, table, count, digest in found if kind == "b"},
            in_a=tuple(table for kind, table, count, _ in found if kind == "a" and count),
            mixed=tuple(table for kind, table, count, _ in found if kind == "mixed" and count),
        )


def differences(before: Tables, after: Tables) -> list[str]:
    """Return what changed of B, and where its marks came to stand."""
    changed = sorted(name for name in after.of_b if after.of_b[name] != before.of_b.get(name))
    return [
        *(f"B's rows of {name} changed" for name in changed),
        *(f"B's mark stands in A's table {name}" for name in after.in_a if name not in before.in_a),
        *(f"one row of {name} names both" for name in after.mixed if name not in before.mixed),
    ]


def files_of_b(twins: Twins) -> dict[str, str]:
    """Return path -> hash of everything in B's folder."""
    folder = Path(settings.MEDIA_ROOT) / twins.b.organization.id.hex
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def marked_files(twins: Twins) -> set[str]:
    """Return files outside B's folder that hold a text of B, or have it in their names."""
    root, own = Path(settings.MEDIA_ROOT), twins.b.organization.id.hex
    if not root.is_dir():
        return set()
    return {
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] != own
        if holds(str(path.relative_to(root)).encode() + path.read_bytes(), twins.needles)
    }


def marked_keys(twins: Twins) -> list[str]:
    """Return keys of cache and broker, of other names than B's own, that hold a text of B."""
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]  # Django's own has no scan
    worker = settings.CACHES["default"]["KEY_PREFIX"]
    own = f":{twins.b.organization.id.hex}:".encode()
    found = []
    for key in client.scan_iter(match=f"*{worker}*", count=1000):
        if own not in key and holds(key + _value(client, key), twins.needles):
            found.append(key.decode(errors="replace"))
    return found


def count_keys() -> int:
    """Return how many keys of cache and broker belong to this test run."""
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]  # as above
    return sum(1 for _ in client.scan_iter(match=f"*{settings.CACHES['default']['KEY_PREFIX']}*", count=1000))


def _value(client: Any, key: bytes) -> bytes:
    readers: dict[bytes, Callable[[], bytes]] = {
        b"string": lambda: client.get(key),
        b"list": lambda: b"".join(client.lrange(key, 0, -1)),
        b"hash": lambda: b"".join(name + value for name, value in client.hgetall(key).items()),
        b"set": lambda: b"".join(client.smembers(key)),
        b"zset": lambda: b"".join(client.zrange(key, 0, -1)),
    }
    read = readers.get(client.type(key))
    return (read() if read else b"") or b""


def mixed_mails(twins: Twins) -> list[str]:
    """Return subjects of mails that hold texts of both."""
    return [
        message.subject
        for message in getattr(mail, "outbox", [])
        if (text := message.message().as_bytes())
        and holds(text, twins.needles)
        and holds(text, (twins.a.mark, str(twins.a.organization.id)))
    ]


def holds(content: bytes, needles: Iterable[str]) -> str | None:
    """Return the first of the texts that stands in the bytes, whatever its case."""
    lowered = content.lower()
    return next((needle for needle in needles if needle.lower().encode() in lowered), None)


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Gather what is logged in the block, as it would be written."""
    lines: list[str] = []
    root = logging.getLogger()
    formatter = next((each.formatter for each in root.handlers if each.formatter), None)

    class Gather(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    gather = Gather(level=logging.DEBUG)
    gather.setFormatter(formatter)
    root.addHandler(gather)
    try:
        yield lines
    finally:
        root.removeHandler(gather)


def _for_rows(organization: Any, mark: str) -> list[str]:
    return [mark, mark.encode().hex(), str(organization.id)]
