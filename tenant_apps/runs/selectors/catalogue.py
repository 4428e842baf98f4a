"""Courses with the people in them: the catalogue's flags, counters, order and the runs one can join.

Rules of the flags, beside what administrators set by hand: a course is *new* for 30 days after its first
version was published; *trending* are the ten courses with most enrollments of the last 30 days, at least
five; *bestsellers* the ten with most enrollments ever, at least ten.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Unpack

from django.db.models import CharField, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, LPad

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from tenant_apps.courses.selectors.browse import (
    CourseQuery,
    find_courses,
    find_in_catalogue,
    is_new,
    title_key,
)
from tenant_apps.courses.selectors.cards import CourseCard, read_cards
from tenant_apps.courses.selectors.facets import Facets, count_facets
from tenant_apps.runs.enums import OCCUPYING, EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment

Sort = Literal["title", "-title", "newest", "oldest", "most_enrolled"]
# Sort -> the column that a page's cursor stands on; each is unique.
ORDERS: Final[dict[str, str]] = {
    "title": "title_key",
    "-title": "-title_key",
    "newest": "-id",
    "oldest": "id",
    "most_enrolled": "-enrolled_key",
}
FLAGS: Final = ("featured", "bestseller", "trending", "new")
RECENT: Final = timedelta(days=30)
TOP: Final = 10
LEAST_TRENDING: Final = 5
LEAST_BESTSELLER: Final = 10
# Whoever went back out doesn't count as enrolled; whoever's time is over does.
_GONE: Final = (EnrollmentState.WITHDRAWN, EnrollmentState.REFUNDED)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A course's card with its people.

    Attributes:
        flags: set by hand or by rule, in the order of `FLAGS`.
        enrolments: people's enrollments in any run, withdrawn and refunded ones left out.
        completions: those of them that completed the course.
        is_enrolled: whether the actor has a place in a run of it.
    """

    card: CourseCard
    flags: tuple[str, ...]
    enrolments: int
    completions: int
    is_enrolled: bool


@dataclass(frozen=True, slots=True)
class JoinableRun:
    """A run that members may enrol in by themselves, now. `free` is None where everybody fits."""

    id: uuid.UUID
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    pacing: str
    is_always_open: bool
    enrollment_closes_at: datetime | None
    free: int | None
    has_waiting_list: bool
    price_minor: int | None
    currency: str


def browse_courses(
    actor: Actor,
    *,
    catalogue: bool,
    deleted: bool = False,
    flag: str = "",
    enrolled: bool | None = None,
    sort: Sort = "title",
    **query: Unpack[CourseQuery],
) -> QuerySet[Any]:
    """Return the courses found, with the column that `ORDERS` names for the sort.

    Args:
        actor: who asks.
        catalogue: only what the organization lists, the same for every member.
        deleted: the deleted courses instead; not in the catalogue.
        flag: one of `FLAGS`, set by hand or by rule.
        enrolled: whether the actor has a place in a run of it.
        sort: "most_enrolled" puts courses with equal numbers in the order they were made, newest first.
        query: see `CourseQuery`.

    Raises:
        Forbidden: as for `find_courses`.
    """
    found: QuerySet[Any] = (
        find_in_catalogue(actor, **query) if catalogue else find_courses(actor, deleted=deleted, **query)
    )
    if flag:
        found = found.filter(flag_rules()[flag])
    if enrolled is not None:
        mine = Q(pk__in=_places_of(actor).values("run__course_id"))
        found = found.filter(mine if enrolled else ~mine)
    if sort == "most_enrolled":
        number = (
            _counted()
            .filter(run__course_id=OuterRef("pk"))
            .order_by()
            .values("run__course_id")
            .values(number=Count("pk"))
        )
        count = Coalesce(Subquery(number, output_field=IntegerField()), 0)
        padded = LPad(Cast(count, CharField()), 12, Value("0"))
        found = found.annotate(enrolled_key=Concat(padded, Cast(F("pk"), CharField())))
    elif sort in ("title", "-title"):
        found = found.annotate(title_key=title_key())
    return found


