"""Import a course from an uploaded zip: checked at once, brought in by a job."""

import dataclasses
import tempfile
import uuid
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError

from shared_apps.core.actors import Actor, ActorKind
from shared_apps.core.errors import Forbidden
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import do_create_job, report_progress, run_job
from tenant_apps.courses.content.errors import BadAllowedHost, CourseFolderError
from tenant_apps.courses.content.zips import ZipRefused, check_zip, unpack_zip
from tenant_apps.courses.errors import CourseFolderRefused, CourseZipRefused, EmbedHostsMisconfigured
from tenant_apps.courses.policies import CREATE
from tenant_apps.courses.selectors.authors import find_author
from tenant_apps.courses.services.importing import ImportOutcome, import_course
from tenants.context import current_organization

JOB: Final = "courses.import"
# Of the zip itself; what may come out of it is told by `content.zips`.
MAX_ZIP_BYTES: Final = settings.MAX_MEDIA_BYTES * 2
_MOST_PROBLEMS: Final = 200


def start_import(*, actor: Actor, stream: IO[bytes], size: int, publish: bool) -> Job:
    """Take a zip of a course folder in, and start the job that imports it.

    The bytes are written before the transaction, since a storage may be a network away; the job removes them.

    Args:
        actor: who acts, a member; the job does it with the rights they have by then.
        stream: seekable.
        size: in bytes.
        publish: publish the version as well.

    Raises:
        Forbidden: the actor may not make courses.
        CourseZipRefused: too large, no zip, or with something in it that is not unpacked.
    """
    require(actor, CREATE)
    if size > MAX_ZIP_BYTES:
        raise CourseZipRefused(field="file", reason="zip_too_large", limit_bytes=MAX_ZIP_BYTES)
    try:
        check_zip(stream)
    except ZipRefused as error:
        raise CourseZipRefused(field="file", reason=error.code, entry=error.entry) from error
    key = f"imports/{new_id().hex}.zip"
    stream.seek(0)
    default_storage.save(key, File(stream))
    try:
        with entry_transaction():
            return do_create_job(
                JOB,
                organization_id=current_organization().id,
                arguments={
                    "key": key,
                    "publish": publish,
                    "member_id": str(actor.member_id),
                    "label": actor.label,
                },
                created_by=actor,
                total=1,
            )
    except BaseException:
        default_storage.delete(key)
        raise


def run_import(*, job_id: str) -> None:
    """Do the job, in the organization. Safe to repeat: an import of what is there changes nothing."""
    run_job(job_id, organization_id=current_organization().id, work=_import)


def _import(job: Job) -> dict[str, Any]:
    key = job.arguments["key"]
    try:
        outcome = _unpacked(job, key)
    except (OperationalError, InterfaceError):  # sent again, and needs the bytes then
        raise
    except BaseException:
        default_storage.delete(key)
        raise
    default_storage.delete(key)
    report_progress(job, done=1)
    facts = dataclasses.asdict(outcome)
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in facts.items()}


def _unpacked(job: Job, key: str) -> ImportOutcome:
    try:
        with tempfile.TemporaryDirectory(prefix="course-") as name, default_storage.open(key, "rb") as stream:
            folder = unpack_zip(stream, Path(name))
            return import_course(actor=_actor_of(job), folder=folder, publish=job.arguments["publish"])
    except FileNotFoundError as error:
        raise CourseZipRefused(reason="zip_gone") from error
    except ZipRefused as error:
        raise CourseZipRefused(reason=error.code, entry=error.entry) from error
    except CourseFolderError as error:
        problems = [dataclasses.asdict(problem) for problem in error.problems[:_MOST_PROBLEMS]]
        raise CourseFolderRefused(problems=problems, count=len(error.problems)) from error
    except BadAllowedHost as error:
        raise EmbedHostsMisconfigured(entry=error.entry) from error


def _actor_of(job: Job) -> Actor:
    """Return the member who asked, with the role they have now.

    Raises:
        Forbidden: they are no active member any more.
    """
    author = find_author(member_id=uuid.UUID(job.arguments["member_id"]))
    if author is None:
        raise Forbidden
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=author.user_id,
        membership_id=author.member_id,
        organization_id=current_organization().id,
        role=author.role,
        label=job.arguments["label"],
    )
