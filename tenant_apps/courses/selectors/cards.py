"""What lists and details show of courses beside their own columns, for a whole page at once.

Counters are counted when they are read, so they are equal to a recount by construction.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Sum

from shared_apps.core.actors import Actor
from tenant_apps.courses.content.languages import pick_language
from tenant_apps.courses.content.switches import all_switches
from tenant_apps.courses.content.terms import CourseTerms
from tenant_apps.courses.models import Category, Course, CourseVisit
from tenant_apps.courses.selectors.acts import course_acts
from tenant_apps.courses.selectors.browse import is_new
from tenant_apps.courses.selectors.categories import read_branches, sees_hidden_categories
from tenant_apps.courses.selectors.facts import TERMS

# As publishing counts (`selectors.counts`), also for versions published before it did: what learners meet,
# topics with their lesson's minutes and resources and not as lessons of their own.
_CONTENT = """
SELECT version_id, count(DISTINCT module_id), count(*) FILTER (WHERE parent_id IS NULL), sum(minutes),
       sum((SELECT count(*) FROM courses_lessonresource r WHERE r.lesson_id = met.id))
  FROM (SELECT l.* FROM courses_lesson l
          LEFT JOIN courses_lesson parent ON parent.id = l.parent_id
         WHERE l.version_id = ANY(%s) AND l.is_published AND coalesce(parent.is_published, true)) met
 GROUP BY version_id
"""


@dataclass(frozen=True, slots=True)
class ContentCounts:
    """What the current version holds for learners: modules with a lesson, top-level lessons, the minutes and
    the resources of both levels."""

    sections: int = 0
    lectures: int = 0
    minutes: int = 0
    resources: int = 0


@dataclass(frozen=True, slots=True)
class CategoryName:
    """A category as a course names it."""

    id: uuid.UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class CourseCard:
    """A course as lists and details show it.

    Attributes:
        course: the row; its current version is joined.
        category, subcategory: None without one, or where its branch is hidden from the actor.
        language_shown, title_shown, summary_shown: the best of the languages asked for.
        is_new: first published within the last 30 days.
        views: looks of members in the catalogue.
        can: acts open to the actor.
    """

    course: Any
    category: CategoryName | None
    subcategory: CategoryName | None
    language_shown: str
    title_shown: str
    summary_shown: str
    terms: CourseTerms
    switches: dict[str, bool]
    content: ContentCounts
    is_new: bool
    views: int
    can: dict[str, bool]


def read_cards(actor: Actor, courses: Iterable[Course], *, asked: Sequence[str] = ()) -> list[CourseCard]:
    """Return the cards of the courses, in their order; three statements, four for those from whom branches of
    the categories can be hidden.

    Args:
        actor: who looks.
        courses: rows of `browse`, with current version and categories joined.
        asked: BCP 47 tags, the best liked first.
    """
    rows = list(courses)
    ids = [row.pk for row in rows]
    content = count_content([row.current_version_id for row in rows if row.current_version_id])
    views = count_views(ids)
    new = set(Course.objects.filter(is_new(), pk__in=ids).order_by().values_list("pk", flat=True))
    hidden = frozenset() if sees_hidden_categories(actor) else read_branches().hidden
    return [
        CourseCard(
            course=row,
            category=_named(row.category, hidden),
            subcategory=_named(row.subcategory, hidden),
            terms=CourseTerms(**{name: getattr(row, name) for name in TERMS}),
            switches=all_switches(row.switches),
            content=content.get(row.current_version_id, ContentCounts()),
            is_new=row.pk in new,
            views=views.get(row.pk, 0),
            can=course_acts(actor, row),
            **_shown(row, asked),
        )
        for row in rows
    ]


def count_content(version_ids: Collection[uuid.UUID]) -> dict[uuid.UUID | None, ContentCounts]:
    """Return the counts of each version; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_CONTENT, [list(version_ids)])
        return {
            version_id: ContentCounts(sections, lectures, int(minutes), int(resources))
            for version_id, sections, lectures, minutes, resources in cursor.fetchall()
        }


def count_views(course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how often each course was looked at; courses nobody looked at are left out. One statement."""
    found = CourseVisit.objects.filter(course_id__in=course_ids).order_by().values("course_id")
    return dict(found.annotate(total=Sum("views")).values_list("course_id", "total"))


def _named(category: Category | None, hidden: Collection[uuid.UUID]) -> CategoryName | None:
    if category is None or category.pk in hidden:
        return None
    return CategoryName(category.pk, category.slug, category.name)


def _shown(course: Course, asked: Sequence[str]) -> dict[str, str]:
    language = pick_language(asked, course.translations, own=course.language)
    texts = course.translations.get(language) or {"title": course.title, "summary": course.summary}
    return {
        "language_shown": language,
        "title_shown": texts["title"],
        "summary_shown": texts["summary"],
    }
