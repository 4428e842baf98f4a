"""Importing a course folder."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from shared_apps.core.errors import Forbidden
from tenant_apps.courses.models import Course, CourseVersion, Lesson
from tenant_apps.courses.selectors.outline import get_outline, read_lesson
from tenant_apps.courses.services.importing import ImportOutcome, import_course
from tenant_apps.media.models import StoredFile
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.actors import actor_as

DEMO = Path(settings.BASE_DIR) / "demo" / "courses" / "security-essentials"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
COURSE = """\
slug: tea
title: Tea
language: en
modules:
  - key: basics
    title: Basics
    lessons:
      - {key: water, title: Water, file: water.md, minutes: 3}
      - {key: leaves, title: Leaves, file: leaves.md, required: false}
      - {key: paper, title: Paper, document: paper.pdf}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "course.yaml").write_text(COURSE)
    (tmp_path / "water.md").write_text("Boil *it*.\n\n![Kettle](attachment:my%20kettle.png)\n")
    (tmp_path / "leaves.md").write_text("Two spoons.\n")
    (tmp_path / "my kettle.png").write_bytes(PNG)
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    return tmp_path


@pytest.fixture
def bring(acme: Organization, member: Callable[..., Membership]) -> Callable[..., ImportOutcome]:
    actor = actor_as(member(acme, Role.INSTRUCTOR))

    def run(folder: Path, *, publish: bool = False) -> ImportOutcome:
        with in_organization(acme):
            return import_course(actor=actor, folder=folder, publish=publish)

    return run


@pytest.mark.feature("CNT-20")
def test_a_folder_becomes_a_course(
    acme: Organization, folder: Path, bring: Callable[..., ImportOutcome]
) -> None:
    outcome = bring(folder, publish=True)

    assert (outcome.created, outcome.changed, outcome.published) == (True, True, True)
    with in_organization(acme):
        course = Course.objects.get(pk=outcome.course_id)
        outline = get_outline(outcome.version_id)
        assert (course.slug, course.state, course.current_version_id) == (
            "tea",
            "published",
            outcome.version_id,
        )
        [module] = outline.modules
        water, leaves, paper = module.lessons
        kettle = StoredFile.objects.get(name="my kettle.png")
    assert (water.key, water.minutes, water.is_required, leaves.is_required) == ("water", 3, True, False)
    picture = f'<img src="attachment:{kettle.id}/my%20kettle.png" alt="Kettle">'
    assert water.body_html == f"<p>Boil <em>it</em>.</p>\n<p>{picture}</p>\n"
    assert paper.document is not None
    assert (paper.kind, paper.document.name, outline.required_count) == ("document", "paper.pdf", 2)


@pytest.mark.feature("CNT-20")
def test_a_picture_reaches_its_reader(
    acme: Organization,
    folder: Path,
    bring: Callable[..., ImportOutcome],
    member: Callable[..., Membership],
    sign_in: Callable[..., Any],
) -> None:
    outcome = bring(folder, publish=True)
    reader = member(acme, Role.MANAGER)
    with in_organization(acme):
        lesson_id = Lesson.objects.get(key="water", version_id=outcome.version_id).id
        lesson = read_lesson(actor=actor_as(reader), version_id=outcome.version_id, lesson_id=lesson_id)

    url = lesson.body_html.partition('src="')[2].partition('"')[0]

    assert b"".join(sign_in(acme, reader).get(url).streaming_content) == PNG


@pytest.mark.feature("CNT-20")
def test_the_same_folder_again_changes_nothing(
    acme: Organization, folder: Path, bring: Callable[..., ImportOutcome]
) -> None:
    first = bring(folder, publish=True)

    again = bring(folder, publish=True)

    assert again == ImportOutcome(first.course_id, first.version_id, False, False, True)
    with in_organization(acme):
        assert (CourseVersion.objects.count(), StoredFile.objects.count()) == (1, 2)


