"""Cursors of the learner's list: an enrollment id and a direction, opaque to the caller."""

import base64
import binascii
import uuid

from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from shared_apps.core.errors import InvalidInput
from tenant_apps.learning.selectors.library import LibraryPage

_OLDER, _NEWER = b"o", b"n"


class BadCursor(InvalidInput):
    """The cursor is none of ours."""

    code = "bad_cursor"
    title = "The cursor has a wrong form."
    advice = "Follow the addresses in `next` and `previous` as they are."


def read_cursor(cursor: str | None) -> dict[str, uuid.UUID]:
    """Return the selector's argument that the cursor stands for, nothing for no cursor.

    Raises:
        BadCursor: it was not made by `page_links`.
    """
    if cursor is None:
        return {}
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        if len(raw) != 17 or raw[:1] not in {_OLDER, _NEWER}:
            raise BadCursor(field="cursor")
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadCursor(field="cursor") from error
    return {"older_than" if raw[:1] == _OLDER else "newer_than": uuid.UUID(bytes=raw[1:])}


def page_links(request: Request, page: LibraryPage) -> dict[str, str | None]:
    """Return `next` and `previous` of the page, whole addresses or None."""
    links: dict[str, str | None] = {"next": None, "previous": None}
    if not page.courses:
        return links
    here = request.build_absolute_uri()
    if page.has_older:
        links["next"] = _address(here, _OLDER, page.courses[-1]["enrollment_id"])
    if page.has_newer:
        links["previous"] = _address(here, _NEWER, page.courses[0]["enrollment_id"])
    return links


def _address(here: str, direction: bytes, enrollment_id: uuid.UUID) -> str:
    cursor = base64.urlsafe_b64encode(direction + enrollment_id.bytes).rstrip(b"=").decode()
    return replace_query_param(here, "cursor", cursor)
