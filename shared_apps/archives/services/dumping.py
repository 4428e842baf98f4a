"""Write one organization into an archive as a stream: rows of one snapshot, then its files."""

import errno
import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import psycopg
from django.conf import settings
from django.core.files.storage import default_storage
from psycopg import sql

from shared_apps.archives.content.framing import member_of_file, pieces_of
from shared_apps.archives.content.writing import FORMAT, HEADER, ArchiveWriter, as_json
from shared_apps.archives.errors import NothingToExport, StorageFull
from shared_apps.archives.selectors.snapshot import (
    applied_migrations,
    copied_rows,
    estimated_bytes,
    object_rights,
    open_jobs,
    snapshot,
    tables_of,
)
from shared_apps.archives.types import Contents, Report, Table, no_report
from shared_apps.core import clock
from shared_apps.core.portable import portable_tables
from tenants.context import in_organization
from tenants.ddl import version_of
from tenants.models import Domain, Organization, TenantSchema

# A member of rows is cut here, at the end of a row: its size must be known before it is written.
PART_BYTES: Final = 8 * 1024 * 1024
_REPORT_EVERY_SECONDS: Final = 2.0

# Facts of the organization's row that an import takes over.
FACTS: Final[tuple[str, ...]] = (
    "name",
    "slug",
    "state",
    "state_before",
    "state_reason",
    "state_changed_at",
    "suspension",
    "timezone",
    "language",
    "branding",
    "settings",
    "queue_weight",
    "request_budget",
    "owner_email",
    "created_at",
    "updated_at",
)


@contextmanager
def spelling_full_disk() -> Iterator[None]:
    """Say a full disk as what it is.

    Raises:
        StorageFull: there is no room left, or the quota is used up.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull from error
        raise


class Sink(Protocol):
    """Where the archive goes."""

    def write(self, data: Any, /) -> int:
        """Take bytes."""
        ...


class _Measured:
    """Counts and hashes what goes through; a full disk is said as what it is."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        with spelling_full_disk():
            self._sink.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class _Progress:
    """Reports now and then, so that a job shows life while a large table is read."""

    def __init__(self, report: Report, expected: int) -> None:
        self._report, self._expected = report, max(1, expected // 1024)
        self._next = time.monotonic()

    def say(self, done: int) -> None:
        if time.monotonic() >= self._next:
            kilobytes = done // 1024
            self._report(kilobytes, max(kilobytes, self._expected))
            self._next = time.monotonic() + _REPORT_EVERY_SECONDS


def write_archive(sink: Sink, *, organization: Organization, report: Report = no_report) -> Contents:
    """Write the organization's archive to `sink`. Called in the shared schema, outside any transaction.

    Rows are those of one moment; files are read after it, so each file that a row names is there. Memory is
    bounded by one part and the longest row.

    Raises:
        NothingToExport: the organization has no schema.
        StorageFull: there is no room in the sink.
    """
    measured = _Measured(sink)
    with snapshot() as raw:
        schema = TenantSchema.objects.filter(id=organization.id).first()
        if schema is None or not _exists(raw, organization.schema_name):
            raise NothingToExport(state=organization.state)
        tables = tables_of(raw, organization.schema_name)
        header = _header(raw, organization, schema, tables)
        progress = _Progress(report, estimated_bytes(raw, organization.schema_name))
        writer = ArchiveWriter(measured)  # type: ignore[arg-type]  # it only writes
        head = as_json(header)
        writer.add(HEADER, [head], len(head))
        rows = 0
        conditions = {table.table: table.rows for table in portable_tables()}
        for table in tables:
            condition = (
                condition_for(organization.id, conditions[table.name]) if table.area == "public" else ""
            )
            place = "public" if table.area == "public" else organization.schema_name
            rows += _write_rows(writer, table, copied_rows(raw, table, place, condition), progress)
    files = _write_files(writer, organization, progress)
    writer.finish({"rows": rows, "files": files})
    return Contents(
        size=measured.size,
        unpacked=writer.written,
        sha256=measured.hexdigest(),
        rows=rows,
        files=files,
        schema_level=schema.schema_level,
        left_out_jobs=header["left_out"]["open_jobs"],
    )


def _write_rows(writer: ArchiveWriter, table: Table, rows: Iterator[memoryview], progress: _Progress) -> int:
    part, size, total, number = [], 0, 0, 1
    for row in rows:
        part.append(bytes(row))
        size += len(row)
        if size >= PART_BYTES:
            writer.add(table.member(number), [b"".join(part)], size, rows=len(part))
            total, number = total + len(part), number + 1
            part, size = [], 0
            progress.say(writer.written)
    if part:
        writer.add(table.member(number), [b"".join(part)], size, rows=len(part))
    return total + len(part)


def _write_files(writer: ArchiveWriter, organization: Organization, progress: _Progress) -> int:
    number = 0
    with in_organization(organization):
        for name in stored_files():
            size = default_storage.size(name)
            with default_storage.open(name, "rb") as stream:
                writer.add(member_of_file(name), pieces_of(stream, size), size)  # type: ignore[arg-type]
            number += 1
            progress.say(writer.written)
    return number


def stored_files(folder: str = "") -> Iterator[str]:
    """Yield the names of the organization's files, sorted in each folder. Archives are kept
    elsewhere, so none is inside another."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        yield f"{folder}/{name}" if folder else name
    for name in sorted(folders):
        yield from stored_files(f"{folder}/{name}" if folder else name)


def _header(
    raw: psycopg.Connection[Any], organization: Organization, schema: TenantSchema, tables: list[Table]
) -> dict[str, Any]:
    migrations = applied_migrations(raw, organization.schema_name)
    domains = Domain.objects.filter(tenant=organization).order_by("domain").values_list("domain", flat=True)
    return {
        "format": FORMAT,
        "product_version": settings.SPECTACULAR_SETTINGS["VERSION"],
        "created_at": clock.now().isoformat(),
        "organization": {
            "id": str(organization.id),
            "hosts": list(domains),
            **{name: _plain(getattr(organization, name)) for name in FACTS},
        },
        "schema": {
            "level": schema.schema_level,
            "version": version_of([(app, name) for app, name in migrations]),
            "migrations": migrations,
        },
        "tables": [
            {"area": table.area, "name": table.name, "columns": list(table.columns)} for table in tables
        ],
        "object_rights": object_rights(),
        "left_out": {"open_jobs": open_jobs(raw, organization.id)},
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _exists(raw: psycopg.Connection[Any], schema: str) -> bool:
    return raw.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone() is not None


def condition_for(organization_id: uuid.UUID, condition: str) -> str:
    """Return a portable table's condition with the organization's id in it."""
    return condition.replace("{organization}", sql.Literal(str(organization_id)).as_string(None) + "::uuid")
