"""A worker is killed in the middle of an export, as the kernel kills: real processes, nothing stands in."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from config.settings import test as of_workers
from shared_apps.archives.content.reading import verify
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.errors import ArchiveNotReady
from shared_apps.archives.models import Archive
from shared_apps.archives.selectors.archives import finished_export
from shared_apps.archives.services.exporting import request_export
from shared_apps.archives.services.keeping import archive_storage
from shared_apps.archives.services.links import make_archive_link
from shared_apps.core import clock, signing
from shared_apps.core.actors import Actor, ActorKind
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from tenants.context import in_organization, in_public
from tests.support.processes import wait_for
from tests.support.worker import drop_queues, working
from tests.support.world import World

OPERATOR = Actor(kind=ActorKind.OPERATOR, label="ops@palaestra.example")
_KEPT: Any = of_workers.STORAGES["archives"]
ARCHIVES = Path(_KEPT["OPTIONS"]["location"])
# Takes long enough to write that a kill meets the middle: it cannot be packed smaller.
LARGE = 48_000_000
# Of the spool or the stored file, when it is killed.
BEGUN = 1_000_000


@pytest.fixture(autouse=True)
def _own_files(settings: Any) -> Iterator[None]:
    """Use the folders that a worker process has by its own settings, empty before and after."""
    settings.MEDIA_ROOT = of_workers.MEDIA_ROOT
    folders = [Path(settings.MEDIA_ROOT), ARCHIVES]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    yield
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_queues(committed: None) -> Iterator[None]:
    drop_queues()
    yield
    drop_queues()


def _stored(archive: Archive) -> dict[str, int]:
    folder = ARCHIVES / archive.organization_id.hex
    return {path.name: path.stat().st_size for path in folder.iterdir()} if folder.exists() else {}


def _spooled(worker: psutil.Process) -> int:
    """Return the size of the largest nameless file that the worker's processes write."""
    largest = 0
    for child in worker.children(recursive=True):
        folder = Path(f"/proc/{child.pid}/fd")
        for entry in folder.iterdir():
            try:
                if "(deleted)" in os.readlink(entry):
                    largest = max(largest, entry.stat().st_size)
            except FileNotFoundError:  # closed meanwhile
                continue
    return largest


def _kill_when(is_there: Callable[[], bool], victims: Callable[[], list[psutil.Process]]) -> None:
    chosen = victims()
    for process in chosen:
        process.nice(19)  # or it may be through before this process is given the time to look
    wait_for(is_there, pause_seconds=0.001)
    for process in chosen:
        process.kill()


def _check_nothing_to_be_seen(archive: Archive) -> None:
    archive.refresh_from_db()
    assert (archive.state, archive.storage_key, archive.size) == (ArchiveState.BUILDING, "", 0)
    assert finished_export(archive.organization_id) is None
    with pytest.raises(ArchiveNotReady):
        make_archive_link(actor=OPERATOR, archive_id=archive.id)


@pytest.mark.feature("TEN-08")
@pytest.mark.slow
@pytest.mark.parametrize("place", ["while it reads, with the whole worker", "while it stores"])
def test_a_worker_killed_in_an_export_leaves_no_half_archive_and_the_job_ends_whole(
    place: str, world: World
) -> None:
    # given an export that a worker has begun
    Archive.objects.filter(organization=world.organization).delete()
    with in_organization(world.organization):
        default_storage.save("files/large.bin", ContentFile(os.urandom(LARGE)))
    with in_public(), working(slots=2, name="first") as worker:
        archive = request_export(actor=OPERATOR, organization_id=world.organization.id, reason="leaving")
        # when it is killed in the middle
        if place == "while it stores":
            _kill_when(
                lambda: any(size > BEGUN for size in _stored(archive).values()),
                lambda: worker.children(recursive=True),
            )
            # then half of a file lies there
            (half,) = _stored(archive).values()
            assert BEGUN < half < LARGE
        else:
            _kill_when(
                lambda: _spooled(worker) > BEGUN,
                lambda: [worker, *worker.children(recursive=True)],
            )
            assert _stored(archive) == {}
        # and nobody takes it for an archive
        _check_nothing_to_be_seen(archive)
        assert archive.job_id is not None
        job = Job.objects.get(pk=archive.job_id)
        assert (job.state, job.attempts) == (JobState.RUNNING, 1)
    # when the sweep finds the silent job, and a worker is there
    with in_public(), working(slots=2, name="second"):
        _check_nothing_to_be_seen(archive)
        with clock.frozen_at(clock.now() + timedelta(seconds=61)):
            assert restart_lost_jobs() >= 1
        wait_for(lambda: Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED)
    # then there is one archive, whole
    archive.refresh_from_db()
    job.refresh_from_db()
    assert (archive.state, job.attempts) == (ArchiveState.READY, 2)
    assert _stored(archive) == {archive.storage_key.split("/")[1]: archive.size}
    assert archive.size > LARGE
    with in_public(), archive_storage().open(archive.storage_key) as stream:
        verified = verify(io.BytesIO(stream.read()), trusted=[signing.public_key()])
    assert (verified.manifest["rows"], verified.manifest["files"]) == (archive.rows, archive.files)
    assert archive.files == 2
