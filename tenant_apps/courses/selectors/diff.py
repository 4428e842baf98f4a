"""The readable difference between two versions of a course: what a screen shows, in constant statements."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.content.comparing import Change, Code, Comparison, Level, Place, UnitDiff, compare
from tenant_apps.courses.content.line_diff import LineDiff, line_diff
from tenant_apps.courses.errors import VersionsOfTwoCourses
from tenant_apps.courses.models import CourseVersion, Lesson
from tenant_apps.courses.policies import CONTENT, visible_versions
from tenant_apps.courses.selectors.units import VersionUnits, read_units

# Texts compared line by line in one answer; the others are asked for one by one.
MAX_BODIES: Final = 50


@dataclass(frozen=True, slots=True)
class DiffChange:
    """One difference, JSON-ready. `field` is the fact's name, a resource's lineage or a language."""

    code: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class DiffUnit:
    """A module, lesson or topic that differs, or one whose children do.

    Attributes:
        lineage: the same in both versions.
        level: "module", "lesson" or "topic".
        title: as it is in the second version, or last was.
        status: "added", "removed", "changed" or "same".
        before_id, after_id: of its row in each version, None where it is not.
        changes: what happened to the unit itself.
        body: the lines that differ, where they were asked for.
        children: lessons of a module, topics of a lesson.
    """

    lineage: uuid.UUID
    level: str
    title: str
    status: str
    before_id: uuid.UUID | None
    after_id: uuid.UUID | None
    changes: tuple[DiffChange, ...]
    body: LineDiff | None
    children: "tuple[DiffUnit, ...]"


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What changed from one version to another.

    `summary` counts, by code, the units that it happened to. `names` are the titles of every unit that a
    rule or place in the changes names by its lineage.
    """

    before: CourseVersion
    after: CourseVersion
    is_empty: bool
    summary: Mapping[str, int]
    changes: tuple[DiffChange, ...]
    names: Mapping[str, str]
    modules: tuple[DiffUnit, ...]


@dataclass(frozen=True, slots=True)
class BodyDiff:
    """The texts of one lesson in two versions; a side that lacks the lesson has the empty text."""

    lineage: uuid.UUID
    before_title: str
    after_title: str
    body: LineDiff


def read_diff(
    *, actor: Actor, before_id: uuid.UUID, after_id: uuid.UUID, bodies: bool = False, same: bool = False
) -> VersionDiff:
    """Return what changed from the first version to the second.

    Args:
        actor: who asks; must be able to read the content of both.
        before_id, after_id: the versions, in any order of age.
        bodies: tell the lines that differ in texts, of the first MAX_BODIES of them.
        same: list units that did not change as well.

    Raises:
        Forbidden: the role reads no content outside an enrollment.
        NotFound: no such version, or a draft the actor may not work on.
        VersionsOfTwoCourses: they belong to different courses.
    """
    before, after = _two_versions(actor, before_id, after_id)
    units = read_units({before_id, after_id})
    comparison = _compared(before, after, units)
    shown = _Shown(comparison, units[before_id], units[after_id], keep_same=same)
    texts = _line_diffs(comparison, before_id, after_id) if bodies else {}
    counts = Counter(code.value for each in comparison.units for code in each.codes)
    return VersionDiff(
        before=before,
        after=after,
        is_empty=comparison.is_empty,
        summary={code.value: counts[code.value] for code in Code},
        changes=tuple(map(_change, comparison.changes)),
        names=_names(comparison),
        modules=tuple(shown.under(None, texts)),
    )


def compare_versions(before_id: uuid.UUID, after_id: uuid.UUID) -> Comparison:
    """Return the comparison of two versions. No visibility is asked: for code that has already decided.

    Raises:
        NotFound: one of them is not there.
        VersionsOfTwoCourses: they belong to different courses.
    """
    before, after = _pair(CourseVersion.objects.in_bulk([before_id, after_id]), before_id, after_id)
    return _compared(before, after, read_units({before_id, after_id}))


def read_body_diff(
    *, actor: Actor, before_id: uuid.UUID, after_id: uuid.UUID, lineage: uuid.UUID
) -> BodyDiff:
    """Return the lines that differ in the text of one lesson or topic.

    Raises:
        Forbidden, NotFound, VersionsOfTwoCourses: as for `read_diff`; NotFound as well when neither version
            has the lesson.
    """
    _two_versions(actor, before_id, after_id)
    titles: dict[uuid.UUID, str] = {}
    texts: dict[uuid.UUID, str] = {}
    rows = Lesson.objects.filter(version_id__in=[before_id, after_id], lineage=lineage).order_by()
    for version_id, title, body in rows.values_list("version_id", "title", "text__body"):
        titles[version_id], texts[version_id] = title, body or ""
    if not titles:
        raise NotFound
    return BodyDiff(
        lineage=lineage,
        before_title=titles.get(before_id, ""),
        after_title=titles.get(after_id, ""),
        body=line_diff(texts.get(before_id, ""), texts.get(after_id, "")),
    )


