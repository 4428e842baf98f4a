"""The tree of a course as one learner sees it: what is done, what is open, when the rest opens and is due."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tenant_apps.learning.policies import Facts, LinkName, unit_links
from tenant_apps.learning.policies.links import utc_text
from tenant_apps.learning.policies.timing import due_at, local
from tenant_apps.learning.types import TOPIC, Outline

_UNGATED: Mapping[str, Any] = {"access": "open", "opens_at": None, "opens_local": None}


def tree(
    facts: Facts, outline: Outline, now: datetime, *, language: str, course_code: str
) -> list[dict[str, Any]]:
    """Return the modules with their lessons and topics, JSON-ready, without a query.

    Args:
        facts: of the learner, `done` included.
        outline: of the run's version.
        now: the instant asked for.
        language: of the version's languages, "" for the one it was written in.
        course_code: "open", or the code of what closes the whole course.
    """
    return [
        {
            **module,
            "title": outline.title_of(module["lineage"], language),
            "lessons": [
                lesson_line(row, facts, outline, now, language=language, course_code=course_code)
                for row in rows
            ],
        }
        for module, rows in outline.modules
    ]


def lesson_line(
    row: dict[str, Any], facts: Facts, outline: Outline, now: datetime, *, language: str, course_code: str
) -> dict[str, Any]:
    """Return one lesson with its topics, or one topic, as lists show it."""
    lineage = row["lineage"]
    found = {**row, **_UNGATED, "due_at": None, "due_local": None, "is_completed": lineage in facts.done}
    if language:
        found["title"] = outline.title_of(lineage, language)
    unit = outline.units[lineage]
    topics = found.pop("topics")
    if unit.level != TOPIC:
        found["topics"] = [
            lesson_line(topic, facts, outline, now, language=language, course_code=course_code)
            for topic in topics
        ]
    if outline.has_due or facts.date_texts:
        due = due_at(facts, outline, unit)
        found["due_at"], found["due_local"] = utc_text(due), local(due, facts)
    if outline.is_gated or facts.date_texts:
        for link in unit_links(facts, outline, unit, now):
            if not link.is_open:
                found["access"] = link.code
                if link.name is LinkName.RELEASE:
                    found["opens_at"] = link.facts["opens_at"]
                    found["opens_local"] = link.facts["opens_local"]
                break
    if course_code != "open":
        found["access"] = course_code
    return found
