"""Reading course folders: the shipped course, and every mistake named with file, line and column."""

import io
import zipfile
from pathlib import Path

import pytest

from tenant_apps.courses.content.digest import content_digest, is_digest_of, version_content
from tenant_apps.courses.content.errors import CourseFolderError
from tenant_apps.courses.content.folder import read_course_folder
from tenant_apps.courses.content.folder_files import detect_extension
from tenant_apps.courses.content.source import LessonKind
from tenant_apps.courses.models import Course, Module

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "demo" / "courses" / "security-essentials"
BROKEN = ROOT / "tests" / "data" / "courses"
YAML = (
    "slug: a\ntitle: A\nlanguage: no\nmodules:\n- key: m\n  title: M\n  lessons:\n  - key: l\n    title: L\n"
)


def write_course(folder: Path, lesson: str = "    file: l.md\n", body: str = "Text.\n") -> Path:
    """Write the smallest readable course and return its folder."""
    (folder / "course.yaml").write_text(YAML + lesson, encoding="utf-8")
    (folder / "l.md").write_text(body, encoding="utf-8")
    return folder


def problems_of(folder: Path) -> list[tuple[str, int, int, str]]:
    with pytest.raises(CourseFolderError) as caught:
        read_course_folder(folder)
    assert all(problem.message and problem.advice for problem in caught.value.problems)
    return [(p.file, p.line, p.column, p.code) for p in caught.value.problems]


@pytest.mark.feature("CNT-20")
def test_shipped_course_has_three_modules_and_twelve_lessons() -> None:
    # when
    course = read_course_folder(DEMO)
    # then
    assert (course.slug, course.language) == ("security-essentials", "en")
    assert [len(module.lessons) for module in course.modules] == [4, 4, 4]
    lessons = [lesson for module in course.modules for lesson in module.lessons]
    assert [lesson.key for lesson in lessons if lesson.kind is LessonKind.DOCUMENT] == [
        "first-week-checklist"
    ]
    assert [lesson.key for lesson in lessons if lesson.kind is LessonKind.EMBED] == ["introduction-video"]
    assert [(file.path, file.media_type) for file in course.files] == [
        ("files/first-week-checklist.pdf", "application/pdf")
    ]
    assert all(300 <= len(lesson.body.split()) <= 700 for lesson in lessons)


def test_every_problem_of_a_folder_is_told_at_once_with_its_place() -> None:
    assert problems_of(BROKEN / "broken_everything") == [
        ("course.yaml", 1, 7, "key_format"),
        ("course.yaml", 3, 1, "key_unknown"),
        ("course.yaml", 4, 11, "language_format"),
        ("course.yaml", 11, 15, "path_outside_folder"),
        ("course.yaml", 14, 15, "file_missing"),
        ("course.yaml", 15, 14, "key_taken"),
        ("course.yaml", 17, 9, "key_duplicate"),
        ("course.yaml", 19, 9, "lesson_empty"),
        ("course.yaml", 23, 19, "file_type_mismatch"),
        ("course.yaml", 26, 16, "embed_host"),
        ("course.yaml", 27, 18, "value_not_number"),
        ("course.yaml", 28, 19, "value_not_flag"),
        ("lessons/empty.md", 1, 1, "lesson_empty"),
        ("lessons/latin1.md", 3, 4, "file_not_utf8"),
        ("lessons/welcome.md", 3, 22, "file_missing"),
    ]


def test_advice_names_the_nearest_key_and_file() -> None:
    with pytest.raises(CourseFolderError) as caught:
        read_course_folder(BROKEN / "broken_everything")
    advice = {(p.line, p.code): p.advice for p in caught.value.problems if p.file == "course.yaml"}
    assert advice[3, "key_unknown"] == "Did you mean 'title'?"
    assert advice[14, "file_missing"] == "Did you mean 'lessons/welcome.md'?"
    assert advice[1, "key_format"] == "Write for example 'broken-course'."


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("broken_syntax", [("course.yaml", 4, 1, "yaml_syntax")]),
        (
            "broken_alias",
            [("course.yaml", 2, 8, "yaml_alias"), ("course.yaml", 3, 11, "yaml_tag")],
        ),
        ("no_such_folder", [("course.yaml", 1, 1, "file_missing")]),
    ],
)
def test_unreadable_yaml_is_refused(folder: str, expected: list[tuple[str, int, int, str]]) -> None:
    assert problems_of(BROKEN / folder) == expected