def _two_versions(
    actor: Actor, before_id: uuid.UUID, after_id: uuid.UUID
) -> tuple[CourseVersion, CourseVersion]:
    require(actor, CONTENT)
    return _pair(visible_versions(actor).in_bulk([before_id, after_id]), before_id, after_id)


def _pair(
    found: Mapping[uuid.UUID, CourseVersion], before_id: uuid.UUID, after_id: uuid.UUID
) -> tuple[CourseVersion, CourseVersion]:
    if before_id not in found or after_id not in found:
        raise NotFound
    before, after = found[before_id], found[after_id]
    if before.course_id != after.course_id:
        raise VersionsOfTwoCourses(field="other_id")
    return before, after


def _compared(
    before: CourseVersion, after: CourseVersion, units: Mapping[uuid.UUID, VersionUnits]
) -> Comparison:
    return compare(
        units[before.id].units,
        units[after.id].units,
        rules_before=_rules(before),
        rules_after=_rules(after),
    )


def _rules(version: CourseVersion) -> dict[str, Any]:
    """Return the version's rules with their defaults, so that a default written out is no change."""
    rules = version.rules
    return {
        "sequential": rules.get("sequential", False),
        "completion": rules.get("completion", {"kind": "all_required"}),
    }


def _change(change: Change) -> DiffChange:
    return DiffChange(change.code.value, change.field, _shown(change.before), _shown(change.after))


def _shown(value: Any) -> Any:
    if isinstance(value, Place):
        return {"parent": str(value.parent) if value.parent else None, "position": value.position}
    return value


def _names(comparison: Comparison) -> dict[str, str]:
    """Return the titles of the units that changes name: new homes, and what rules wait for."""
    named = {each for unit in comparison.units for change in unit.changes for each in _named(change)}
    known = {str(lineage): diff.unit.title for lineage, diff in comparison.by_lineage.items()}
    return {lineage: known[lineage] for lineage in sorted(named) if lineage in known}


def _named(change: Change) -> Iterator[str]:
    for value in (change.before, change.after):
        if isinstance(value, Place):
            yield from (str(value.parent),) if value.parent else ()
        elif change.field == "requires":
            yield from value or ()
        elif change.field in ("release", "due") and value and "unit" in value:
            yield value["unit"]


class _Shown:
    """The tree of the answer: the second version's, with what was removed in its old neighbourhood."""

    def __init__(
        self, comparison: Comparison, before: VersionUnits, after: VersionUnits, *, keep_same: bool
    ) -> None:
        self.before, self.after, self.keep_same = before, after, keep_same
        self.children: dict[uuid.UUID | None, list[UnitDiff]] = defaultdict(list)
        for diff in comparison.units:
            if diff.after is not None:
                self.children[diff.after.parent].append(diff)
        for diff in comparison.units:
            if diff.after is None and diff.before is not None and diff.before_place is not None:
                self.children[diff.before.parent].insert(diff.before_place.position, diff)

    def under(self, parent: uuid.UUID | None, texts: Mapping[uuid.UUID, LineDiff]) -> Iterable[DiffUnit]:
        """Yield what is to be shown below a unit, or at the top for None."""
        for diff in self.children.get(parent, ()):
            children = tuple(self.under(diff.lineage, texts))
            if self.keep_same or children or not diff.is_same:
                yield DiffUnit(
                    lineage=diff.lineage,
                    level=diff.unit.level.value,
                    title=diff.unit.title,
                    status=_status(diff),
                    before_id=self.before.ids.get(diff.lineage),
                    after_id=self.after.ids.get(diff.lineage),
                    changes=tuple(map(_change, diff.changes)),
                    body=texts.get(diff.lineage),
                    children=children,
                )


def _status(diff: UnitDiff) -> str:
    if Code.ADDED in diff.codes:
        return "added"
    if Code.REMOVED in diff.codes:
        return "removed"
    return "same" if diff.is_same else "changed"


def _line_diffs(
    comparison: Comparison, before_id: uuid.UUID, after_id: uuid.UUID
) -> dict[uuid.UUID, LineDiff]:
    """Compare the first texts that differ; one query."""
    wanted = [
        diff.lineage
        for diff in comparison.units
        if diff.unit.level is not Level.MODULE and Code.BODY_CHANGED in diff.codes
    ][:MAX_BODIES]
    texts: dict[tuple[uuid.UUID, uuid.UUID], str] = {}
    rows = Lesson.objects.filter(version_id__in=[before_id, after_id], lineage__in=wanted).order_by()
    for version_id, lineage, body in rows.values_list("version_id", "lineage", "text__body"):
        texts[version_id, lineage] = body or ""
    return {
        each: line_diff(texts.get((before_id, each), ""), texts.get((after_id, each), "")) for each in wanted
    }
