"""What a course folder says beyond texts: rules by key, topics, resources, media, translations, facts."""

from pathlib import Path

import pytest

from tenant_apps.courses.content.errors import CourseFolderError
from tenant_apps.courses.content.folder import read_course_folder
from tenant_apps.courses.content.source import LessonKind, RulesSource

WHOLE = """\
slug: tea
title: Tea
language: en
level: beginner
tags: [tea, hot water]
captions: [en, de]
category: drinks
price: {type: paid, amount_minor: 1299, currency: eur}
access: {type: limited, days: 30}
translations: {de: {title: Tee}}
rules: {sequential: true, completion: {percent: 80}}
modules:
- key: basics
  title: Basics
  requires: [late]
  translations: {de: {title: Grundlagen}}
  lessons:
  - key: water
    title: Water
    file: water.md
    release: {days: 3, at: 09:00}
    due: {date: 2026-03-29T09:00, zone: run}
    requires: ['module:basics', 'lesson:late', sound]
    weight: 3
    preview: true
    downloadable: false
    translations: {de: {title: Wasser, file: wasser.md}}
    resources:
    - {key: site, title: Site, url: 'https://tea.example'}
    - {title: Sheet, file: sheet.txt, downloadable: false}
    topics:
    - {key: heat, title: Heat, file: water.md, release: {after: basics, days: 2}}
- key: late
  title: Late
  lessons:
  - {key: late, title: Same key as its module, kind: text}
  - {key: sound, title: Sound, audio: 'https://tea.example/a.mp3', seconds: 90}
  - {key: exam, title: Exam, kind: quiz, linked: 00000000-0000-0000-0000-00000000004d}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "course.yaml").write_text(WHOLE)
    (tmp_path / "water.md").write_text("Boil it.")
    (tmp_path / "wasser.md").write_text("Koch es.")
    (tmp_path / "sheet.txt").write_text("Sheet")
    return tmp_path


@pytest.mark.feature("CNT-20")
def test_everything_a_version_holds_is_read(folder: Path) -> None:
    course = read_course_folder(folder)

    assert course.rules == {"sequential": True, "completion": {"kind": "percent", "percent": 80}}
    assert course.facts == {
        "level": "beginner",
        "tags": ["tea", "hot water"],
        "caption_languages": ["en", "de"],
        "category": "drinks",
        "translations": {"de": {"title": "Tee", "summary": ""}},
        "price_type": "paid",
        "price_minor": 1299,
        "currency": "eur",
        "access_type": "limited",
        "access_days": 30,
    }
    basics, late = course.modules
    [water] = basics.lessons
    assert (basics.rules.requires, basics.translations[0].title) == (("lesson:late",), "Grundlagen")
    assert water.rules == RulesSource(
        release={"kind": "days", "days": 3, "at": "09:00"},
        requires=("module:basics", "lesson:late", "lesson:sound"),
        due={"kind": "date", "local": "2026-03-29T09:00", "zone": "run"},
    )
    assert (water.weight, water.is_preview, water.is_downloadable) == (3, True, False)
    assert water.translations[0].text is not None
    assert water.translations[0].text.body == "Koch es."
    assert [(each.key, each.url, each.is_downloadable) for each in water.resources] == [
        ("site", "https://tea.example/", True),
        ("", "", False),
    ]
    [heat] = water.topics
    assert heat.rules.release == {"kind": "after", "unit": "module:basics", "days": 2}
    empty, sound, exam = late.lessons
    assert (empty.kind, empty.body, sound.kind, sound.duration_seconds) == (
        LessonKind.TEXT,
        "",
        LessonKind.AUDIO,
        90,
    )
    assert (exam.kind, exam.linked_id is not None and exam.linked_id.int) == (LessonKind.QUIZ, 77)


@pytest.mark.feature("CNT-20")
@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ("requires: [late]", "requires: [laet]", (15, 14), "reference_unknown"),
        ("after: basics", "after: module:water", (32, 65), "reference_unknown"),
        ("at: 09:00", "at: noon", (21, 14), "rule_invalid"),
        ("zone: run", "zone: mars", (22, 41), "value_unknown"),
        ("weight: 3", "weight: heavy", (24, 13), "value_not_number"),
        ("title: Site, url: 'https://tea.example'", "title: Site", (29, 7), "resource_content"),
        ("'https://tea.example/a.mp3'", "'http://tea.example/a.mp3'", (37, 39), "url_scheme"),
        ("percent: 80", "percent: 800", (11, 49), "value_not_number"),
        ("level: beginner", "level: expert", (4, 8), "value_unknown"),
        ("linked: 00000000-", "linked: x-", (38, 50), "value_not_uuid"),
        ("de: {title: Tee}", "german: {title: Tee}", (10, 16), "language_format"),
        ("kind: quiz", "kind: quizz", (38, 36), "value_unknown"),
    ],
)
def test_each_mistake_is_told_with_its_place(
    folder: Path, old: str, new: str, place: tuple[int, int], code: str
) -> None:
    assert old in WHOLE
    (folder / "course.yaml").write_text(WHOLE.replace(old, new))

    with pytest.raises(CourseFolderError) as refused:
        read_course_folder(folder)

    found = [(each.line, each.column, each.code) for each in refused.value.problems]
    assert found == [(*place, code)]
