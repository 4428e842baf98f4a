"""What a course builds on, and what it leads to. Each list is written whole."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import CourseRepeated, LinkToItself, PrerequisiteLoop, UnknownCourse
from tenant_apps.courses.locks import take_turn
from tenant_apps.courses.models import CoursePrerequisite, CourseRelation
from tenant_apps.courses.policies import EDIT, visible_courses
from tenant_apps.courses.services.courses import do_count_course_edit, require_course_revision
from tenant_apps.courses.services.steps import do_audit, do_lock_course

MOST_LINKS: Final = 50


@dataclass(frozen=True, slots=True)
class Link:
    """Another course and what it is: a NeedKind of a prerequisite, a RelationKind of a related course."""

    course_id: uuid.UUID
    kind: str


def set_prerequisites(
    *, actor: Actor, course_id: uuid.UUID, links: Sequence[Link], revision: str = ""
) -> None:
    """Make these the prerequisites of the course. Repeating changes nothing.

    Args:
        actor: who acts.
        course_id: the course.
        links: the courses to have been completed before, each once.
        revision: what the caller read, the ETag without quotes; empty or "*" for any.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        StaleVersion: somebody changed the course since.
        LinkToItself, CourseRepeated, UnknownCourse: what was named.
        PrerequisiteLoop: the course is needed by one that it would need, over however many others.
    """
    with entry_transaction():
        take_turn("prerequisites")
        course = do_lock_course(actor=actor, course_id=course_id, rule=EDIT)
        require_course_revision(course, revision)
        # Edges to deleted courses stay: the courses can be restored, and nobody here can name them.
        rows = CoursePrerequisite.objects.filter(course_id=course_id, needs__deleted_at=None)
        before = {row.needs_id: row for row in rows.order_by()}
        _check_named(actor, course_id, links, known=before.keys())
        wanted = {link.course_id: link.kind for link in links}
        if wanted == {key: row.kind for key, row in before.items()}:
            return
        _refuse_loop(course_id, wanted)
        gone = [row.pk for key, row in before.items() if wanted.get(key) != row.kind]
        CoursePrerequisite.objects.filter(pk__in=gone).delete()
        CoursePrerequisite.objects.bulk_create(
            CoursePrerequisite(course_id=course_id, needs_id=key, kind=kind)
            for key, kind in wanted.items()
            if key not in before or before[key].kind != kind
        )
        do_count_course_edit(course)
        do_audit(
            actor=actor,
            action="courses.prerequisites",
            target=course,
            needs=[_told((key, row.kind) for key, row in before.items()), _told(wanted.items())],
        )


def set_relations(*, actor: Actor, course_id: uuid.UUID, links: Sequence[Link], revision: str = "") -> None:
    """Make these the related courses, in this order. Repeating changes nothing.

    Raises:
        NotFound, Forbidden, StaleVersion, LinkToItself, CourseRepeated, UnknownCourse: as for
            `set_prerequisites`; one course may be related in several ways.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=EDIT)
        require_course_revision(course, revision)
        rows = list(CourseRelation.objects.filter(course_id=course_id, other__deleted_at=None))
        _check_named(actor, course_id, links, known={row.other_id for row in rows}, by_kind=True)
        before, after = [(row.other_id, row.kind) for row in rows], [(x.course_id, x.kind) for x in links]
        if before == after:
            return
        CourseRelation.objects.filter(pk__in=[row.pk for row in rows]).delete()
        CourseRelation.objects.bulk_create(
            CourseRelation(course_id=course_id, other_id=key, kind=kind, position=place)
            for place, (key, kind) in enumerate(after)
        )
        do_count_course_edit(course)
        do_audit(actor=actor, action="courses.related", target=course, related=[_told(before), _told(after)])


def _check_named(
    actor: Actor,
    course_id: uuid.UUID,
    links: Sequence[Link],
    *,
    known: Collection[uuid.UUID],
    by_kind: bool = False,
) -> None:
    """Refuse what cannot be linked. Courses linked already stay, also those the actor could not find."""
    named = {link.course_id for link in links}
    if course_id in named:
        raise LinkToItself(field="courses")
    if len({(link.course_id, link.kind if by_kind else "") for link in links}) < len(links):
        raise CourseRepeated(field="courses")
    new = named - set(known)
    missing = new - set(visible_courses(actor).filter(pk__in=new).values_list("pk", flat=True))
    if missing:
        unknown = [place for place, link in enumerate(links) if link.course_id in missing]
        raise UnknownCourse(field="courses", unknown_at=unknown)


def _refuse_loop(course_id: uuid.UUID, wanted: Collection[uuid.UUID]) -> None:
    """Walk what the wanted courses need. Deleted courses count: restored, they would close the circle."""
    needs: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    edges = CoursePrerequisite.objects.exclude(course_id=course_id).order_by()
    for course, needed in edges.values_list("course_id", "needs_id"):
        needs[course].append(needed)
    for start in wanted:
        seen, waiting = set(), [start]
        while waiting:
            each = waiting.pop()
            if each == course_id:
                raise PrerequisiteLoop(field="courses", course_id=str(start))
            if each not in seen:
                seen.add(each)
                waiting += needs[each]


def _told(links: Iterable[tuple[uuid.UUID, str]]) -> list[list[str]]:
    return sorted([str(key), str(kind)] for key, kind in links)
