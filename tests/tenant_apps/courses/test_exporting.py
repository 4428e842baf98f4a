"""Content as code: out into a folder, back in again, equal."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import Forbidden, NotFound
from tenant_apps.courses.content.keys import derived_key
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.errors import ExportTooLarge, FileBytesMissing
from tenant_apps.courses.models import Category, Course, CourseVersion, Lesson, LessonText, Module
from tenant_apps.courses.selectors.diff import compare_versions, read_diff
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services import exporting
from tenant_apps.courses.services.drafts import copy_version
from tenant_apps.courses.services.exporting import export_to_folder, export_to_zip
from tenant_apps.courses.services.importing import import_course
from tenant_apps.courses.services.texts import new_text
from tenant_apps.media.models import StoredFile
from tenant_apps.media.services.storing import store_file
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.whole_versions import make_whole_draft
from tests.support.actors import actor_as
from tests.support.client import caller_as

DEMO = Path(settings.BASE_DIR) / "demo" / "courses" / "security-essentials"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def admin(acme: Organization, member: Callable[..., Membership]) -> Actor:
    return actor_as(member(acme, Role.ADMIN))


def _whole(actor: Actor, **facts: Any) -> CourseVersion:
    """Make a draft with one of everything, a picture in a text included."""
    paper = store_file(actor=actor, name="my paper.pdf", stream=io.BytesIO(PDF))
    kettle = store_file(actor=actor, name="a kettle.png", stream=io.BytesIO(PNG))
    draft = make_whole_draft(file=paper, **facts)
    text = new_text(f"Boil *it*.\n\n![Kettle](attachment:{kettle.id}/a%20kettle.png)\n", "markdown")
    text.save()
    Lesson.objects.filter(version=draft, title="Water").update(text=text)
    return draft


@pytest.mark.feature("CNT-20")
@pytest.mark.feature("CNT-21")
def test_out_and_in_again_changes_nothing(acme: Organization, admin: Actor, tmp_path: Path) -> None:
    with in_organization(acme):
        draft = _whole(admin)
        before = (LessonText.objects.count(), StoredFile.objects.count())

        done = export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
        outcome = import_course(actor=admin, folder=tmp_path, publish=False)

        assert (done.slug, done.number) == ("tea", 1)
        assert (outcome.changed, outcome.version_id) == (False, draft.id)
        assert (LessonText.objects.count(), StoredFile.objects.count()) == before
        assert CourseVersion.objects.count() == 1


@pytest.mark.feature("CNT-20")
@pytest.mark.feature("CNT-21")
def test_in_another_course_it_is_the_same_content(acme: Organization, admin: Actor, tmp_path: Path) -> None:
    with in_organization(acme):
        draft = _whole(admin)
        export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
        course_file = tmp_path / "course.yaml"
        course_file.write_text(course_file.read_text().replace("slug: tea", "slug: other-tea"))

        outcome = import_course(actor=admin, folder=tmp_path, publish=False)
        again = import_course(actor=admin, folder=tmp_path, publish=False)

        assert (outcome.created, again.changed, again.version_id) == (True, False, outcome.version_id)
        assert digest_of(get_outline(outcome.version_id)) == digest_of(get_outline(draft.id))
        ours = set(Lesson.objects.filter(version=draft).values_list("lineage", flat=True))
        theirs = set(Lesson.objects.filter(version_id=outcome.version_id).values_list("lineage", flat=True))
        assert not ours & theirs
        second = tmp_path / "again"
        export_to_folder(actor=admin, version_id=outcome.version_id, folder=second)
        assert _keys(second) == _keys(tmp_path)


@pytest.mark.feature("CNT-20")
def test_lessons_made_over_the_api_keep_their_lineage_by_the_key_they_were_exported_with(
    acme: Organization, admin: Actor, tmp_path: Path
) -> None:
    with in_organization(acme):
        draft = _whole(admin)
        CourseVersion.objects.filter(pk=draft.pk).update(state=VersionState.PUBLISHED, content_hash="f" * 64)
        export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
        course_file = tmp_path / "course.yaml"
        course_file.write_text(course_file.read_text().replace("title: Water", "title: Hot water"))

        outcome = import_course(actor=admin, folder=tmp_path, publish=False)

        diff = compare_versions(draft.id, outcome.version_id)
        told = {each.unit.title: [change.field for change in each.changes] for each in diff.units}
        assert {title: fields for title, fields in told.items() if fields} == {"Hot water": ["title"]}
        water = Lesson.objects.get(version_id=outcome.version_id, title="Hot water")
        assert water.key == derived_key(water.lineage)
        assert not import_course(actor=admin, folder=tmp_path, publish=False).changed


@pytest.mark.feature("CNT-20")
def test_an_older_export_brings_back_what_was_removed_as_what_it_was(
    acme: Organization, admin: Actor, tmp_path: Path
) -> None:
    with in_organization(acme):
        first = _whole(admin)
        export_to_folder(actor=admin, version_id=first.id, folder=tmp_path)
        second = copy_version(actor=admin, version_id=first.id)
        Lesson.objects.filter(version=second, title="Leaves").delete()

        outcome = import_course(actor=admin, folder=tmp_path, publish=False)

        assert compare_versions(first.id, outcome.version_id).is_empty
        back = read_diff(actor=admin, before_id=second.id, after_id=outcome.version_id)
        assert (back.summary["added"], back.summary["removed"]) == (1, 0)


@pytest.mark.feature("CNT-20")
def test_the_facts_of_the_course_travel_with_it(acme: Organization, admin: Actor, tmp_path: Path) -> None:
    with in_organization(acme):
        drinks = Category.objects.create(slug="drinks", name="Drinks")
        hot = Category.objects.create(slug="hot", name="Hot", parent=drinks)
        draft = _whole(admin)
        facts = {
            "level": "beginner",
            "tags": ["tea", "water"],
            "requirements": ["A kettle"],
            "outcomes": ["Tea: made"],
            "audience": ["Guests"],
            "caption_languages": ["en", "de"],
            "translations": {"de": {"title": "Tee", "summary": "Kurz"}},
            "price_type": "paid",
            "price_minor": 1299,
            "currency": "eur",
            "access_type": "limited",
            "access_days": 30,
        }
        Course.objects.update(category=drinks, subcategory=hot, **facts)
        export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
        course_file = tmp_path / "course.yaml"
        course_file.write_text(course_file.read_text().replace("slug: tea", "slug: other-tea", 1))

        outcome = import_course(actor=admin, folder=tmp_path, publish=False)

        made = Course.objects.get(pk=outcome.course_id)
        assert {name: getattr(made, name) for name in facts} == facts
        assert (made.category_id, made.subcategory_id) == (drinks.id, hot.id)
        assert not import_course(actor=admin, folder=tmp_path, publish=False).changed


def test_awkward_names_and_empty_lessons_come_back(acme: Organization, admin: Actor, tmp_path: Path) -> None:
    with in_organization(acme):
        draft = _whole(admin, slug="Tea_2")
        same_name = store_file(actor=admin, name="My Paper.pdf", stream=io.BytesIO(PDF + b"2"))
        module = Module.objects.create(version=draft, title="- no: yes # |", position=2)
        Module.objects.create(version=draft, title="Empty", position=3)
        awkward: tuple[dict[str, Any], ...] = (
            {"title": "null", "text": None},
            {"title": "2026-01-01", "kind": "video", "embed_url": "https://www.youtube.com/embed/x"},
            {"title": "Both", "kind": "text", "document": same_name, "media_url": "https://a.example/x"},
            {"title": "Ünï 🎉 \u2028x", "key": "same"},
            {"title": "Twice", "key": "same"},
        )
        for position, facts in enumerate(awkward):
            Lesson.objects.create(version=draft, module=module, position=position, **facts)
        export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)

        outcome = import_course(actor=admin, folder=tmp_path, publish=False)

        assert compare_versions(draft.id, outcome.version_id).by_lineage is not None
        diff = read_diff(actor=admin, before_id=draft.id, after_id=outcome.version_id)
        # The line separator is no character of a title; everything else is as it was.
        assert {code: count for code, count in diff.summary.items() if count} == {"renamed": 1}


@pytest.mark.feature("CNT-20")
def test_a_zip_holds_the_folder_and_is_the_same_whenever_it_is_made(
    acme: Organization, admin: Actor, tmp_path: Path
) -> None:
    with in_organization(acme):
        draft = _whole(admin)
        export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
        first, second = io.BytesIO(), io.BytesIO()
        for sink in (first, second):
            export_to_zip(actor=admin, version_id=draft.id, sink=sink)

    assert first.getvalue() == second.getvalue()
    with zipfile.ZipFile(first) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert held == {each.relative_to(tmp_path).as_posix(): each.read_bytes() for each in files}
    assert {"course.yaml", "files/my paper.pdf", "files/a kettle.png"} <= held.keys()


def test_who_may_not_edit_the_course_takes_nothing_along(
    acme: Organization,
    admin: Actor,
    member: Callable[..., Membership],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager = actor_as(member(acme, Role.MANAGER))
    with in_organization(acme):
        draft = _whole(admin)
        with pytest.raises(NotFound):
            export_to_folder(actor=manager, version_id=draft.id, folder=tmp_path)
        CourseVersion.objects.filter(pk=draft.pk).update(state=VersionState.PUBLISHED)
        Course.objects.update(state=CourseState.PUBLISHED)
        with pytest.raises(Forbidden):
            export_to_folder(actor=manager, version_id=draft.id, folder=tmp_path)
        monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", 100)
        with pytest.raises(ExportTooLarge):
            export_to_zip(actor=admin, version_id=draft.id, sink=io.BytesIO())
    assert not list(tmp_path.iterdir())


def test_a_file_whose_bytes_are_gone_is_named(
    acme: Organization, member: Callable[..., Membership], tmp_path: Path
) -> None:
    membership = member(acme, Role.ADMIN)
    admin = actor_as(membership)
    with in_organization(acme):
        draft = _whole(admin)
        paper = StoredFile.objects.get(name="my paper.pdf")
        default_storage.delete(paper.storage_key)
        with pytest.raises(FileBytesMissing) as refused:
            export_to_folder(actor=admin, version_id=draft.id, folder=tmp_path)
    assert refused.value.facts == {"file_id": str(paper.id), "name": "my paper.pdf"}

    answer = caller_as(membership, acme).get(f"/api/v1/versions/{draft.id}/export")

    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "file_bytes_missing")
    assert told["facts"] == {"file_id": str(paper.id), "name": "my paper.pdf"}


@pytest.mark.feature("CNT-20")
def test_the_command_writes_what_the_other_command_reads(acme: Organization, tmp_path: Path) -> None:
    said = io.StringIO()
    where = ["--organization", "acme"]
    call_command("import_course", str(DEMO), *where, "--publish", stdout=io.StringIO())

    call_command("export_course", "security-essentials", str(tmp_path / "out"), *where, stdout=said)
    call_command("import_course", str(tmp_path / "out"), *where, stdout=said)

    first, second = said.getvalue().splitlines()
    assert first == f"Wrote version 1 of security-essentials into {tmp_path / 'out'}."
    assert second.startswith("Nothing to do: ")
    for arguments, message in (
        (["security-essentials", str(tmp_path / "out")], "is not empty"),
        (["nothing", str(tmp_path / "new")], "There is no such version of a course 'nothing'"),
        (["security-essentials", str(tmp_path / "new"), "--number", "7"], "There is no such version"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("export_course", *arguments, *where)


def _keys(folder: Path) -> list[tuple[str, list[str]]]:
    modules = yaml.safe_load((folder / "course.yaml").read_text())["modules"]
    return [(module["key"], [lesson["key"] for lesson in module["lessons"]]) for module in modules]
