"""Courses over the API as zips of folders."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from shared_apps.jobs.models import Job
from tenant_apps.courses.content import zips
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.services.uploading import run_import
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.course_drafts import new_draft

Sign = Callable[..., Any]
COURSE = """\
slug: tea
title: Tea
language: en
modules:
  - key: basics
    title: Basics
    lessons:
      - {key: water, title: Water, file: water.md}
"""


def _zip(**entries: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return made.getvalue()


def _send(caller: Any, raw: bytes, **fields: Any) -> Any:
    form = {"file": SimpleUploadedFile("tea.zip", raw), **fields}
    return caller.post("/api/v1/courses/import", form, format="multipart")


@pytest.fixture
def bring(acme: Organization) -> Callable[..., dict[str, Any]]:
    def run(caller: Any, raw: bytes, **fields: Any) -> dict[str, Any]:
        answer = _send(caller, raw, **fields)
        assert answer.status_code == 202, answer.content
        with in_organization(acme):
            run_import(job_id=answer.json()["id"])
            key = Job.objects.get(pk=answer.json()["id"]).arguments["key"]
            assert not default_storage.exists(key), "the upload is gone once it was brought in, or refused"
        found: dict[str, Any] = caller.get(answer["Location"]).json()
        return found

    return run


@pytest.mark.feature("CNT-20")
def test_a_zip_becomes_a_course_and_the_same_again_changes_nothing(
    acme: Organization, sign_in: Sign, bring: Callable[..., dict[str, Any]]
) -> None:
    caller = sign_in(acme, Role.INSTRUCTOR)
    raw = _zip(**{"tea/course.yaml": COURSE, "tea/water.md": "Boil it."})

    first = bring(caller, raw, publish=True)
    again = bring(caller, raw, publish=True)

    assert (first["state"], first["result"]["created"], first["result"]["published"]) == (
        "succeeded",
        True,
        True,
    )
    assert (again["state"], again["result"]["changed"]) == ("succeeded", False)
    tree = caller.get(f"/api/v1/versions/{first['result']['version_id']}").json()
    assert [lesson["title"] for lesson in tree["modules"][0]["lessons"]] == ["Water"]


@pytest.mark.feature("CNT-20")
def test_what_was_made_over_the_api_goes_out_and_comes_back_unchanged(
    acme: Organization, sign_in: Sign, bring: Callable[..., dict[str, Any]]
) -> None:
    draft = new_draft(sign_in(acme, Role.INSTRUCTOR), slug="first-aid")
    draft.lesson(draft.module("One"), title="First", body="# Hello\n\nYou")

    answer = draft.caller.get(f"{draft.url}/export")
    raw = b"".join(answer.streaming_content)
    back = bring(draft.caller, raw)

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="first-aid-1.zip"'
    assert (back["result"]["changed"], back["result"]["version_id"]) == (False, draft.url.rsplit("/", 1)[1])


@pytest.mark.feature("CNT-20")
def test_the_job_tells_every_mistake_with_its_place(
    acme: Organization, sign_in: Sign, bring: Callable[..., dict[str, Any]]
) -> None:
    caller = sign_in(acme, Role.INSTRUCTOR)

    job = bring(caller, _zip(**{"course.yaml": COURSE.replace("language: en", "language: English")}))

    assert (job["state"], job["error_code"]) == ("failed", "course_folder_invalid")
    places = [(each["file"], each["line"], each["code"]) for each in job["result"]["problems"]]
    assert places == [("course.yaml", 3, "language_format"), ("course.yaml", 8, "file_missing")]
    with in_organization(acme):
        assert Course.objects.count() == 0


def _link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("course.yaml", COURSE)
        entry = zipfile.ZipInfo("water.md")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return made.getvalue()


@pytest.mark.parametrize(
    ("label", "raw", "reason"),
    [
        ("no zip", b"slug: tea", "zip_unreadable"),
        ("empty", b"", "zip_unreadable"),
        ("no course", _zip(**{"a.md": "x", "b/course.yaml": COURSE}), "zip_without_course"),
        ("traversal", _zip(**{"course.yaml": COURSE, "../water.md": "x"}), "zip_entry_name"),
        ("absolute", _zip(**{"course.yaml": COURSE, "/etc/water.md": "x"}), "zip_entry_name"),
        ("backslash", _zip(**{"course.yaml": COURSE, "a/..\\water.md": "x"}), "zip_entry_name"),
        ("link", _link(), "zip_entry_link"),
    ],
)
def test_a_zip_that_is_not_plain_files_is_refused_at_once(
    acme: Organization, sign_in: Sign, label: str, raw: bytes, reason: str
) -> None:
    answer = _send(sign_in(acme, Role.INSTRUCTOR), raw)

    assert (answer.status_code, answer.json()["code"]) == (400, "course_zip_refused"), label
    assert answer.json()["facts"]["reason"] == reason
    with in_public():
        assert not Job.objects.filter(kind="courses.import").exists()


def test_a_bomb_is_refused_by_its_word_and_by_what_comes_out(
    acme: Organization, sign_in: Sign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = _zip(**{"course.yaml": COURSE, "water.md": "0" * 100_000})
    monkeypatch.setattr(zips, "MAX_UNPACKED_BYTES", 50_000)
    answer = _send(sign_in(acme, Role.INSTRUCTOR), bomb)
    assert answer.json()["facts"]["reason"] == "zip_too_large"

    # The sizes that a zip tells of its entries stand twice in it; both are made to lie.
    lying = bomb.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != bomb
    with pytest.raises(zips.ZipRefused) as refused:
        zips.unpack_zip(io.BytesIO(lying), tmp_path)
    assert refused.value.code in {"zip_too_large", "zip_damaged"}
    assert sum(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file()) <= 50_000


def test_the_job_acts_with_the_rights_its_author_has_by_then(
    acme: Organization, sign_in: Sign, member: Callable[..., Membership]
) -> None:
    author = member(acme, Role.INSTRUCTOR)
    answer = _send(sign_in(acme, author), _zip(**{"course.yaml": COURSE, "water.md": "x"}))
    with in_public():
        Membership.objects.filter(pk=author.pk).update(status=MembershipStatus.SUSPENDED)

    with in_organization(acme):
        run_import(job_id=answer.json()["id"])

    with in_public():
        job = Job.objects.get(kind="courses.import")
    assert (answer.status_code, job.state, job.error_code) == (202, "failed", "forbidden")
    with in_organization(acme):
        assert (Course.objects.count(), CourseVersion.objects.count()) == (0, 0)
        assert not default_storage.exists(job.arguments["key"])


def test_who_may_not_make_courses_sends_nothing_and_who_may_not_edit_takes_nothing(
    acme: Organization, globex: Organization, sign_in: Sign
) -> None:
    draft = new_draft(sign_in(acme, Role.INSTRUCTOR))
    raw = _zip(**{"course.yaml": COURSE, "water.md": "x"})

    assert _send(sign_in(acme), raw).status_code == 403
    assert sign_in(acme, Role.MANAGER).get(f"{draft.url}/export").status_code == 404
    assert sign_in(globex, Role.ADMIN).get(f"{draft.url}/export").status_code == 404
