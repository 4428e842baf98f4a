"""The console's pages of archives."""

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shared_apps.accounts.models import User
from shared_apps.archives.content.reading import verify
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive
from shared_apps.archives.services.keeping import run_export
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock, signing
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.support.world import World

HOST = "app.palaestra.test"


def _page(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", urlconf="api.urls_public", args=arguments)


@pytest.fixture
def console(committed: None) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(User.objects.create_user("ops@palaestra.example", "correct-horse", is_staff=True))
    return client


@pytest.mark.feature("TEN-08")
def test_an_operator_exports_an_organization_and_downloads_the_archive(world: World, console: Client) -> None:
    # given
    organization = world.organization
    Archive.objects.all().delete()
    export = _page("tenants_organization_export", organization.id)
    assert b"Export now" in console.get(_page("tenants_organization_change", organization.id)).content
    # when
    asked = console.post(export, {"reason": "moves to another house"})
    # then
    archive = Archive.objects.get(organization=organization)
    assert asked["Location"] == f"{_page('archives_archive_changelist')}?q={organization.id}"
    assert (archive.state, archive.requested_by) == (ArchiveState.BUILDING, "ops@palaestra.example")
    listed = console.get(asked["Location"]).content.decode()
    assert "moves to another house" in listed
    # a second one has to wait
    assert "running" in console.post(export, {"reason": ""}).content.decode()
    assert Archive.objects.filter(organization=organization).count() == 1
    # and what is not written cannot be downloaded
    download = _page("archives_archive_download", archive.id)
    refused = console.get(download)
    assert refused["Location"] == _page("archives_archive_change", archive.id)
    # when the job is done
    run_export(job_id=str(archive.job_id), organization_id=str(organization.id))
    # then
    archive.refresh_from_db()
    shown = console.get(asked["Location"]).content.decode()
    assert "kB" in shown
    assert archive.expires_at is not None
    link = console.get(download)["Location"]
    assert link.startswith(f"/api/v1/archives/{archive.id}/download?sig=")
    answer: Any = console.get(link)
    body = b"".join(answer.streaming_content)
    assert verify(io.BytesIO(body), trusted=[signing.public_key()]).header["organization"]["slug"] == "acme"
    actions = AuditEvent.objects.filter(target_id=str(archive.id)).order_by("id")
    assert list(actions.values_list("action", "actor_label"))[0::2] == [
        ("archives.export", "ops@palaestra.example"),
        ("archives.link", "ops@palaestra.example"),
    ]


def test_nothing_to_export_is_said_at_the_form(console: Client, acme: Organization) -> None:
    Organization.objects.filter(pk=acme.pk).update(state=OrganizationState.DELETED)
    answer = console.post(_page("tenants_organization_export", acme.id), {"reason": "x"})
    assert answer.status_code == 200
    assert not Archive.objects.filter(organization=acme).exists()


def test_a_list_of_archives_costs_the_same_however_many_there_are(
    console: Client, acme: Organization, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        Archive.objects.create(
            organization=acme,
            state=ArchiveState.READY,
            size=1500 + number,
            keep_seconds=60,
            expires_at=clock.now(),
        )
    with django_assert_max_num_queries(8):
        shown = console.get(f"{_page('archives_archive_changelist')}?q=acme").content.decode()
    assert shown.count("1.5 kB") == 30


def test_nobody_else_sees_archives(world: World) -> None:
    answer = Client(headers={"host": HOST}).get(_page("archives_archive_changelist"))
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/console/login/")
