"""Put an archive's rows into the tables, with the ids they have here, and read them back to compare."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from psycopg import sql

from shared_apps.archives.content.reading import Member
from shared_apps.archives.content.rows import IdMap, RowSum, lines_of, with_field, with_ids
from shared_apps.archives.content.rows import field as value_of
from shared_apps.archives.errors import ArchiveRefused, ImportDiffers
from shared_apps.archives.selectors.snapshot import copied_rows, object_rights
from shared_apps.archives.types import Table
from shared_apps.core.ids import new_id
from shared_apps.core.portable import Fill, PortableTable
from tenants.ddl import tenant_app_labels

_AT_ONCE: Final = 1000
_FILLS: Final[dict[Fill, Callable[[], bytes]]] = {
    Fill.UNUSABLE_PASSWORD: lambda: make_password(None).encode(),
    Fill.NO_TOKEN: lambda: b"\\\\x" + secrets.token_hex(32).encode(),
    Fill.FALSE: lambda: b"f",
    Fill.ZERO: lambda: b"0",
}


@dataclass
class Load:
    """What an import knows while it goes on.

    Attributes:
        ids: id in the archive -> id here, for those that differ.
        matched: ids in the archive of rows that stand here already and are not loaded.
        sums: what was loaded, by table.
    """

    raw: psycopg.Connection[Any]
    schema: str
    rights: dict[bytes, bytes]
    ids: IdMap = field(default_factory=dict)
    matched: dict[str, set[bytes]] = field(default_factory=dict)
    created_users: int = 0
    sums: dict[tuple[str, str], RowSum] = field(default_factory=dict)


def rights_here(said: dict[str, str]) -> dict[bytes, bytes]:
    """Return id there -> id here of each right on objects.

    Raises:
        ArchiveRefused: a right is unknown here.
    """
    here = {name: identifier for identifier, name in object_rights().items()}
    unknown = sorted(set(said.values()) - set(here))
    if unknown:
        raise ArchiveRefused(problem="unknown_rights", rights=unknown)
    return {identifier.encode(): here[name].encode() for identifier, name in said.items()}


def plan_ids(load: Load, table: Table, portable: PortableTable, member: Member) -> None:
    """Learn which rows of a shared table stand here already, and which ids are taken by others."""
    if "id" not in table.columns:
        return
    place = table.columns.index("id")
    match = table.columns.index(portable.matched_by) if portable.matched_by else None
    batch: list[tuple[bytes, bytes]] = []
    for line in lines_of(member.pieces):
        batch.append((value_of(line, place), value_of(line, match) if match is not None else b""))
        if len(batch) >= _AT_ONCE:
            _plan(load, table, portable, batch)
            batch = []
    _plan(load, table, portable, batch)


def load_rows(load: Load, table: Table, portable: PortableTable | None, member: Member) -> None:
    """Load one member of rows."""
    total = load.sums.setdefault((table.area, table.name), RowSum())
    fills = [fill for _, fill in sorted(portable.fills.items())] if portable else []
    extra = sorted(portable.fills) if portable else []
    place = "public" if table.area == "public" else load.schema
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(place, table.name),
        sql.SQL(", ").join(map(sql.Identifier, (*table.columns, *extra))),
    )
    with load.raw.cursor() as cursor, cursor.copy(statement) as copy:
        for line in _mapped(load, table, portable, member):
            total.add(line)
            copy.write(b"\t".join([line, *(_FILLS[fill]() for fill in fills)]) + b"\n")


def compare_rows(load: Load, table: Table, portable: PortableTable | None, condition: str) -> None:
    """Read the table back and compare it with what was loaded, row by row in any order.

    Raises:
        ImportDiffers: it is not the same.
    """
    place = "public" if table.area == "public" else load.schema
    found = RowSum()
    known = {load.ids.get(each, each) for each in load.matched.get(table.name, ())}
    index = table.columns.index("id") if known else 0
    if portable and portable.parent:
        known = {load.ids.get(each, each) for each in _matched_users(load)}
        index = table.columns.index(portable.parent)
    for row in copied_rows(load.raw, table, place, condition):
        line = bytes(row)[:-1]
        if not known or value_of(line, index) not in known:
            found.add(line)
    loaded = load.sums.get((table.area, table.name), RowSum())
    if not found.same_as(loaded):
        raise ImportDiffers(table=table.name, loaded=loaded.rows, found=found.rows)


def _mapped(load: Load, table: Table, portable: PortableTable | None, member: Member) -> Iterator[bytes]:
    """Yield the rows to load as they are to stand here."""
    matched = load.matched.get(table.name, set())
    own = table.columns.index("id") if matched else 0
    parent, parents = -1, set()
    if portable and portable.parent:
        parent, parents = table.columns.index(portable.parent), _matched_users(load)
    rights = [table.columns.index(name) for name in _right_columns().get(table.name, ())]
    for line in lines_of(member.pieces):
        if matched and value_of(line, own) in matched:
            continue
        if parents and value_of(line, parent) in parents:
            continue
        changed = with_ids(line, load.ids)
        for index in rights:
            changed = with_field(changed, index, load.rights[value_of(line, index)])
        yield changed


def _matched_users(load: Load) -> set[bytes]:
    return load.matched.get("accounts_user", set())


def _plan(load: Load, table: Table, portable: PortableTable, batch: list[tuple[bytes, bytes]]) -> None:
    if not batch:
        return
    name = sql.Identifier("public", table.name)
    taken = _ids_there(load, name, [identifier for identifier, _ in batch])
    by_value: dict[str, str] = {}
    if portable.matched_by:
        found = load.raw.execute(
            sql.SQL("SELECT {column}::text, id::text FROM {table} WHERE {column} = ANY(%s)").format(
                column=sql.Identifier(portable.matched_by), table=name
            ),
            [[value.decode() for _, value in batch]],
        )
        by_value = dict(found.fetchall())
    matched = load.matched.setdefault(table.name, set()) if portable.matched_by else set()
    for identifier, value in batch:
        there = by_value.get(value.decode())
        if there is not None:
            matched.add(identifier)
            if there.encode() != identifier:
                load.ids[identifier] = there.encode()
        elif identifier in taken and portable.matched_by:
            # The same person under a newer address: ids of other installations do not meet by chance.
            matched.add(identifier)
        elif identifier in taken:
            load.ids[identifier] = str(new_id()).encode()
        elif table.name == "accounts_user":
            load.created_users += 1


def _ids_there(load: Load, table: sql.Identifier, ids: list[bytes]) -> set[bytes]:
    statement = sql.SQL("SELECT id::text FROM {} WHERE id = ANY(%s)").format(table)
    rows = load.raw.execute(statement, [[uuid.UUID(each.decode()) for each in ids]])
    return {identifier.encode() for (identifier,) in rows}


def _right_columns() -> dict[str, list[str]]:
    """Return table -> columns that name a right, whose ids each installation counts for itself."""
    labels = tenant_app_labels()
    found: dict[str, list[str]] = {}
    for model in apps.get_models():
        if model._meta.app_label in labels:
            columns = [
                str(one.column) for one in model._meta.concrete_fields if one.related_model is Permission
            ]
            if columns:
                found[model._meta.db_table] = columns
    return found
