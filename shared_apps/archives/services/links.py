"""Short-lived addresses of archives, good for one archive, one person, one host and five minutes."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

from django.core.signing import BadSignature, Signer

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.errors import ArchiveGone, ArchiveLinkExpired, ArchiveNotReady
from shared_apps.archives.models import Archive
from shared_apps.archives.policies import DOWNLOAD, VIEW
from shared_apps.archives.selectors.archives import get_archive
from shared_apps.archives.services.keeping import open_archive
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenants.context import current_organization_or_none, in_public

LIFETIME: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ArchiveLink:
    """A path on the host that was asked, and when it stops working."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ArchiveDownload:
    """An opened archive; whoever takes it closes the stream."""

    name: str
    size: int
    stream: IO[Any]


def make_archive_link(*, actor: Actor, archive_id: uuid.UUID) -> ArchiveLink:
    """Return a link for the actor; audited, since whoever holds the archive holds the organization's data.

    Raises:
        NotFound: no such archive, or not the actor's to see.
        ArchiveNotReady, ArchiveGone: there is no file, yet or any more.
    """
    with entry_transaction():
        require(actor, VIEW)
        archive = get_archive(actor, archive_id)
        _check_ready(archive)
        do_record(
            actor=actor,
            action="archives.link",
            organization_id=archive.organization_id,
            target=archive,
        )
    expires_at = clock.now().replace(microsecond=0) + LIFETIME
    claims = {"a": archive.id.hex, "u": str(actor.user_id), "e": int(expires_at.timestamp())}
    signature = _signer().sign_object(claims)
    return ArchiveLink(f"/api/v1/archives/{archive.id}/download?sig={signature}", expires_at)


def open_archive_download(*, actor: Actor, archive_id: uuid.UUID, signature: str) -> ArchiveDownload:
    """Open the archive for the holder of a link; a browser follows it without a bearer token.

    Raises:
        NotFound: the signature is wrong, of another host, archive or person, or the file is gone.
        ArchiveLinkExpired: it was right, but more than five minutes ago.
        ArchiveGone: the archive was removed meanwhile.
    """
    require(actor, DOWNLOAD)
    try:
        claims = _signer().unsign_object(signature)
    except BadSignature:
        raise NotFound from None
    if claims["a"] != archive_id.hex or (actor.is_authenticated and claims["u"] != str(actor.user_id)):
        raise NotFound
    if clock.now() >= datetime.fromtimestamp(claims["e"], UTC):
        raise ArchiveLinkExpired
    current = current_organization_or_none()
    with in_public():
        archive = Archive.objects.select_related("organization").filter(pk=archive_id).first()
        if archive is None or (current is not None and archive.organization_id != current.id):
            raise NotFound
        _check_ready(archive)
        with entry_transaction():
            do_record(
                actor=actor if actor.is_authenticated else system_actor("archives.link"),
                action="archives.download",
                organization_id=archive.organization_id,
                target=archive,
                changes={"link_of": claims["u"]},
            )
        try:
            stream = open_archive(archive)
        except FileNotFoundError:
            raise NotFound from None
    name = f"{archive.organization.slug}-{archive.created_at:%Y%m%d-%H%M}.archive"
    return ArchiveDownload(name, archive.size, stream)


def _check_ready(archive: Archive) -> None:
    if archive.state == ArchiveState.REMOVED:
        raise ArchiveGone
    if archive.state != ArchiveState.READY:
        raise ArchiveNotReady(state=archive.state)


def _signer() -> Signer:
    # The host's organization is part of the key, so a link of one host is noise at another.
    current = current_organization_or_none()
    return Signer(salt=f"archives.download:{current.id.hex if current else 'platform'}")
