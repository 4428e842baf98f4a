"""An export as a job: one at a time, nothing half-written to be seen, kept for its time."""

import errno
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import Storage
from django.db import transaction

from shared_apps.archives.content.reading import verify
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.errors import ExportRunning, NothingToExport
from shared_apps.archives.models import Archive
from shared_apps.archives.selectors.archives import finished_export
from shared_apps.archives.services.exporting import do_request_export, request_export
from shared_apps.archives.services.keeping import archive_storage, remove_expired
from shared_apps.archives.tasks import export
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock, signing
from shared_apps.core.actors import Role, system_actor
from shared_apps.core.fair_queue import fair_queue
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from tenants.enums import OrganizationState
from tenants.models import Organization
from tenants.tickets import serve_ticket
from tests.support.client import Caller
from tests.support.world import World

_ACTOR = system_actor("test")


def _ask(organization: Organization) -> Job:
    with transaction.atomic():
        return do_request_export(organization=organization, actor=_ACTOR, reason="leaving")


def _run(job: Job) -> None:
    export(job_id=str(job.id), organization_id=str(job.organization_id))


def _stored(organization: Organization) -> list[str]:
    try:
        return archive_storage().listdir(organization.id.hex)[1]
    except FileNotFoundError:
        return []


@pytest.fixture(autouse=True)
def _empty_storage(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "archives": {**settings.STORAGES["archives"], "OPTIONS": {"location": str(tmp_path / "archives")}},
    }


@pytest.mark.feature("TEN-08")
def test_job_of_a_closed_organization_writes_an_archive_that_verifies(world: World) -> None:
    # given a host that is closed already
    Organization.objects.filter(pk=world.organization.pk).update(state=OrganizationState.CLOSING)
    job = _ask(Organization.objects.get(pk=world.organization.pk))
    # when
    _run(job)
    # then
    job.refresh_from_db()
    archive = Archive.objects.get(job_id=job.id)
    assert (job.state, archive.state) == (JobState.SUCCEEDED, ArchiveState.READY)
    assert job.result["sha256"] == archive.sha256
    assert finished_export(world.organization.id) == archive
    with archive_storage().open(archive.storage_key) as stream:
        body = stream.read()
    assert len(body) == archive.size
    verified = verify(io.BytesIO(body), trusted=[signing.public_key()])
    assert (verified.manifest["rows"], verified.manifest["files"]) == (archive.rows, archive.files)
    assert archive.rows > 30
    assert AuditEvent.objects.filter(action="archives.ready", target_id=str(archive.id)).count() == 1
    # and running the job again changes nothing
    _run(job)
    assert _stored(world.organization) == [archive.storage_key.split("/")[1]]


@pytest.mark.feature("TEN-08")
def test_workers_take_the_export_of_a_closed_organization_in_its_turn(world: World) -> None:
    # given a closed organization whose export waits in the queue, as the request left it
    Organization.objects.filter(pk=world.organization.pk).update(state=OrganizationState.CLOSING)
    fair_queue().forget(world.organization.id)
    job = _ask(Organization.objects.get(pk=world.organization.pk))
    # when a worker asks whose turn it is
    ran = serve_ticket(uuid.uuid4().hex, worker="")
    # then
    assert ran == ["archives.export"]
    assert Archive.objects.get(job_id=job.id).state == ArchiveState.READY


def test_one_export_of_an_organization_at_a_time(world: World, globex: Organization) -> None:
    first = _ask(world.organization)
    with transaction.atomic(), pytest.raises(ExportRunning):  # commits what the refusal left
        do_request_export(organization=world.organization, actor=_ACTOR, reason="again")
    assert Job.objects.filter(kind="archives.export").get() == first
    _ask(globex)
    # when the first has ended, even without an archive
    Job.objects.filter(pk=first.pk).update(state=JobState.FAILED, error_code="worker_lost")
    _ask(world.organization)
    assert Archive.objects.get(job_id=first.id).error_code == "worker_lost"


def test_organization_without_schema_has_nothing_to_export(world: World) -> None:
    Organization.objects.filter(pk=world.organization.pk).update(state=OrganizationState.DELETED)
    with pytest.raises(NothingToExport):
        request_export(actor=_ACTOR, organization_id=world.organization.id)


