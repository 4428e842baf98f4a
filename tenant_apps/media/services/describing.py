"""What the library says of a file."""

import uuid
from typing import TypedDict, Unpack

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.media.models import StoredFile
from tenant_apps.media.policies import UPLOAD, visible_files
from tenants.context import current_organization


class FileFacts(TypedDict, total=False):
    """Plain texts; a key left out stays as it is."""

    alt_text: str
    caption: str


def describe_file(*, actor: Actor, file_id: uuid.UUID, **facts: Unpack[FileFacts]) -> StoredFile:
    """Write alternative text and caption of a file and return it. Published versions keep their own texts.

    Raises:
        NotFound: no such file, or none the actor may know of.
        Forbidden: the actor may not add to the library.
    """
    with entry_transaction():
        file = visible_files(actor).filter(pk=file_id).select_for_update(of=("self",), no_key=True).first()
        if file is None:
            raise NotFound
        require(actor, UPLOAD)
        changes = {
            name: [getattr(file, name), value]
            for name, value in facts.items()
            if getattr(file, name) != value
        }
        if changes:
            for name, (_, value) in changes.items():
                setattr(file, name, value)
            file.save_fields(*changes)
            do_record(
                actor=actor,
                action=UPLOAD.name,
                organization_id=current_organization().id,
                target=file,
                changes=changes,
            )
    return file
