"""The tree of categories, read whole in one statement, and where it is closed to members."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from shared_apps.core.actors import STAFF, Actor, ActorKind
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.models import Category
from tenant_apps.courses.policies import VIEW, visible_courses


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category in its place.

    Attributes:
        depth: 0 at the root.
        is_shown: whether members see it: it and everything above it is active.
        course_count: visible courses right in it.
        total_count: visible courses in it and everything below it.
    """

    id: uuid.UUID
    parent_id: uuid.UUID | None
    slug: str
    name: str
    icon: str
    image_id: uuid.UUID | None
    colour: str
    is_featured: bool
    is_active: bool
    position: int
    depth: int
    is_shown: bool
    course_count: int
    total_count: int


@dataclass(frozen=True, slots=True)
class Branches:
    """Who lies below whom, and what is hidden; for filters and answers that name categories."""

    children: dict[uuid.UUID | None, list[uuid.UUID]]
    hidden: frozenset[uuid.UUID]

    def below(self, category_id: uuid.UUID) -> set[uuid.UUID]:
        """Return the category and everything below it."""
        found, waiting = set(), [category_id]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self.children.get(each, [])
        return found


def sees_hidden_categories(actor: Actor) -> bool:
    """Tell whether closed branches are shown to the actor: to those who make or manage courses."""
    return actor.kind is ActorKind.SYSTEM or actor.role in STAFF


def list_categories(actor: Actor) -> list[CategoryNode]:
    """Return the tree in its order, each category before its children; one statement.

    Raises:
        Forbidden, Unauthenticated: the actor is not of the organization.
    """
    require(actor, VIEW)
    here = (
        visible_courses(actor)
        .annotate(place=Coalesce("subcategory_id", "category_id"))
        .filter(place=OuterRef("pk"))
        .order_by()
        .values("place")
        .values(number=Count("pk"))
    )
    rows: dict[uuid.UUID | None, list[Category]] = defaultdict(list)
    for row in Category.objects.annotate(courses=Coalesce(Subquery(here), 0)).order_by("position", "id"):
        rows[row.parent_id].append(row)
    nodes = _nodes(rows)
    return nodes if sees_hidden_categories(actor) else [node for node in nodes if node.is_shown]


def get_category(actor: Actor, category_id: uuid.UUID) -> CategoryNode:
    """Return one category.

    Raises:
        NotFound: no such category, or one that is hidden from the actor.
    """
    for node in list_categories(actor):
        if node.id == category_id:
            return node
    raise NotFound


def read_branches() -> Branches:
    """Return the shape of the tree; one statement."""
    children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    closed = set()
    for key, parent, is_active in Category.objects.order_by().values_list("pk", "parent_id", "is_active"):
        children[parent].append(key)
        if not is_active:
            closed.add(key)
    shape = Branches(children, frozenset())
    return Branches(children, frozenset(below for each in closed for below in shape.below(each)))


def _nodes(rows: dict[uuid.UUID | None, list[Category]]) -> list[CategoryNode]:
    """Walk the tree without recursion: its depth is the administrators' affair."""
    order: list[tuple[Category, int, bool]] = []
    waiting: list[tuple[Category, int, bool]] = [(row, 0, True) for row in reversed(rows[None])]
    while waiting:
        row, depth, above = waiting.pop()
        shown = above and row.is_active
        order.append((row, depth, shown))
        waiting += [(child, depth + 1, shown) for child in reversed(rows[row.pk])]
    totals: dict[uuid.UUID | None, int] = defaultdict(int)
    for row, _, _ in reversed(order):
        totals[row.pk] += _courses(row)
        totals[row.parent_id] += totals[row.pk]
    return list(_told(order, totals))


def _told(
    order: list[tuple[Category, int, bool]], totals: dict[uuid.UUID | None, int]
) -> Iterator[CategoryNode]:
    for row, depth, shown in order:
        yield CategoryNode(
            id=row.pk,
            parent_id=row.parent_id,
            slug=row.slug,
            name=row.name,
            icon=row.icon,
            image_id=row.image_id,
            colour=row.colour,
            is_featured=row.is_featured,
            is_active=row.is_active,
            position=row.position,
            depth=depth,
            is_shown=shown,
            course_count=_courses(row),
            total_count=totals[row.pk],
        )


def _courses(row: Category) -> int:
    number: int = row.courses  # type: ignore[attr-defined]  # annotated by `list_categories`
    return number
