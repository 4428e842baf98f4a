"""Read archives."""

import uuid

from django.db.models import QuerySet

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive
from shared_apps.archives.policies import visible_archives
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound


def finished_export(organization_id: uuid.UUID) -> Archive | None:
    """Return the newest archive of the organization that is written and still kept, or None."""
    ready = Archive.objects.filter(organization_id=organization_id, state=ArchiveState.READY)
    return ready.order_by("-id").first()


def list_archives(actor: Actor, *, organization_id: uuid.UUID | None) -> QuerySet[Archive]:
    """Return the archives the actor may see, newest first; of one organization unless it is None."""
    archives = visible_archives(actor).order_by("-id")
    return archives if organization_id is None else archives.filter(organization_id=organization_id)


def get_archive(actor: Actor, archive_id: uuid.UUID) -> Archive:
    """Return one archive.

    Raises:
        NotFound: there is none, or not the actor's to see.
    """
    archive = visible_archives(actor).filter(pk=archive_id).first()
    if archive is None:
        raise NotFound
    return archive