@pytest.mark.feature("OPS-03")
def test_killed_worker_leaves_no_half_archive_and_the_job_runs_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker that dies while it stores the archive: half of the bytes are there
    job = _ask(world.organization)

    def die(storage: Storage, name: str, content: Any) -> str:
        with storage.open(_made(storage, name), "wb") as half:
            half.write(content.read(500))
        raise _Killed

    monkeypatch.setattr(type(archive_storage()), "save", die)
    monkeypatch.setattr(type(archive_storage()), "delete", lambda *args: None)
    with pytest.raises(_Killed):
        export(job_id=str(job.id), organization_id=str(job.organization_id))
    monkeypatch.undo()
    # then nobody sees it
    archive = Archive.objects.get(job_id=job.id)
    assert archive.state == ArchiveState.BUILDING
    assert archive.storage_key == ""
    # when the sweeper finds the silent job and another worker takes it
    Job.objects.filter(pk=job.pk).update(heartbeat_at=clock.now() - timedelta(minutes=2))
    assert restart_lost_jobs() >= 1
    _run(job)
    # then the archive is whole and alone
    archive.refresh_from_db()
    assert archive.state == ArchiveState.READY
    assert _stored(world.organization) == [archive.storage_key.split("/")[1]]


class _Killed(BaseException):
    """As good as kill -9 for the code: no handler of Exception runs."""


def _made(storage: Storage, name: str) -> str:
    folder = storage.path(name).rsplit("/", 1)[0]
    import os

    os.makedirs(folder, exist_ok=True)
    return name


def test_full_disk_fails_the_job_clearly_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    job = _ask(world.organization)

    def refuse(*args: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(archive_storage()), "save", refuse)
    # when
    _run(job)
    monkeypatch.undo()
    # then
    job.refresh_from_db()
    archive = Archive.objects.get(job_id=job.id)
    assert (job.state, job.error_code) == (JobState.FAILED, "storage_full")
    assert (archive.state, archive.error_code) == (ArchiveState.FAILED, "storage_full")
    assert _stored(world.organization) == []


def test_archives_go_when_their_time_is_over(world: World) -> None:
    job = _ask(world.organization)
    _run(job)
    archive = Archive.objects.get(job_id=job.id)
    assert archive.expires_at == archive.finished_at + timedelta(days=7)  # type: ignore[operator]
    with clock.frozen_at(archive.expires_at + timedelta(seconds=1)):
        remove_expired()
    archive.refresh_from_db()
    assert archive.state == ArchiveState.REMOVED
    assert _stored(world.organization) == []
    assert finished_export(world.organization.id) != archive


def test_admin_exports_and_downloads_and_another_organization_cannot(
    world: World, globex: Organization, sign_in: Any, anonymous: Any, operator: Caller
) -> None:
    # given
    admin, stranger = sign_in(world.organization, Role.ADMIN), sign_in(globex, Role.ADMIN)
    # when
    answer = admin.post("/api/v1/archives", {"reason": "ours"})
    # then
    assert answer.status_code == 202
    made = answer.json()
    assert (made["state"], made["percent"]) == ("building", 0)
    assert admin.post("/api/v1/archives", {}).json()["code"] == "export_running"
    assert admin.get(f"/api/v1/archives/{made['id']}/link").json()["code"] == "archive_not_ready"
    _run(Job.objects.get(pk=made["job_id"]))
    assert admin.get(f"/api/v1/archives/{made['id']}").json()["percent"] == 100
    url = admin.get(f"/api/v1/archives/{made['id']}/link").json()["url"]
    # the link is good on this host alone, and for who asked
    download = anonymous(world.organization).get(url)
    body = b"".join(download.streaming_content)
    assert verify(io.BytesIO(body), trusted=[signing.public_key()]).header["organization"]["slug"] == "acme"
    assert anonymous(globex).get(url).status_code == 404
    assert stranger.get(url).status_code == 404
    assert operator.get(url).status_code == 404
    assert sign_in(world.organization, Role.ADMIN).get(url).status_code == 404
    assert stranger.get(f"/api/v1/archives/{made['id']}").status_code == 404
    with clock.frozen_at(clock.now() + timedelta(minutes=6)):
        assert anonymous(world.organization).get(url).json()["code"] == "link_expired"
    # an operator reaches it on the platform host
    link = operator.get(f"/api/v1/archives/{made['id']}/link").json()["url"]
    assert operator.get(link).status_code == 200
    actions = list(AuditEvent.objects.filter(target_id=made["id"]).values_list("action", flat=True))
    assert sorted(actions) == sorted(
        [
            "archives.export",
            "archives.ready",
            "archives.link",
            "archives.download",
            "archives.link",
            "archives.download",
        ]
    )


def test_operator_exports_any_organization(world: World, operator: Caller) -> None:
    answer = operator.post(
        "/api/v1/archives", {"organization_id": str(world.organization.id), "reason": "move"}
    )
    assert answer.status_code == 202
    listed = operator.get("/api/v1/archives", {"organization_id": str(world.organization.id)}).json()
    assert answer.json()["id"] in [row["id"] for row in listed["results"]]
