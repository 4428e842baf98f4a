"""Bytes and rows stay together."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from shared_apps.core.actors import Actor, ActorKind, Role
from tenant_apps.media.errors import FileNameRefused
from tenant_apps.media.models import StoredFile
from tenant_apps.media.services.storing import store_file
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.measures import in_parallel

PDF = b"%PDF-1.7\n%%EOF\n"


def _admin(organization: Organization, member: Callable[..., Any]) -> Actor:
    made = member(organization, Role.ADMIN)
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=made.user_id,
        membership_id=made.id,
        organization_id=organization.id,
        role=Role.ADMIN,
    )


def _stored_bytes() -> list[str]:
    folder = Path(default_storage.path("files"))
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.feature("SEC-04")
@pytest.mark.parametrize(
    "name", ["../a.pdf", "a/b.pdf", "a\\b.pdf", "a\x00.pdf", "a\u202efdp.pdf", "", "...", "x" * 197 + ".pdf"]
)
def test_names_that_are_paths_or_tricks_are_refused(
    acme: Organization, member: Callable[..., Any], name: str
) -> None:
    actor = _admin(acme, member)
    with in_organization(acme), pytest.raises(FileNameRefused):
        store_file(actor=actor, name=name, stream=io.BytesIO(PDF))


def test_bytes_go_away_when_the_row_fails(acme: Organization, member: Callable[..., Any]) -> None:
    actor = _admin(acme, member)
    with in_organization(acme):
        before = _stored_bytes()
        broken = Actor(kind=ActorKind.SYSTEM, label="x" * 10_000, organization_id=acme.id)
        with pytest.raises(Exception, match="too long"):
            store_file(actor=broken, name="a.pdf", stream=io.BytesIO(PDF))
        assert StoredFile.objects.count() == 0
        assert _stored_bytes() == before
        assert store_file(actor=actor, name="a.pdf", stream=io.BytesIO(PDF)).size == len(PDF)


def test_two_uploads_of_one_file_at_once_make_one(
    committed: None, acme: Organization, member: Callable[..., Any]
) -> None:
    actor = _admin(acme, member)
    with in_organization(acme):
        before = _stored_bytes()

    results = in_parallel(
        acme, [lambda: store_file(actor=actor, name="race.pdf", stream=io.BytesIO(PDF)).id] * 6
    )

    assert len(set(results)) == 1
    with in_organization(acme):
        kept = StoredFile.objects.get()
        assert set(_stored_bytes()) - set(before) == {Path(kept.storage_key).name}
