"""Take a file in: check it, write its bytes, then its row."""

import hashlib
import unicodedata
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection

from billing.entitlements import MEGABYTE, STORAGE_MB
from billing.selectors.entitlements import entitlements_of, refuse_over_limit
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.media.content.kinds import MEDIA_TYPES, dimensions, extension_of, is_of_its_type
from tenant_apps.media.errors import FileEmpty, FileNameRefused, FileTooLarge, FileTypeRefused
from tenant_apps.media.models import StoredFile
from tenant_apps.media.policies import UPLOAD
from tenant_apps.media.selectors.files import PICTURES, sum_bytes
from tenants.context import current_organization

_CHUNK = 1 << 20
_MAX_NAME = 200


def store_file(*, actor: Actor, name: str, stream: BinaryIO) -> StoredFile:
    """Store the file and return its row; the same bytes under the same name are the file that is there.

    The bytes are written before the transaction, since a storage may be a network away, and taken away again
    when the row is not committed. A process killed in between leaves bytes that no row names.

    Args:
        actor: who uploads.
        name: the file's own name, no path.
        stream: seekable; read from its start.

    Raises:
        Forbidden: the actor may not upload.
        FileNameRefused, FileEmpty, FileTooLarge, FileTypeRefused: see there.
        PlanLimitReached: the organization's plan holds no such amount of files.
    """
    require(actor, UPLOAD)
    clean_name = _checked_name(name)
    extension = extension_of(clean_name)
    if extension not in MEDIA_TYPES:
        raise FileTypeRefused(field="file", allowed=sorted(MEDIA_TYPES))
    size, sha256 = _measured(stream)
    if not is_of_its_type(stream, extension):
        raise FileTypeRefused(field="file", allowed=sorted(MEDIA_TYPES), extension=extension)
    known = _find(sha256, clean_name)
    if known is not None:
        return known
    made = StoredFile(
        name=clean_name,
        content_type=MEDIA_TYPES[extension],
        size=size,
        sha256=sha256,
        storage_key=f"files/{new_id().hex}{extension}",
        uploaded_by_id=actor.membership_id,
    )
    made.width, made.height = dimensions(stream) if made.content_type in PICTURES else (None, None)
    return _write(actor, made, stream)


def _write(actor: Actor, made: StoredFile, stream: BinaryIO) -> StoredFile:
    stream.seek(0)
    default_storage.save(made.storage_key, File(stream))
    try:
        with entry_transaction():
            _keep_within_plan(made.size)
            made.save(force_insert=True)
            do_record(
                actor=actor,
                action=UPLOAD.name,
                organization_id=current_organization().id,
                target=made,
                changes={"name": made.name, "size": made.size, "sha256": made.sha256},
            )
    except IntegrityError:
        # Somebody stored the same file meanwhile; theirs is as good.
        default_storage.delete(made.storage_key)
        known = _find(made.sha256, made.name)
        if known is None:
            raise
        return known
    except BaseException:
        default_storage.delete(made.storage_key)
        raise
    return made


def _keep_within_plan(size: int) -> None:
    """Refuse what the plan's storage does not hold; where there is a limit, uploads wait for each other's
    commit, since two at once would each fit.

    Raises:
        PlanLimitReached: facts in megabytes.
    """
    organization_id = current_organization().id
    if entitlements_of(organization_id).limit(STORAGE_MB) is None:
        return
    with connection.cursor() as cursor:
        key = f"media:{organization_id.hex}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    refuse_over_limit(organization_id, STORAGE_MB, used=sum_bytes(), more=size, unit=MEGABYTE)


def _find(sha256: str, name: str) -> StoredFile | None:
    return StoredFile.objects.filter(sha256=sha256, name=name).first()


def _checked_name(name: str) -> str:
    clean = unicodedata.normalize("NFC", name).strip()
    # Format characters too: a right-to-left mark can make "gpj.exe" read as a picture.
    bad = any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in clean)
    if bad or not clean.strip(".") or len(clean) > _MAX_NAME:
        raise FileNameRefused(field="file")
    return clean


def _measured(stream: BinaryIO) -> tuple[int, str]:
    """Return size and SHA-256, reading no further than the limit."""
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    while piece := stream.read(_CHUNK):
        size += len(piece)
        if size > settings.MAX_MEDIA_BYTES:
            raise FileTooLarge(field="file", limit_bytes=settings.MAX_MEDIA_BYTES)
        digest.update(piece)
    if size == 0:
        raise FileEmpty(field="file")
    return size, digest.hexdigest()
