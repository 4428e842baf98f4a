"""What keeps a draft from being published, and rules that no version may hold."""

import uuid
from collections.abc import Collection, Iterator

from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.content.errors import BadAllowedHost
from tenant_apps.courses.content.kinds import problem_of
from tenant_apps.courses.content.rule_graph import CYCLE, RuledUnit, rule_problems
from tenant_apps.courses.content.rules import parse_requires, parse_time_rule, parse_version_rules
from tenant_apps.courses.enums import LessonKind
from tenant_apps.courses.errors import EmbedHostsMisconfigured, RuleRefused
from tenant_apps.courses.models import CourseVersion, Lesson, Module
from tenant_apps.courses.services.content import allowed_embed_hosts
from tenant_apps.courses.types import OutlineLesson, OutlineModule, VersionOutline


def version_problems(outline: VersionOutline) -> list[dict[str, str]]:
    """Return what would not work for learners: each problem with its code and, where it has one, its lesson
    or module; empty for a version that can be published."""
    return [*_lesson_problems(outline), *_rule_problems(outline)]


def do_check_version_rules(version: CourseVersion) -> None:
    """Refuse rules of a locked draft that prerequisites of its units contradict, once they are written.

    Raises:
        RuleRefused: rules that wait for each other in a circle.
    """
    require_transaction()
    sequential = parse_version_rules(version.rules).sequential
    for problem in rule_problems(_units_of(version.id), sequential=sequential):
        if problem.code == CYCLE:
            raise RuleRefused(field="rules.sequential", reason=problem.code, lineage=str(problem.lineage))


def do_check_rules_of(version: CourseVersion, lineages: Collection[uuid.UUID]) -> None:
    """Refuse rules that cannot be kept, once they are written.

    Args:
        version: a locked draft.
        lineages: of the units whose rules were written. Faults of others, which moving and deleting may have
            left, are found when the version is published.

    Raises:
        RuleRefused: a unit that is not there, or rules that wait for each other in a circle.
    """
    require_transaction()
    if not lineages:
        return
    sequential = parse_version_rules(version.rules).sequential
    for problem in rule_problems(_units_of(version.id), sequential=sequential):
        if problem.lineage in lineages:
            raise RuleRefused(field=problem.field, reason=problem.code, lineage=str(problem.lineage))


def _lesson_problems(outline: VersionOutline) -> Iterator[dict[str, str]]:
    shown = [lesson for lesson in outline.lessons if lesson.is_published]
    if not shown:
        yield {"code": "no_published_lesson"}
    shown = [
        each for lesson in shown for each in (lesson, *(one for one in lesson.topics if one.is_published))
    ]
    embeds = any(lesson.kind == LessonKind.EMBED or lesson.embed_url for lesson in shown)
    hosts = allowed_embed_hosts() if embeds else ()
    for lesson in shown:
        try:
            code = problem_of(lesson, hosts)
        except BadAllowedHost as error:
            raise EmbedHostsMisconfigured(entry=error.entry) from error
        if code:
            yield {"lesson_id": str(lesson.id), "title": lesson.title, "code": code}


def _rule_problems(outline: VersionOutline) -> Iterator[dict[str, str]]:
    named: dict[uuid.UUID, dict[str, str]] = {}
    units: list[RuledUnit] = []
    for module in outline.modules:
        named[module.lineage] = {"module_id": str(module.id), "title": module.title}
        units.append(_unit(module, None, is_shown=True, is_required=True))
        for lesson in module.lessons:
            shown = lesson.is_published
            units.append(_unit(lesson, module.lineage, is_shown=shown, is_required=lesson.is_required))
            units += [
                _unit(
                    topic,
                    lesson.lineage,
                    is_shown=shown and topic.is_published,
                    is_required=topic.is_required,
                )
                for topic in lesson.topics
            ]
            for each in (lesson, *lesson.topics):
                named[each.lineage] = {"lesson_id": str(each.id), "title": each.title}
    sequential = parse_version_rules(outline.rules).sequential
    for problem in rule_problems(units, sequential=sequential):
        yield {**named[problem.lineage], "code": problem.code, "field": problem.field}


def _unit(
    row: OutlineModule | OutlineLesson | Module | Lesson,
    parent: uuid.UUID | None,
    *,
    is_shown: bool,
    is_required: bool,
) -> RuledUnit:
    return RuledUnit(
        lineage=row.lineage,
        parent=parent,
        is_shown=is_shown,
        is_required=is_required,
        release=parse_time_rule(row.release, field="release"),
        requires=parse_requires(list(row.requires)),
        due=parse_time_rule(row.due, field="due"),
    )


_RULED = ("id", "lineage", "release", "requires", "due")


def _units_of(version_id: uuid.UUID) -> list[RuledUnit]:
    """Read the units of a version with their rules and nothing else; two queries."""
    modules = Module.objects.filter(version_id=version_id).only(*_RULED).order_by("position")
    rows = (
        Lesson.objects.filter(version_id=version_id)
        .only(*_RULED, "module_id", "parent_id", "is_published", "is_required")
        .order_by("position")
    )
    inside: dict[uuid.UUID, list[Lesson]] = {}
    for row in rows:
        inside.setdefault(row.parent_id or row.module_id, []).append(row)
    units: list[RuledUnit] = []
    for module in modules:
        units.append(_unit(module, None, is_shown=True, is_required=True))
        for lesson in inside.get(module.id, ()):
            shown, required = lesson.is_published, lesson.is_required
            units.append(_unit(lesson, module.lineage, is_shown=shown, is_required=required))
            units += [
                _unit(
                    topic,
                    lesson.lineage,
                    is_shown=shown and topic.is_published,
                    is_required=topic.is_required,
                )
                for topic in inside.get(lesson.id, ())
            ]
    return units