def read_entries(actor: Actor, courses: Iterable[Any], *, asked: Sequence[str] = ()) -> list[CatalogueEntry]:
    """Return the courses of a page as they are shown; a fixed number of statements.

    Args:
        actor: who looks.
        courses: rows of `browse_courses`.
        asked: languages for title and summary, the best liked first.
    """
    cards = read_cards(actor, courses, asked=asked)
    ids = [card.course.pk for card in cards]
    people = {
        course_id: (enrolments, completions)
        for course_id, enrolments, completions in _counted()
        .filter(run__course_id__in=ids)
        .order_by()
        .values("run__course_id")
        .annotate(enrolments=Count("pk"), completions=Count("pk", filter=_completed()))
        .values_list("run__course_id", "enrolments", "completions")
    }
    mine = set(_places_of(actor).filter(run__course_id__in=ids).values_list("run__course_id", flat=True))
    trending, best = set(_trending()), set(_bestsellers())

    def flags(card: CourseCard) -> tuple[str, ...]:
        held = set(card.course.flags)
        held |= {"new"} if card.is_new else set()
        held |= {"trending"} if card.course.pk in trending else set()
        held |= {"bestseller"} if card.course.pk in best else set()
        return tuple(flag for flag in FLAGS if flag in held)

    return [
        CatalogueEntry(
            card, flags(card), *people.get(card.course.pk, (0, 0)), is_enrolled=card.course.pk in mine
        )
        for card in cards
    ]


def read_facets(actor: Actor, courses: QuerySet[Any]) -> Facets:
    """Return the counts beside the filters for what `browse_courses` found."""
    return count_facets(actor, courses, flags=flag_rules())


def flag_rules() -> dict[str, Q]:
    """Return each of `FLAGS` with what holds for its courses."""
    by_hand = {flag: Q(flags__contains=[flag]) for flag in FLAGS}
    return by_hand | {
        "new": by_hand["new"] | is_new(),
        "trending": by_hand["trending"] | Q(pk__in=_trending()),
        "bestseller": by_hand["bestseller"] | Q(pk__in=_bestsellers()),
    }


def completed_course_ids(*, member_id: uuid.UUID | None, course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the courses that the member has completed in any run; one statement."""
    rows = Enrollment.objects.filter(_completed(), member_id=member_id, run__course_id__in=course_ids)
    return set(rows.order_by().values_list("run__course_id", flat=True))


def list_joinable_runs(course_id: uuid.UUID) -> list[JoinableRun]:
    """Return the runs of the course that take members who come by themselves, the next one first; one
    statement."""
    now = clock.now()
    rows = (
        CourseRun.objects.filter(
            Q(enrollment_opens_at=None) | Q(enrollment_opens_at__lte=now),
            Q(enrollment_closes_at=None) | Q(enrollment_closes_at__gt=now),
            Q(ends_at=None) | Q(ends_at__gt=now),
            course_id=course_id,
            state=RunState.OPEN,
            is_open_to_members=True,
        )
        .annotate(taken=Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING)))
        .order_by(F("starts_at").asc(nulls_first=True), "id")
    )
    return [
        JoinableRun(
            run.pk,
            run.title,
            run.starts_at,
            run.ends_at,
            run.timezone,
            run.pacing,
            run.is_always_open,
            run.enrollment_closes_at,
            None if run.capacity is None else max(0, run.capacity - run.taken),
            run.has_waiting_list,
            run.price_minor,
            run.currency,
        )
        for run in rows
    ]


def _counted() -> QuerySet[Enrollment]:
    return Enrollment.objects.exclude(state__in=_GONE)


def _completed() -> Q:
    return Q(completed_at__isnull=False) | Q(state=EnrollmentState.COMPLETED)


def _places_of(actor: Actor) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(member_id=actor.membership_id, state__in=OCCUPYING).order_by()


def _trending() -> QuerySet[Enrollment, Any]:
    return _most(_counted().filter(created_at__gt=clock.now() - RECENT), LEAST_TRENDING)


def _bestsellers() -> QuerySet[Enrollment, Any]:
    return _most(_counted(), LEAST_BESTSELLER)


def _most(enrollments: QuerySet[Enrollment], least: int) -> QuerySet[Enrollment, Any]:
    found: QuerySet[Enrollment, Any] = (
        enrollments.filter(run__course__deleted_at=None)
        .order_by()
        .values("run__course_id")
        .annotate(number=Count("pk"))
        .filter(number__gte=least)
        .order_by("-number", "run__course_id")
        .values_list("run__course_id", flat=True)[:TOP]
    )
    return found
