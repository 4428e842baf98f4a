"""Ask for an export."""

import uuid
from datetime import timedelta
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.errors import ExportRunning, NothingToExport
from shared_apps.archives.models import Archive
from shared_apps.archives.policies import EXPORT
from shared_apps.archives.selectors.archives import get_archive
from shared_apps.archives.services.dumping import write_archive
from shared_apps.archives.types import Contents, Report, no_report
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor, ActorKind
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import do_create_job
from tenants.context import in_public
from tenants.enums import OrganizationState
from tenants.models import Organization

JOB = "archives.export"
_WITHOUT_DATA = frozenset(
    {OrganizationState.PROVISIONING, OrganizationState.DELETING, OrganizationState.DELETED}
)


def request_export(*, actor: Actor, organization_id: uuid.UUID, reason: str = "") -> Archive:
    """Start an export of an organization; its archive says how far it is.

    Raises:
        NotFound: there is no such organization, or it is not the actor's.
        ExportRunning: one runs already.
        NothingToExport: it has no schema.
    """
    with in_public(), entry_transaction():
        require(actor, EXPORT)
        if actor.kind is ActorKind.MEMBER and actor.organization_id != organization_id:
            raise NotFound(organization=str(organization_id))
        organization = Organization.objects.filter(id=organization_id).first()
        if organization is None:
            raise NotFound(organization=str(organization_id))
        job = do_request_export(organization=organization, actor=actor, reason=reason)
        return get_archive(actor, uuid.UUID(job.arguments["archive_id"]))


def do_request_export(
    *, organization: Organization, actor: Actor, reason: str, keep_for: timedelta | None = None
) -> Job:
    """Make the archive's row and the job that writes it. Needs an open transaction in the shared schema.

    The job reads what is committed when it runs, whatever state the organization is in by then; it ends
    without an archive if the schema is gone.

    Args:
        actor: who asks; the caller checked that they may.
        reason: for the audit log and the list of archives.
        keep_for: how long the archive is kept once written; ARCHIVE_LIFETIME when None.

    Raises:
        ExportRunning: another export of the organization has not ended; its snapshot may be older than what
            the caller wants kept, so it is not answered instead.
        NothingToExport: the organization has no schema.
    """
    require_transaction()
    if organization.state in _WITHOUT_DATA:
        raise NothingToExport(state=organization.state)
    _do_close_abandoned(organization.id)
    archive_id = new_id()
    keep = settings.ARCHIVE_LIFETIME if keep_for is None else keep_for
    try:
        with transaction.atomic():  # the job too: a caller that bears the refusal must not commit it alone
            job = do_create_job(
                JOB,
                organization_id=organization.id,
                arguments={"archive_id": str(archive_id)},
                created_by=actor,
            )
            archive = Archive.objects.create(
                id=archive_id,
                organization=organization,
                job_id=job.id,
                reason=reason,
                requested_by_id=actor.user_id,
                requested_by=actor.label,
                keep_seconds=int(keep.total_seconds()),
            )
    except IntegrityError as error:
        raise ExportRunning from error
    do_record(
        actor=actor,
        action=EXPORT.name,
        organization_id=organization.id,
        target=archive,
        changes={"reason": reason},
    )
    return job


def export_to_file(
    *, actor: Actor, organization: str, sink: BinaryIO, report: Report | None = None
) -> Contents:
    """Write an archive of the organization at once, for operators at a terminal; it is audited first.

    Args:
        organization: slug or id.
        sink: open for writing bytes; read or moved by the caller once this returned.

    Raises:
        NotFound: there is no such organization.
        NothingToExport: it has no schema.
        StorageFull: there is no room.
    """
    with in_public():
        with entry_transaction():
            require(actor, EXPORT)
            found = find_organization(organization)
            do_record(
                actor=actor,
                action=EXPORT.name,
                organization_id=found.id,
                target=found,
                changes={"reason": "command"},
            )
        return write_archive(sink, organization=found, report=report or no_report)


def find_organization(name: str) -> Organization:
    """Return the organization of this slug or id.

    Raises:
        NotFound: there is none.
    """
    try:
        condition = Q(id=uuid.UUID(name))
    except ValueError:
        condition = Q(slug=name)
    found = Organization.objects.filter(condition).first()
    if found is None:
        raise NotFound(organization=name)
    return found


def _do_close_abandoned(organization_id: uuid.UUID) -> None:
    """Fail an archive whose job ended without it: given up after its tries, or ended from outside."""
    for archive in Archive.objects.filter(organization_id=organization_id, state=ArchiveState.BUILDING):
        job = Job.objects.filter(id=archive.job_id).first() if archive.job_id else None
        if job is None or job.state == JobState.FAILED:
            archive.state = ArchiveState.FAILED
            archive.error_code = job.error_code if job else "job_gone"
            archive.save_fields("state", "error_code")
