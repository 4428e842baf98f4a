"""Read what is stored."""

import uuid
from collections.abc import Collection, Mapping
from typing import IO, Any

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet, Sum

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.media.models import StoredFile
from tenant_apps.media.policies import VIEW, visible_files
from tenant_apps.media.types import FileRow

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def list_files(actor: Actor, *, search: str = "", content_type: str = "") -> QuerySet[StoredFile]:
    """Return the files, newest first.

    Args:
        actor: who asks.
        search: must occur in name, alternative text or caption, in any case.
        content_type: one type, or its first part ("image") for all of its kind.

    Raises:
        Forbidden: the role does not see the library.
    """
    require(actor, VIEW)
    found = visible_files(actor)
    if search:
        words = Q(name__icontains=search) | Q(alt_text__icontains=search) | Q(caption__icontains=search)
        found = found.filter(words)
    if content_type:
        kind = content_type if "/" in content_type else f"{content_type}/"
        found = found.filter(content_type__startswith=kind)
    return found


def get_file(actor: Actor, file_id: uuid.UUID) -> StoredFile:
    """Return one file.

    Raises:
        NotFound: no such file, or none the actor may know of.
    """
    found = visible_files(actor).filter(pk=file_id).first()
    if found is None:
        raise NotFound
    return found


def existing_file_ids(file_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the ids that are files of the current organization."""
    return set(StoredFile.objects.filter(pk__in=file_ids).values_list("pk", flat=True))


def is_picture(file_id: uuid.UUID) -> bool:
    """Tell whether the id is that of a file of the current organization that browsers show as a picture."""
    return StoredFile.objects.filter(pk=file_id, content_type__in=PICTURES).exists()


def sum_bytes() -> int:
    """Return how much the current organization's stored files weigh together, in bytes."""
    return int(StoredFile.objects.aggregate(total=Sum("size"))["total"] or 0)


def files_by_id(file_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, FileRow]:
    """Return those of the files that the current organization has. No policy is asked: for code that has
    already decided."""
    return StoredFile.objects.in_bulk(list(file_ids))


def open_file(file: FileRow) -> IO[Any]:
    """Open the bytes of a file; whoever takes it closes it, FileNotFoundError when they are gone."""
    return default_storage.open(file.storage_key, "rb")
