"""How many of the courses found have which property: what stands beside the filters of a list."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Func, Q, QuerySet, TextField
from django.db.models.functions import Coalesce

from shared_apps.core.actors import Actor
from tenant_apps.courses.models import Course
from tenant_apps.courses.policies import visible_courses
from tenant_apps.courses.selectors.categories import read_branches, sees_hidden_categories

MOST_TAGS = 200


class _Elements(Func):
    """Each text of a JSON array in a row of its own."""

    function = "jsonb_array_elements_text"
    set_returning = True
    output_field = TextField()


@dataclass(frozen=True, slots=True)
class Facets:
    """Property -> value -> number of courses, the most frequent first. `categories` counts whole branches."""

    total: int
    state: dict[str, int]
    level: dict[str, int]
    language: dict[str, int]
    price_type: dict[str, int]
    captions: dict[str, int]
    tags: dict[str, int]
    flags: dict[str, int]
    categories: dict[uuid.UUID, int]


def count_facets(actor: Actor, courses: QuerySet[Course], *, flags: Mapping[str, Q]) -> Facets:
    """Return the counts of the courses found, whatever page of them is shown; a fixed number of statements.

    Args:
        actor: who looks.
        courses: what was found.
        flags: each flag with what holds for its courses.
    """
    found = Course.objects.filter(pk__in=courses.order_by().values("pk")).order_by()
    flagged = found.aggregate(**{name: Count("pk", filter=held) for name, held in flags.items()})
    states = _by(found, "state")
    return Facets(
        total=sum(states.values()),
        state=dict(states.most_common()),
        level=dict(_by(found, "level").most_common()),
        language=dict(_by(found, "language").most_common()),
        price_type=dict(_by(found, "price_type").most_common()),
        captions=dict(_each(found, "caption_languages").most_common()),
        tags=dict(_each(found, "tags").most_common(MOST_TAGS)),
        flags={name: times for name, times in flagged.items() if times},
        categories=_branches(actor, found),
    )


def list_tags(actor: Actor, *, search: str = "") -> list[tuple[str, int]]:
    """Return the tags in use with how many visible courses have each, by number and then by name; at most
    200, those that hold the words of `search`. One statement."""
    found = visible_courses(actor).order_by().annotate(tag=_Elements("tags"))
    counted = Counter(dict(found.values("tag").annotate(times=Count("pk")).values_list("tag", "times")))
    words = search.casefold().split()
    fitting = [(tag, times) for tag, times in counted.items() if all(word in tag for word in words)]
    return sorted(fitting, key=lambda each: (-each[1], each[0]))[:MOST_TAGS]


def _by(found: QuerySet[Course], column: str) -> Counter[str]:
    rows = found.values(column).annotate(times=Count("pk")).values_list(column, "times")
    return Counter(dict(sorted(rows)))


def _each(found: QuerySet[Course], column: str) -> Counter[str]:
    rows = found.annotate(element=_Elements(column)).values("element").annotate(times=Count("pk"))
    return Counter(dict(sorted(rows.values_list("element", "times"))))


def _branches(actor: Actor, found: QuerySet[Course]) -> dict[uuid.UUID, int]:
    shape = read_branches()
    placed = found.annotate(place=Coalesce("subcategory_id", "category_id")).exclude(place=None)
    here = dict(placed.values("place").annotate(times=Count("pk")).values_list("place", "times"))
    shown = {each for children in shape.children.values() for each in children}
    if not sees_hidden_categories(actor):
        shown -= shape.hidden
    totals = {each: sum(here.get(below, 0) for below in shape.below(each) & shown) for each in shown}
    return {each: total for each, total in totals.items() if total}
