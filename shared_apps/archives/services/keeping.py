"""Write archives that were asked for, keep them for their time, and remove them."""

import tempfile
import uuid
from datetime import timedelta
from typing import IO, Any

import structlog
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.errors import NothingToExport
from shared_apps.archives.models import Archive
from shared_apps.archives.services.dumping import spelling_full_disk, write_archive
from shared_apps.archives.types import Contents
from shared_apps.audit.services import do_record
from shared_apps.core import clock, signing
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.errors import JobLost
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import report_progress, run_job

log = structlog.get_logger(__name__)


def run_export(*, job_id: str, organization_id: str) -> None:
    """Do the job of an export, in the shared schema. Safe to repeat after a kill anywhere."""
    run_job(job_id, organization_id=uuid.UUID(organization_id), work=_export)


def remove_expired() -> int:
    """Remove the files of archives whose time is over; return how many."""
    over = Archive.objects.filter(state=ArchiveState.READY, expires_at__lt=clock.now())
    number = 0
    for archive in over.order_by("id")[:500]:
        archive_storage().delete(archive.storage_key)
        archive.state = ArchiveState.REMOVED
        archive.save_fields("state")
        number += 1
    return number


def open_archive(archive: Archive) -> IO[Any]:
    """Open the file of a ready archive; FileNotFoundError when somebody removed it."""
    return archive_storage().open(archive.storage_key, "rb")


def archive_storage() -> Storage:
    """Return where archives are kept."""
    return storages["archives"]


def _export(job: Job) -> dict[str, Any]:
    archive = Archive.objects.select_related("organization").get(pk=uuid.UUID(job.arguments["archive_id"]))
    if archive.state == ArchiveState.READY:  # the worker died after its last commit but one
        return _facts(archive)
    if archive.state == ArchiveState.FAILED:  # tried again by an operator
        archive.state, archive.error_code = ArchiveState.BUILDING, ""
        archive.save_fields("state", "error_code")
    _remove_earlier_attempts(archive, job)
    try:
        return _facts(_write(archive, job))
    except DomainError as error:
        _fail(archive, error.code)
        raise
    except JobLost:
        raise
    except Exception:
        if archive.organization.state in {"deleting", "deleted"}:
            _fail(archive, NothingToExport.code)
        raise


def _write(archive: Archive, job: Job) -> Archive:
    """Write into a file without a name, which a kill removes; then into the storage; then say so."""
    key = _key(archive, job.attempts)
    with tempfile.TemporaryFile(prefix="archive-") as spool:
        contents = write_archive(
            spool,
            organization=archive.organization,
            report=lambda done, expected: report_progress(job, done=done, total=expected),
        )
        spool.seek(0)
        report_progress(job, done=job.total)
        try:
            with spelling_full_disk():
                archive_storage().save(key, File(spool))
            return _finish(archive, job, key, contents)
        except BaseException:
            archive_storage().delete(key)
            raise


def _finish(archive: Archive, job: Job, key: str, contents: Contents) -> Archive:
    with entry_transaction():
        report_progress(job, done=job.total)  # refuses when another worker has the job by now
        now = clock.now()
        archive.state, archive.storage_key = ArchiveState.READY, key
        archive.size, archive.sha256 = contents.size, contents.sha256
        archive.rows, archive.files = contents.rows, contents.files
        archive.schema_level = contents.schema_level
        archive.key_id = signing.key_id(signing.public_key())
        archive.finished_at, archive.expires_at = now, now + timedelta(seconds=archive.keep_seconds)
        archive.save_fields(
            *("state", "storage_key", "size", "sha256", "rows", "files"),
            *("schema_level", "key_id", "finished_at", "expires_at"),
        )
        do_record(
            actor=system_actor("archives.export", archive.organization_id),
            action="archives.ready",
            organization_id=archive.organization_id,
            target=archive,
            changes={"sha256": archive.sha256, "bytes": archive.size},
        )
    log.info("archive_ready", archive=str(archive.id), bytes=archive.size, rows=archive.rows)
    return archive


def _fail(archive: Archive, code: str) -> None:
    archive.state, archive.error_code = ArchiveState.FAILED, code
    archive.save_fields("state", "error_code")


def _remove_earlier_attempts(archive: Archive, job: Job) -> None:
    for attempt in range(1, job.attempts):
        archive_storage().delete(_key(archive, attempt))


def _key(archive: Archive, attempt: int) -> str:
    return f"{archive.organization_id.hex}/{archive.id.hex}-{attempt}.archive"


def _facts(archive: Archive) -> dict[str, Any]:
    return {
        "archive_id": str(archive.id),
        "bytes": archive.size,
        "sha256": archive.sha256,
        "rows": archive.rows,
        "files": archive.files,
    }
