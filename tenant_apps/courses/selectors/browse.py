"""Find courses: the workbench of those who make them, and the catalogue of those who learn."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypedDict, Unpack

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Lower

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from tenant_apps.courses.content.tags import normal_tag
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, CourseInstructor, CourseVersion
from tenant_apps.courses.policies import (
    RESTORE,
    RIGHT_HOLDERS,
    RIGHTS,
    VIEW,
    courses_with_right,
    deleted_courses,
    sees_everything,
    visible_courses,
)
from tenant_apps.courses.selectors.acts import with_course_standing
from tenant_apps.courses.selectors.categories import read_branches, sees_hidden_categories

# A course is new for so long after its first version was published.
NEW_FOR: Final = timedelta(days=30)


class CourseQuery(TypedDict, total=False):
    """What to look for; a key left out, empty or None asks for nothing.

    Attributes:
        search: words that must each occur in title, summary, slug or a tag, in any case.
        state: one state.
        category: a category; courses anywhere in its branch.
        tag: one tag, in any spelling.
        level: one level; "all" are the courses for everybody.
        taught_in, caption: a language of the course, of its captions.
        price_type: one type.
        instructor: a member with a part in the course, or its owner.
        listed: whether the catalogue shows it.
    """

    search: str
    state: str
    category: uuid.UUID | None
    tag: str
    level: str
    taught_in: str
    caption: str
    price_type: str
    instructor: uuid.UUID | None
    listed: bool | None


def find_courses(actor: Actor, *, deleted: bool = False, **query: Unpack[CourseQuery]) -> QuerySet[Course]:
    """Return the courses the actor may know of and `query` fits, with what `course_acts` needs of each.

    A course that is kept out of the catalogue is listed for those alone who work on it.

    Args:
        actor: who asks.
        deleted: the deleted courses instead, for those who may restore them.
        query: what to look for.

    Raises:
        Forbidden: deleted courses are asked for without the right to restore.
    """
    require(actor, RESTORE if deleted else VIEW)
    found = deleted_courses(actor) if deleted else visible_courses(actor)
    if not deleted and not sees_everything(actor):
        mine = Q(pk__in=courses_with_right(actor, *RIGHTS).values("pk"))
        found = found.filter(Q(is_listed=True) | mine if actor.role in RIGHT_HOLDERS else Q(is_listed=True))
    return _joined(actor, filter_courses(actor, found, **query))


def find_in_catalogue(actor: Actor, **query: Unpack[CourseQuery]) -> QuerySet[Course]:
    """Return the courses of the catalogue that `query` fits: the same for every member.

    Raises:
        Forbidden, Unauthenticated: the actor is not of the organization.
    """
    require(actor, VIEW)
    return _joined(actor, filter_courses(actor, catalogue_courses(actor), **query))


def catalogue_courses(actor: Actor) -> QuerySet[Course]:
    """Return the published courses that the organization lists."""
    return visible_courses(actor).filter(state=CourseState.PUBLISHED, is_listed=True)


def filter_courses(actor: Actor, courses: QuerySet[Course], **query: Unpack[CourseQuery]) -> QuerySet[Course]:
    """Return those of the courses that fit. One statement besides when a category is asked for."""
    for word in query.get("search", "").split():
        courses = courses.filter(
            Q(title__icontains=word)
            | Q(summary__icontains=word)
            | Q(slug__icontains=word)
            | Q(tags__icontains=word)
        )
    for name, narrow in _FILTERS.items():
        value = query.get(name)
        if value is not None and value != "":
            courses = courses.filter(narrow(value))
    category = query.get("category")
    return courses if category is None else courses.filter(_in_branch(actor, category))


def is_new() -> Q:
    """Return what holds for courses whose first version was published within the last 30 days."""
    published = CourseVersion.objects.filter(course_id=OuterRef("pk"), state=VersionState.PUBLISHED)
    since = clock.now() - NEW_FOR
    return Q(Exists(published.filter(published_at__gt=since))) & ~Q(
        Exists(published.filter(published_at__lte=since))
    )


def title_key() -> Concat:
    """Return what lists are ordered by title with: unique, so that a cursor stands between two rows."""
    return Concat(Lower("title"), Value("\x01"), Cast(F("pk"), CharField()), output_field=CharField())


def _joined(actor: Actor, courses: QuerySet[Course]) -> QuerySet[Course]:
    rows = courses.select_related("current_version", "category", "subcategory")
    return with_course_standing(actor, rows)


def _in_branch(actor: Actor, category: uuid.UUID) -> Q:
    branches = read_branches()
    if category in branches.hidden and not sees_hidden_categories(actor):
        return Q(pk__in=[])
    below = branches.below(category)
    if not sees_hidden_categories(actor):
        below -= branches.hidden
    # A subcategory is a child of the category, so the branch of one holds the other.
    return Q(subcategory_id__in=below) | Q(subcategory_id=None, category_id__in=below)


def _taught_by(member_id: uuid.UUID) -> Q:
    parts = CourseInstructor.objects.filter(course_id=OuterRef("pk"), member_id=member_id)
    return Q(owner_id=member_id) | Q(Exists(parts))


_FILTERS: Final[dict[str, Callable[[Any], Q]]] = {
    "state": lambda value: Q(state=value),
    "tag": lambda value: Q(tags__contains=[normal_tag(value)]),
    "level": lambda value: Q(level=value),
    "taught_in": lambda value: Q(language__iexact=value) | Q(language__istartswith=f"{value}-"),
    "caption": lambda value: Q(caption_languages__contains=[value]),
    "price_type": lambda value: Q(price_type=value),
    "instructor": _taught_by,
    "listed": lambda value: Q(is_listed=value),
}
