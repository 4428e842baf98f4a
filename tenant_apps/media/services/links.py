"""Short-lived addresses of files, good for one organization, one file, one member and five minutes."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.media.errors import LinkExpired
from tenant_apps.media.models import StoredFile
from tenant_apps.media.policies import DOWNLOAD, VIEW, visible_files
from tenants.context import current_organization

LIFETIME: Final = timedelta(minutes=5)
# What every browser shows in a page without running anything of it.
_VIEWABLE: Final = frozenset({"application/pdf", "image/png", "image/jpeg", "image/gif"})


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A path on the organization's host, and when it stops working."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """An opened file; whoever takes it closes the stream."""

    file: StoredFile
    stream: IO[Any]


def make_link(*, file_id: uuid.UUID, member_id: uuid.UUID) -> DownloadLink:
    """Return a link for the member. The caller has decided that the member may have the file; no query."""
    return _link("download", file_id=file_id, member_id=member_id)


def make_view_link(*, file_id: uuid.UUID, member_id: uuid.UUID) -> DownloadLink:
    """Return a link that shows the file in a page, and that no change makes a download of. The caller has
    decided that the member may see the file, and that it `is_viewable`; no query."""
    return _link("view", file_id=file_id, member_id=member_id)


def is_viewable(content_type: str) -> bool:
    """Tell whether files of the type can be shown in a page."""
    return content_type in _VIEWABLE


def _link(purpose: str, *, file_id: uuid.UUID, member_id: uuid.UUID) -> DownloadLink:
    expires_at = clock.now().replace(microsecond=0) + LIFETIME
    claims = {"f": file_id.hex, "m": member_id.hex, "e": int(expires_at.timestamp())}
    signature = _signer(purpose).sign_object(claims)
    return DownloadLink(f"/api/v1/files/{file_id}/{purpose}?sig={signature}", expires_at)


def get_link(*, actor: Actor, file_id: uuid.UUID) -> DownloadLink:
    """Return a link for the actor, who sees the library.

    Raises:
        Forbidden: the role does not.
        NotFound: no such file.
    """
    require(actor, VIEW)
    if not visible_files(actor).filter(pk=file_id).exists():
        raise NotFound
    return make_link(file_id=file_id, member_id=actor.member_id)


def open_download(*, actor: Actor, file_id: uuid.UUID, signature: str) -> Download:
    """Open the file for the holder of a link.

    A browser follows a link without a bearer token, so nobody needs to be signed in; somebody who is must be
    the member the link was made for.

    Raises:
        NotFound: the signature is wrong, of another organization, file, member or purpose, or the file is
            gone.
        LinkExpired: it was right, but more than five minutes ago.
    """
    return _open("download", actor=actor, file_id=file_id, signature=signature)


def open_view(*, actor: Actor, file_id: uuid.UUID, signature: str) -> Download:
    """Open the file for the holder of a link to look at it; as `open_download`.

    Raises:
        NotFound: also for a type that no page shows.
        LinkExpired: as for `open_download`.
    """
    found = _open("view", actor=actor, file_id=file_id, signature=signature)
    if not is_viewable(found.file.content_type):
        found.stream.close()
        raise NotFound
    return found


def _open(purpose: str, *, actor: Actor, file_id: uuid.UUID, signature: str) -> Download:
    require(actor, DOWNLOAD)
    try:
        claims = _signer(purpose).unsign_object(signature)
    except BadSignature:
        raise NotFound from None
    if claims["f"] != file_id.hex or (
        actor.is_authenticated and actor.membership_id != uuid.UUID(claims["m"])
    ):
        raise NotFound
    if clock.now() >= datetime.fromtimestamp(claims["e"], UTC):
        raise LinkExpired
    found = StoredFile.objects.filter(pk=file_id).first()
    if found is None:
        raise NotFound
    try:
        return Download(found, default_storage.open(found.storage_key, "rb"))
    except FileNotFoundError:
        raise NotFound from None


def _signer(purpose: str) -> Signer:
    # Organization and purpose are part of the key, so a link of one is noise to another.
    return Signer(salt=f"media.{purpose}:{current_organization().id.hex}")