@pytest.mark.parametrize(
    ("label", "text", "code"),
    [
        ("empty", "", "file_empty"),
        ("list", "- a\n", "value_not_mapping"),
        ("two documents", "slug: a\n---\nslug: b\n", "yaml_documents"),
        ("deep", "slug: " + "[" * 5000 + "\n", "yaml_depth"),
        ("control character", "slug: a\x01\n", "yaml_character"),
        ("too large", "#" * 2_100_000, "file_too_large"),
    ],
)
def test_unfit_course_file_is_one_problem(tmp_path: Path, label: str, text: str, code: str) -> None:
    # given
    (tmp_path / "course.yaml").write_text(text, encoding="utf-8")
    # when
    found = problems_of(tmp_path)
    # then
    assert [entry[3] for entry in found] == [code], label


def test_missing_fields_are_named(tmp_path: Path) -> None:
    (tmp_path / "course.yaml").write_text("summary: x\n", encoding="utf-8")
    with pytest.raises(CourseFolderError) as caught:
        read_course_folder(tmp_path)
    assert sorted(p.advice for p in caught.value.problems) == [
        "Add 'language:' here.",
        "Add 'modules:' here.",
        "Add 'slug:' here.",
        "Add 'title:' here.",
    ]


def test_link_out_of_the_folder_is_refused_and_one_inside_is_read(tmp_path: Path) -> None:
    # given
    outside = tmp_path / "outside.md"
    outside.write_text("secret", encoding="utf-8")
    folder = tmp_path / "course"
    folder.mkdir()
    write_course(folder)
    (folder / "inside.md").write_text("Inside.", encoding="utf-8")
    # when
    (folder / "l.md").unlink()
    (folder / "l.md").symlink_to(outside)
    refused = problems_of(folder)
    (folder / "l.md").unlink()
    (folder / "l.md").symlink_to(folder / "inside.md")
    course = read_course_folder(folder)
    # then
    assert refused == [("course.yaml", 10, 11, "path_outside_folder")]
    assert course.modules[0].lessons[0].body == "Inside."


@pytest.mark.parametrize("path", ["/etc/passwd.md", "a\\b.md", "C:/a.md", "./l.md", "a//b.md", "x/../l.md"])
def test_unusual_path_is_refused(tmp_path: Path, path: str) -> None:
    write_course(tmp_path, lesson=f"    file: {path}\n")
    assert problems_of(tmp_path) == [("course.yaml", 10, 11, "path_outside_folder")]


def test_language_no_stays_norwegian_and_defaults_apply(tmp_path: Path) -> None:
    # when
    course = read_course_folder(write_course(tmp_path, body="\ufeffLine\r\n"))
    # then
    lesson = course.modules[0].lessons[0]
    assert course.language == "no"
    assert (lesson.body, lesson.is_required, lesson.is_published, lesson.duration_minutes) == (
        *("Line\n", True, True),
        None,
    )


