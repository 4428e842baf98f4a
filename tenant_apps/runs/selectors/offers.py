"""Single courses as screens show them: for those who make them, and for those who may want them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from shared_apps.core.actors import Actor
from tenant_apps.courses.selectors.facts import Prerequisite, prerequisites_of
from tenant_apps.courses.selectors.presenting import (
    InstructorCard,
    OfferedModule,
    RelatedCourse,
    get_visible_course,
    list_instructor_cards,
    list_related,
    offered_outline,
)
from tenant_apps.runs.selectors.catalogue import (
    CatalogueEntry,
    JoinableRun,
    completed_course_ids,
    list_joinable_runs,
    read_entries,
)


@dataclass(frozen=True, slots=True)
class NeededCourse:
    """A prerequisite, and whether the actor has completed it in any run."""

    needed: Prerequisite
    is_completed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A course of the catalogue with all that its page shows."""

    entry: CatalogueEntry
    outline: tuple[OfferedModule, ...]
    instructors: list[InstructorCard]
    prerequisites: list[NeededCourse]
    related: list[RelatedCourse]
    runs: list[JoinableRun]


def get_entry(actor: Actor, course_id: uuid.UUID, *, asked: Sequence[str] = ()) -> CatalogueEntry:
    """Return one visible course as lists show it.

    Raises:
        NotFound: no such course, or none the actor may know of.
    """
    return read_entries(actor, [get_visible_course(actor, course_id)], asked=asked)[0]


def get_offer(actor: Actor, course_id: uuid.UUID, *, asked: Sequence[str] = ()) -> Offer:
    """Return one course of the catalogue; a fixed number of statements.

    Raises:
        NotFound: the catalogue has no such course.
    """
    course = get_visible_course(actor, course_id, catalogue=True)
    return Offer(
        entry=read_entries(actor, [course], asked=asked)[0],
        outline=offered_outline(course.current_version_id),
        instructors=list_instructor_cards(course_id),
        prerequisites=list_needed(actor, course_id),
        related=list_related(actor, course_id, catalogue=True),
        runs=list_joinable_runs(course_id),
    )


def list_prerequisites(actor: Actor, course_id: uuid.UUID) -> list[NeededCourse]:
    """Return what a visible course builds on.

    Raises:
        NotFound: no such course, or none the actor may know of.
    """
    get_visible_course(actor, course_id)
    return list_needed(actor, course_id)


def list_relations(actor: Actor, course_id: uuid.UUID) -> list[RelatedCourse]:
    """Return what a visible course is related to, of what the actor sees.

    Raises:
        NotFound: no such course, or none the actor may know of.
    """
    get_visible_course(actor, course_id)
    return list_related(actor, course_id)


def list_needed(actor: Actor, course_id: uuid.UUID) -> list[NeededCourse]:
    """Return the prerequisites, the required ones first; two statements."""
    needed = prerequisites_of(course_id)
    done = completed_course_ids(member_id=actor.membership_id, course_ids=[each.course_id for each in needed])
    return [NeededCourse(each, each.course_id in done) for each in needed]
