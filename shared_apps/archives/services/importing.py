"""Take an archive in as a new organization: all of it or nothing, with what was loaded read back."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

import psycopg
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.temp import NamedTemporaryFile
from django.db import connection
from psycopg import sql

from shared_apps.archives.content.framing import FILES, file_name
from shared_apps.archives.content.reading import DEFAULT_LIMITS, Limits, Member, Verified, members_of, verify
from shared_apps.archives.errors import ArchiveDamaged, ArchiveRefused
from shared_apps.archives.policies import IMPORT
from shared_apps.archives.selectors.snapshot import SPELLING, tables_of
from shared_apps.archives.services.dumping import FACTS, condition_for
from shared_apps.archives.services.loading import Load, compare_rows, load_rows, plan_ids, rights_here
from shared_apps.archives.types import Report, Table, no_report
from shared_apps.audit.services import do_record
from shared_apps.core import clock, signing
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.portable import Belongs, PortableTable, portable_tables
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public, storing_for
from tenants.ddl import template_level, template_version
from tenants.enums import OPEN_STATES, OrganizationState, Suspension
from tenants.names import schema_name_for
from tenants.scope import OrganizationRef
from tenants.services.imports import do_take_in, is_free
from tenants.services.organizations import host_of
from tenants.storage import remove_all_files

_INSTANTS: Final = frozenset({"created_at", "updated_at", "state_changed_at"})


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    organization_id: uuid.UUID
    slug: str
    host: str
    rows: int
    files: int
    users_made: int
    users_found: int
    ids_changed: int
    tables_compared: int
    hosts_left: list[str]


def trusted_keys(*more: str) -> list[str]:
    """Return the public keys whose archives are taken in: our own, the setting's and those named now."""
    return [*more, *settings.ARCHIVE_TRUSTED_KEYS, signing.public_key()]


def import_archive(
    *,
    actor: Actor,
    source: BinaryIO,
    trusted: list[str],
    slug: str | None = None,
    as_copy: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    report: Report = no_report,
) -> Imported:
    """Make an organization from an archive, in one transaction after its files were written.

    It keeps its id and those of its rows where they are free, so in an empty installation everything is as it
    was. People are known by their address, or their id; those who are new have no password yet. A killed
    import leaves no row; what it wrote of files is removed by the next one.

    Args:
        source: the archive, seekable; it is read several times and its hashes are checked each time.
        trusted: public keys that may have signed it.
        slug: subdomain here; the archive's own when None.
        as_copy: make a suspended copy beside a live organization: without money, history and open host.
        report: hears of progress, in kB of rows and files.

    Raises:
        ArchiveDamaged, SignatureNotTrusted: see `verify`.
        ArchiveRefused: the archive is of another version of the tables, or too large.
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
        ImportDiffers: the tables do not hold what was loaded; nothing was kept.
    """
    require(actor, IMPORT)
    verified = verify(source, trusted=trusted, limits=limits)
    _check_version(verified)
    with in_public():
        wanted = uuid.UUID(verified.header["organization"]["id"])
        identifier = wanted if not as_copy and is_free(wanted) else new_id()
        name = slug or str(verified.header["organization"]["slug"])
        reading = _Reading(source, verified, limits, report)
        try:
            files = _write_files(reading, identifier, name)
            with entry_transaction():
                return _do_import(actor, reading, identifier, name, as_copy, files)
        except BaseException:
            if is_free(identifier):
                remove_all_files(identifier)
            raise