def office_file(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("label", "raw", "expected"),
    [
        ("pdf", b"%PDF-1.7\n...\n%%EOF\n", ".pdf"),
        ("cut off pdf", b"%PDF-1.7\n...", None),
        ("png", b"\x89PNG\r\n\x1a\n...", ".png"),
        ("jpeg", b"\xff\xd8\xff\xe0...", ".jpg"),
        ("docx", office_file("[Content_Types].xml", "word/document.xml"), ".docx"),
        ("pptx", office_file("[Content_Types].xml", "ppt/presentation.xml"), ".pptx"),
        ("macros", office_file("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), None),
        ("other zip", office_file("a.exe"), None),
        ("broken zip", b"PK\x03\x04nonsense", None),
        ("text", "a;b\nü\n".encode(), ".txt"),
        ("program", b"MZ\x90\x00\x03", None),
    ],
)
def test_type_is_told_by_content(label: str, raw: bytes, expected: str | None) -> None:
    assert detect_extension(raw) == expected, label


@pytest.mark.feature("VER-03")
def test_digest_is_equal_for_equal_content_wherever_it_lies(tmp_path: Path) -> None:
    # given
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        write_course(folder)
    # when
    digests = {content_digest(version_content(read_course_folder(folder))) for folder in (first, second)}
    # then
    # the SHA-256 of the canonical JSON, computed outside this code
    assert digests == {"7c575c1909fe0ea64049b6794a334bc6682e3d5aea0961aaf32c3006bbcc61ed"}


@pytest.mark.feature("VER-03")
def test_a_hash_of_the_first_form_still_proves_what_was_published_with_it(tmp_path: Path) -> None:
    # given the hash that the first form of the canonical JSON gave this course, computed outside this code
    stored = "5bbf161ba0c810800ebd0df483693188f0fe39cbe0e1b6352c2218a592e57b83"
    # when
    same = version_content(read_course_folder(write_course(tmp_path)))
    other = version_content(read_course_folder(write_course(tmp_path, body="Other.\n")))
    # then
    assert (is_digest_of(stored, same), is_digest_of(stored, other)) == (True, False)
    assert is_digest_of(content_digest(same), same)


@pytest.mark.parametrize(
    ("label", "lesson", "body"),
    [
        ("body", "    file: l.md\n", "Other.\n"),
        ("flag", "    file: l.md\n    required: false\n", "Text.\n"),
        ("minutes", "    file: l.md\n    minutes: 3\n", "Text.\n"),
        ("kind", "    file: l.md\n    embed: https://www.youtube.com/embed/x\n", "Text.\n"),
        ("order", "    file: l.md\n  - {key: k, title: K, file: l.md}\n", "Text.\n"),
    ],
)
def test_digest_changes_with_every_part(tmp_path: Path, label: str, lesson: str, body: str) -> None:
    # given
    before = content_digest(version_content(read_course_folder(write_course(tmp_path))))
    # when
    after = content_digest(version_content(read_course_folder(write_course(tmp_path, lesson, body))))
    # then
    assert before != after, label


def test_digest_depends_on_order_and_not_on_ids_or_times() -> None:
    # given
    content = version_content(read_course_folder(DEMO))
    reordered = {**content, "modules": list(reversed(content["modules"]))}
    stamped = {**content, "id": 7, "created_at": "2025-01-01"}
    # when
    digest = content_digest(content)
    # then
    assert content_digest(reordered) != digest  # type: ignore[arg-type]
    assert content_digest(stamped) == digest  # type: ignore[arg-type]


def test_digest_changes_with_document_and_picture_bytes(tmp_path: Path) -> None:
    # given
    lesson = "    file: l.md\n    document: d.txt\n"
    digests = []
    for document, picture in (("a", b"1"), ("b", b"1"), ("b", b"2")):
        (tmp_path / "d.txt").write_text(document, encoding="utf-8")
        (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + picture)
        write_course(tmp_path, lesson, "![p](attachment:p.png)\n")
        # when
        digests.append(content_digest(version_content(read_course_folder(tmp_path))))
    # then
    assert len(set(digests)) == 3


@pytest.mark.feature("CNT-20")
def test_a_summary_is_as_long_as_its_column_at_most(tmp_path: Path) -> None:
    folder = write_course(tmp_path)
    source = (folder / "course.yaml").read_text(encoding="utf-8")
    limit = Course._meta.get_field("summary").max_length
    assert limit == Module._meta.get_field("summary").max_length == 1_000
    (folder / "course.yaml").write_text(f"{source}summary: {'x' * limit}\n", encoding="utf-8")
    assert len(read_course_folder(folder).summary) == limit
    (folder / "course.yaml").write_text(f"{source}summary: {'x' * (limit + 1)}\n", encoding="utf-8")
    assert problems_of(folder) == [("course.yaml", 11, 10, "value_too_long")]
