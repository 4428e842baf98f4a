"""Which addresses of a lesson's files a reader gets. The one rule of the flag "downloadable": where it is
off, nobody is given an address to download from; a document can then be looked at, if browsers can show it,
and a resource cannot be had at all. Authors find the files in the library."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from tenant_apps.courses.types import DocumentFacts, OutlineResource
from tenant_apps.media.services.links import DownloadLink, is_viewable, make_link, make_view_link


@dataclass(frozen=True, slots=True)
class Handout:
    """A file for one reader.

    Attributes:
        url: downloads it; None where it is not to be downloaded.
        view_url: shows it in the page and cannot be turned into a download; None for types that no browser
            shows.
        url_expires_at: of both.
    """

    id: uuid.UUID
    name: str
    content_type: str
    size: int
    url: str | None
    view_url: str | None
    url_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ResourceHandout:
    """A resource for one reader. `url` is the address elsewhere or None; `file` has its own addresses."""

    id: uuid.UUID
    title: str
    position: int
    is_downloadable: bool
    url: str | None
    file: Handout | None


def hand_out_document(document: DocumentFacts, *, is_downloadable: bool, member_id: uuid.UUID) -> Handout:
    """Return the document of a lesson for a member who may read the lesson; no query."""
    link = make_link(file_id=document.id, member_id=member_id) if is_downloadable else None
    view = (
        make_view_link(file_id=document.id, member_id=member_id)
        if is_viewable(document.content_type)
        else None
    )
    return _handout(document, link.url if link else None, view.url if view else None, link or view)


def hand_out_resource(resource: OutlineResource, *, member_id: uuid.UUID) -> ResourceHandout:
    """Return a resource of a lesson for a member who may read the lesson; no query."""
    file = resource.file
    link = make_link(file_id=file.id, member_id=member_id) if file and resource.is_downloadable else None
    return ResourceHandout(
        id=resource.id,
        title=resource.title,
        position=resource.position,
        is_downloadable=resource.is_downloadable,
        url=(resource.url or None) if resource.is_downloadable else None,
        file=_handout(file, link.url if link else None, None, link) if file else None,
    )


def _handout(
    file: DocumentFacts, url: str | None, view_url: str | None, link: DownloadLink | None
) -> Handout:
    return Handout(
        id=file.id,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        url=url,
        view_url=view_url,
        url_expires_at=link.expires_at if link else None,
    )