class _Reading:
    """Reads the archive again, each member checked against the manifest that was verified."""

    def __init__(self, source: BinaryIO, verified: Verified, limits: Limits, report: Report) -> None:
        self.verified = verified
        self._source, self._limits, self._report = source, limits, report
        self._expected = sum(member["bytes"] for member in verified.manifest["members"]) // 1024
        self._hashes = verified.hashes

    def members(self) -> Iterator[Member]:
        self._source.seek(0)
        done = 0
        for member in members_of(self._source, self._limits):
            if member.name in self._hashes:
                yield Member(member.name, member.size, self._checked(member))
                done += member.size
                self._report(done // 1024, self._expected)

    def _checked(self, member: Member) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in member.pieces:
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self._hashes[member.name]:
            raise ArchiveDamaged(member=member.name, problem="the archive changed while it was read")


def _check_version(verified: Verified) -> None:
    """Refuse rows of other tables than those here: a later release may have changed what they mean."""
    said = verified.header["schema"]
    if said["version"] != template_version():
        problem = "newer_schema" if said["level"] > template_level() else "older_schema"
        raise ArchiveRefused(
            problem=problem,
            level=said["level"],
            here=template_level(),
            release=verified.header["product_version"],
        )


def _write_files(reading: _Reading, identifier: uuid.UUID, slug: str) -> int:
    if not reading.verified.manifest["files"]:
        return 0
    remove_all_files(identifier)  # of an import that was killed; nobody has this id
    number = 0
    ref = OrganizationRef(identifier, schema_name_for(identifier.hex), slug, slug, "", "UTC", "en")
    with storing_for(ref):
        for member in reading.members():
            name = file_name(member.name) if member.name.startswith(FILES) else None
            if name is None:
                continue
            with NamedTemporaryFile() as spool:
                for piece in member.pieces:
                    spool.write(piece)
                spool.seek(0)
                default_storage.save(name, File(spool))
            number += 1
    return number


def _do_import(
    actor: Actor, reading: _Reading, identifier: uuid.UUID, slug: str, as_copy: bool, files: int
) -> Imported:
    header = reading.verified.header
    facts = _facts(header["organization"], as_copy)
    organization = do_take_in(identifier=identifier, slug=slug, facts=facts)
    load = Load(connection.connection, organization.schema_name, rights_here(header["object_rights"]))
    if str(identifier) != header["organization"]["id"]:
        load.ids[header["organization"]["id"].encode()] = str(identifier).encode()
    tables = [Table(one["area"], one["name"], tuple(one["columns"])) for one in header["tables"]]
    shared = _wanted(as_copy)
    try:
        _check_columns(load, tables)
        load.raw.execute(SPELLING)
        compared = _load_and_compare(load, reading, tables, shared, identifier)
    except psycopg.Error as error:
        raise ArchiveRefused(problem="rows_refused", detail=str(error).splitlines()[0]) from error
    made = Imported(
        organization_id=identifier,
        slug=organization.slug,
        host=host_of(organization.slug),
        rows=sum(one.rows for one in load.sums.values()),
        files=files,
        users_made=load.created_users,
        users_found=len(load.matched.get("accounts_user", ())),
        ids_changed=len(load.ids),
        tables_compared=compared,
        hosts_left=[host for host in header["organization"]["hosts"] if host != host_of(organization.slug)],
    )
    do_record(
        actor=actor,
        action="archives.import",
        organization_id=identifier,
        target=organization,
        changes={**asdict(made), "organization_id": str(identifier), "from": header["organization"]["id"]},
    )
    return made


def _load_and_compare(
    load: Load,
    reading: _Reading,
    tables: list[Table],
    shared: dict[str, PortableTable],
    identifier: uuid.UUID,
) -> int:
    by_member = {(table.area, table.name): table for table in tables}
    for member in reading.members():
        table = _table_of(member, by_member)
        if table is not None and table.area == "tenant":
            break
        if table is not None and table.name in shared:
            plan_ids(load, table, shared[table.name], member)
    own = [table for table in tables if table.area == "tenant"]
    _switch_triggers(load, own, "DISABLE")
    for member in reading.members():
        table = _table_of(member, by_member)
        if table is not None and (table.area == "tenant" or table.name in shared):
            load_rows(load, table, shared.get(table.name) if table.area == "public" else None, member)
    # Keys are checked here and not at the commit, since triggers cannot be switched while checks wait.
    load.raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _switch_triggers(load, own, "ENABLE")
    compared = 0
    for table in tables:
        portable = shared.get(table.name) if table.area == "public" else None
        if table.area == "tenant" or portable is not None:
            condition = condition_for(identifier, portable.rows) if portable else ""
            compare_rows(load, table, portable, condition)
            compared += 1
    return compared


def _table_of(member: Member, tables: dict[tuple[str, str], Table]) -> Table | None:
    parts = member.name.split("/")
    return tables.get((parts[1], parts[2].split(".")[0])) if parts[0] == "rows" else None


def _switch_triggers(load: Load, tables: list[Table], to: str) -> None:
    """Switch the triggers off that refuse to write into what is published; keys are checked as ever."""
    for table in tables:
        statement = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
        load.raw.execute(statement.format(sql.Identifier(load.schema, table.name), sql.SQL(to)))


def _check_columns(load: Load, tables: list[Table]) -> None:
    """Refuse an archive with tables or columns that are not here."""
    here = {(table.area, table.name): set(table.columns) for table in tables_of(load.raw, load.schema)}
    for table in tables:
        unknown = set(table.columns) - here.get((table.area, table.name), set())
        if unknown:
            raise ArchiveRefused(problem="unknown_columns", table=table.name, columns=sorted(unknown))


def _wanted(as_copy: bool) -> dict[str, PortableTable]:
    """Return the shared tables to load; of a copy the people alone."""
    return {
        table.table: table for table in portable_tables() if not as_copy or table.belongs is Belongs.PEOPLE
    }


def _facts(said: dict[str, Any], as_copy: bool) -> dict[str, Any]:
    """Return what the organization's row takes over; a closing one is opened, a copy is closed."""
    facts = {name: said[name] for name in FACTS if name != "slug" and name in said}
    for name in _INSTANTS & facts.keys():
        facts[name] = datetime.fromisoformat(facts[name]) if facts[name] else None
    state = OrganizationState(facts["state"])
    if state not in OPEN_STATES | {OrganizationState.SUSPENDED}:
        before = facts["state_before"]
        state = OrganizationState(before) if before in OPEN_STATES else OrganizationState.ACTIVE
    if as_copy:
        facts |= {
            "state_before": state if state in OPEN_STATES else OrganizationState.ACTIVE,
            "state_reason": f"Copy of {said['slug']}, restored from an archive.",
            "state_changed_at": clock.now(),
            "suspension": Suspension.FULL,
        }
        state = OrganizationState.SUSPENDED
    return {**facts, "state": state}