@pytest.mark.feature("CNT-20")
def test_a_changed_folder_makes_a_draft_that_keeps_lineage_by_key(
    acme: Organization, folder: Path, bring: Callable[..., ImportOutcome]
) -> None:
    first = bring(folder, publish=True)
    swapped = COURSE.replace("{key: water, title: Water, file: water.md, minutes: 3}", "{KEEP}")
    swapped = swapped.replace("{key: leaves, title: Leaves, file: leaves.md, required: false}", "{NEW}")
    swapped = swapped.replace("{KEEP}", "{key: leaves, title: Best leaves, file: leaves.md}")
    swapped = swapped.replace("{NEW}", "{key: pot, title: Pot, file: water.md}")
    (folder / "course.yaml").write_text(swapped)

    second = bring(folder)

    assert (second.changed, second.created, second.published) == (True, False, False)
    with in_organization(acme):
        before = {one.key: one for one in get_outline(first.version_id).modules[0].lessons}
        outline = get_outline(second.version_id)
        after = {one.key: one for one in outline.modules[0].lessons}
        assert Course.objects.get().current_version_id == first.version_id
    assert (outline.number, outline.based_on_id, outline.state) == (2, first.version_id, "draft")
    assert list(after) == ["leaves", "pot", "paper"]
    assert after["leaves"].lineage == before["leaves"].lineage
    assert after["leaves"].title == "Best leaves"
    assert after["pot"].lineage not in {one.lineage for one in before.values()}
    assert bring(folder, publish=True).version_id == second.version_id


@pytest.mark.feature("CNT-20")
def test_only_changed_bytes_of_a_document_are_a_change(
    acme: Organization, folder: Path, bring: Callable[..., ImportOutcome]
) -> None:
    first = bring(folder)
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7\nnew\n%%EOF\n")

    second = bring(folder)

    assert second.version_id != first.version_id
    assert second.changed


def test_who_may_not_make_courses_imports_none(
    acme: Organization, folder: Path, member: Callable[..., Membership]
) -> None:
    learner = actor_as(member(acme))
    with in_organization(acme):
        with pytest.raises(Forbidden):
            import_course(actor=learner, folder=folder, publish=False)
        assert (Course.objects.count(), StoredFile.objects.count()) == (0, 0)


@pytest.mark.feature("CNT-20")
def test_the_command_says_what_it_did(acme: Organization) -> None:
    said = io.StringIO()
    for _ in range(2):
        call_command("import_course", str(DEMO), "--organization", "acme", "--publish", stdout=said)

    first, second = said.getvalue().splitlines()
    assert first.startswith("Made the course ")
    assert first.endswith(" (published).")
    assert second.startswith("Nothing to do: ")
    with in_organization(acme):
        course = Course.objects.select_related("owner", "current_version").get()
    assert (course.slug, course.owner.email) == ("security-essentials", "owner@acme.example")
    assert course.current_version is not None
    assert course.current_version.lesson_count == 12


@pytest.mark.feature("CNT-20")
def test_the_command_says_what_changed_and_what_did_not(acme: Organization, folder: Path) -> None:
    def run(source: str, *options: str) -> str:
        (folder / "course.yaml").write_text(source)
        said = io.StringIO()
        call_command("import_course", str(folder), "--organization", "acme", *options, stdout=said)
        return said.getvalue().strip()

    run(COURSE)
    with in_organization(acme):
        course, first = Course.objects.get().id, CourseVersion.objects.get().id
    assert run(COURSE, "--publish") == f"Updated the course {course}: published version {first}."
    retitled = COURSE.replace("title: Tea", "title: Green tea\nsummary: Short")
    assert run(retitled, "--publish") == (
        f"Updated the course {course}: new title, new summary. Version {first} stays as it is (published)."
    )
    changed = COURSE.replace("title: Water", "title: Hot water")
    said = run(changed)
    with in_organization(acme):
        second = CourseVersion.objects.get(number=2).id
    assert said == f"Updated the course {course}: new title, new summary, new version {second} (draft)."
    assert run(changed).startswith("Nothing to do: ")


@pytest.mark.feature("CNT-20")
def test_the_command_names_file_and_line_of_every_mistake(
    acme: Organization, tmp_path: Path, folder: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken, ignore=shutil.ignore_patterns("broken"))
    (broken / "course.yaml").write_text(COURSE.replace("file: leaves.md", "file: leafs.md"))
    said = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("import_course", str(broken), "--organization", "acme", stderr=said)

    assert ended.value.code == 1
    line = said.getvalue().strip()
    assert line == f"{broken}/course.yaml:9: There is no file 'leafs.md'. Did you mean 'leaves.md'?"
    with in_organization(acme):
        assert Course.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--organization", "nobody"], "There is no organization 'nobody'"),
        (["--organization", "acme", "--owner", "x@acme.example"], "There is no active member x@acme.example"),
    ],
)
def test_the_command_refuses_unknown_names(acme: Organization, options: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("import_course", str(DEMO), *options)
