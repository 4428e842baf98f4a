"""Pictures of a body are stored by the id of their file; readers get addresses that work for them."""

import re
import uuid
from html import escape

from tenant_apps.media.services.links import make_link

_PICTURE = re.compile(r'(<img[^>]* src=")attachment:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^"]*"')


def with_picture_links(body_html: str, member_id: uuid.UUID) -> str:
    """Return clean HTML with every stored picture behind a signed, short-lived link of the member; no query.

    Args:
        body_html: as cleaned and stored.
        member_id: who reads; the caller has decided that they may.
    """

    def linked(found: re.Match[str]) -> str:
        link = make_link(file_id=uuid.UUID(found[2]), member_id=member_id)
        return f'{found[1]}{escape(link.url)}"'

    return _PICTURE.sub(linked, body_html) if "attachment:" in body_html else body_html
