"""A draft that holds one of everything a version can hold, written with the models."""

import uuid

from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.enums import LessonKind
from tenant_apps.courses.models import (
    Course,
    CourseVersion,
    Lesson,
    LessonResource,
    LessonText,
    Module,
    Translation,
)
from tenant_apps.courses.services.texts import new_text
from tenant_apps.media.models import StoredFile
from tenant_apps.people.models import Member

LINKED = uuid.UUID(int=77)


def make_whole_draft(*, slug: str = "tea", file: StoredFile | None = None) -> CourseVersion:
    """Make a course with a draft of two modules, topics, resources, translations and every rule.

    Args:
        slug: of the course.
        file: of a document lesson and a resource; both are left out without one.
    """
    owner = Member.objects.order_by("created_at")[0]
    course = Course.objects.create(slug=slug, title="Tea", owner=owner)
    rules = {"sequential": True, "completion": {"kind": "percent", "percent": 80}}
    draft = CourseVersion.objects.create(course=course, number=1, rules=rules)
    basics = Module.objects.create(version=draft, title="Basics", summary="How it begins", position=0)
    more = Module.objects.create(
        version=draft,
        title="More",
        position=1,
        release={"kind": "days", "days": 3, "at": "09:00"},
        due={"kind": "date", "local": "2026-03-29T09:00", "zone": "run"},
        requires=[str(basics.lineage)],
    )
    water = _lesson(draft, basics, 0, "Water", minutes=3, is_preview=True, text=_text("Boil *it*."))
    _lesson(draft, basics, 1, "Leaves", is_required=False, weight=4, text=_text("<p>Two</p>", "html"))
    heat = _lesson(draft, basics, 0, "Heat", parent=water, text=_text("Hot."), is_downloadable=False)
    _lesson(draft, basics, 1, "Cold", parent=water, text=_text("Cold."), is_published=False)
    _lesson(
        draft,
        more,
        0,
        "Sound",
        kind=LessonKind.AUDIO,
        media_url="https://sound.example/tea.mp3",
        duration_seconds=90,
        release={"kind": "after", "unit": str(heat.lineage), "days": 2},
        requires=[str(water.lineage), str(heat.lineage)],
        due={"kind": "days", "days": 20},
    )
    _lesson(draft, more, 1, "Exam", kind=LessonKind.QUIZ, linked_id=LINKED)
    if file is not None:
        _lesson(draft, more, 2, "Paper", kind=LessonKind.DOCUMENT, document=file)
        LessonResource.objects.create(
            version=draft, lesson=heat, title="Sheet", file=file, position=0, is_downloadable=False
        )
    LessonResource.objects.create(
        version=draft, lesson=heat, title="Site", url="https://tea.example/", position=1
    )
    Translation.objects.create(version=draft, lineage=basics.lineage, language="de", title="Grundlagen")
    Translation.objects.create(
        version=draft, lineage=water.lineage, language="de", title="Wasser", text=_text("Koch es.")
    )
    return draft


def _lesson(version: CourseVersion, module: Module, position: int, title: str, **facts: object) -> Lesson:
    return Lesson.objects.create(version=version, module=module, position=position, title=title, **facts)


def _text(body: str, body_format: str = "markdown") -> LessonText:
    text = new_text(body, body_format)
    assert text.digest == text_digest(body_format, body)
    text.save()
    return text
