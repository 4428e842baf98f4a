"""Facts of single courses that other apps act on. Nobody's rights are asked: the callers have decided."""

import uuid
from dataclasses import dataclass

from shared_apps.core.errors import NotFound
from tenant_apps.courses.content.switches import all_switches, is_on
from tenant_apps.courses.content.terms import CourseTerms
from tenant_apps.courses.errors import SwitchedOff
from tenant_apps.courses.models import Course, CoursePrerequisite

TERMS = (
    "price_type",
    "price_minor",
    "compare_at_minor",
    "currency",
    "discount_percent",
    "access_type",
    "access_days",
)


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A course to be completed before another; `kind` is "required" or "advised"."""

    course_id: uuid.UUID
    slug: str
    title: str
    kind: str


def switches_of(course_id: uuid.UUID) -> dict[str, bool]:
    """Return every switch of the course, deleted or not; one statement.

    Raises:
        NotFound: no such course.
    """
    return all_switches(_switches(course_id))


def require_switch(course_id: uuid.UUID, name: str) -> None:
    """Refuse what the course has switched off; one statement.

    Args:
        course_id: the course.
        name: one of `content.switches.DEFAULTS`.

    Raises:
        SwitchedOff: it is switched off here.
        NotFound: no such course.
    """
    if not is_on(_switches(course_id), name):
        raise SwitchedOff(switch=name)


def terms_of(course_id: uuid.UUID) -> CourseTerms:
    """Return price and access of the course, for enrolling and ordering; one statement.

    Raises:
        NotFound: no such course.
    """
    row = Course.objects.filter(pk=course_id).order_by().values(*TERMS).first()
    if row is None:
        raise NotFound
    return CourseTerms(**row)


def prerequisites_of(course_id: uuid.UUID) -> list[Prerequisite]:
    """Return what should have been completed before the course, the required ones first, then by title; one
    statement. Deleted courses are left out: nobody could complete them."""
    rows = CoursePrerequisite.objects.filter(course_id=course_id, needs__deleted_at=None).order_by(
        "-kind", "needs__title", "id"
    )
    return [Prerequisite(*row) for row in rows.values_list("needs_id", "needs__slug", "needs__title", "kind")]


def _switches(course_id: uuid.UUID) -> dict[str, bool]:
    row = Course.objects.filter(pk=course_id).order_by().values_list("switches", flat=True).first()
    if row is None:
        raise NotFound
    found: dict[str, bool] = row
    return found
