"""An organization with a row in every table and a file, really committed, and its archive."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from shared_apps.archives.services.dumping import write_archive
from tenant_apps.media.models import StoredFile
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.world import World, build_world

FILE = b"%PDF-1.4\n" + bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    """Keep this test's files apart: every test's organization has the same id, and so the same folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(committed: None, acme: Organization, _own_files: None) -> World:
    """Acme, filled; with a stored file whose bytes are there."""
    made = build_world(acme, "MARKED")
    with in_organization(acme):
        key = "files/0123456789abcdef.pdf"
        if default_storage.exists(key):
            default_storage.delete(key)
        default_storage.save(key, ContentFile(FILE))
        default_storage.delete(made.mark)  # the bytes the world keeps there: this file stands in for it
        StoredFile.objects.filter(pk=made.ids["files"]).update(storage_key=key, size=len(FILE))
    return made


@pytest.fixture
def packed(world: World) -> Callable[[], bytes]:
    """Return a function that exports the organization now."""

    def pack() -> bytes:
        sink = io.BytesIO()
        write_archive(sink, organization=world.organization)
        return sink.getvalue()

    return pack
