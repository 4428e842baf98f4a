"""A learner's notes and bookmarks as a file: JSON for machines, CSV for spreadsheets, Markdown to read."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from api.core.spreadsheets import csv_lines
from shared_apps.core.actors import Actor
from tenant_apps.learning.selectors.marks import marked_enrollments, marks_to_export
from tenants.context import in_organization
from tenants.scope import OrganizationRef

CONTENT_TYPES = {
    "json": ("application/json", "json"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}
COLUMNS = (
    "id",
    "course_id",
    "course_title",
    "run_title",
    "lineage",
    "lesson_id",
    "lesson_title",
    "kind",
    "position_seconds",
    "colour",
    "body",
    "created_at",
    "updated_at",
)
# CommonMark lets a backslash stand before any of these, and then they are themselves: no markup, or link.
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

Written = Callable[[list[dict[str, Any]], bool], bytes]


def notes_lines(organization: OrganizationRef, actor: Actor, form: str) -> Iterator[bytes]:
    """Yield the file in parts, course by course.

    The server reads this after the request has left the organization, so each part enters it again.

    Args:
        organization: whose notes.
        actor: the learner.
        form: one of `CONTENT_TYPES`.
    """
    yield {"json": b'{"notes": [', "csv": csv_lines([COLUMNS]), "markdown": b"# Notes\n"}[form]
    with in_organization(organization):
        enrollments = marked_enrollments(actor=actor)
    written: Written = {"json": _as_json, "csv": _as_csv, "markdown": _as_markdown}[form]
    is_first = True
    for enrollment_id in enrollments:
        with in_organization(organization):
            marks = marks_to_export(actor=actor, enrollment_id=enrollment_id)
        if marks:
            yield written(marks, is_first)
            is_first = False
    if form == "json":
        yield b"\n]}\n"


def _as_json(marks: list[dict[str, Any]], is_first: bool) -> bytes:
    rows = [json.dumps(_plain(mark), ensure_ascii=False) for mark in marks]
    return (("\n" if is_first else ",\n") + ",\n".join(rows)).encode()


def _as_csv(marks: list[dict[str, Any]], is_first: bool) -> bytes:
    return csv_lines([list(_plain(mark).values()) for mark in marks])


def _as_markdown(marks: list[dict[str, Any]], is_first: bool) -> bytes:
    lines = [f"\n## {_escaped(marks[0]['course_title'])}, {_escaped(marks[0]['run_title'])}\n"]
    lineage = None
    for mark in marks:
        if mark["lineage"] != lineage:
            lineage = mark["lineage"]
            lines.append(
                f"\n### {_escaped(mark['lesson_title'] or 'A lesson that is no longer in the course')}\n"
            )
        told = [
            mark["kind"],
            _clock(mark["position_seconds"]),
            mark["colour"],
            f"{mark['created_at']:%Y-%m-%d %H:%M} UTC",
        ]
        lines.append(f"\n- {_escaped(', '.join(each for each in told if each))}\n")
        lines += [f"\n  > {_escaped(line)}" for line in mark["body"].splitlines()]
        lines.append("\n")
    return "".join(lines).encode()


def _plain(mark: dict[str, Any]) -> dict[str, Any]:
    found = {name: mark[name] for name in COLUMNS}
    found |= {name: f"{mark[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("created_at", "updated_at")}
    return {
        name: value if value is None or isinstance(value, int) else str(value)
        for name, value in found.items()
    }


def _clock(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _escaped(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split("\n")))
