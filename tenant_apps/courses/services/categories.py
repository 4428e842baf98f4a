"""Make, move, order and delete categories. The tree is changed by one at a time: see `locks.take_turn`."""

import uuid
from collections.abc import Sequence
from typing import Final, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import (
    CategoryInUse,
    CategoryLoop,
    CategorySlugTaken,
    SiblingsIncomplete,
    TooManyCategories,
    UnknownCategory,
    UnknownPicture,
)
from tenant_apps.courses.locks import take_turn
from tenant_apps.courses.models import Category, Course
from tenant_apps.courses.policies import CURATE
from tenant_apps.courses.selectors.categories import read_branches
from tenant_apps.courses.services.content import plain_title
from tenant_apps.courses.services.steps import do_audit
from tenant_apps.media.selectors.files import is_picture

MOST_CATEGORIES: Final = 1_000


class CategoryFacts(TypedDict, total=False):
    """What a category is; a key left out stays as it is. `parent_id` None is the root, `colour` "#rrggbb" or
    "", `image_id` a stored picture."""

    slug: str
    name: str
    parent_id: uuid.UUID | None
    icon: str
    image_id: uuid.UUID | None
    colour: str
    is_featured: bool
    is_active: bool


def create_category(*, actor: Actor, **facts: Unpack[CategoryFacts]) -> uuid.UUID:
    """Make a category, last among its siblings, and return its id.

    Args:
        actor: an administrator.
        facts: `slug` and `name` at least.

    Raises:
        Forbidden: the actor may not.
        CategorySlugTaken, UnknownCategory, UnknownPicture, TextEmpty, TextTooLong: the facts.
        TooManyCategories: the tree is full.
    """
    with entry_transaction():
        require(actor, CURATE)
        take_turn("categories")
        if Category.objects.count() >= MOST_CATEGORIES:
            raise TooManyCategories(most=MOST_CATEGORIES)
        clean = _cleaned(facts)
        parent_id = clean.get("parent_id")
        _require_parent(parent_id)
        made = Category(position=_next_place(parent_id), **clean)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError as error:
            raise CategorySlugTaken(field="slug", slug=made.slug) from error
        do_audit(actor=actor, action="courses.category_create", target=made, slug=made.slug, name=made.name)
    return made.pk


def update_category(*, actor: Actor, category_id: uuid.UUID, **facts: Unpack[CategoryFacts]) -> None:
    """Change a category. Another parent moves it, with its branch, to the end of that parent's children;
    courses that have it as subcategory go along to the new parent.

    Raises:
        Forbidden: the actor may not.
        NotFound: no such category.
        CategoryLoop: the new parent lies in the category's own branch.
        CategorySlugTaken, UnknownCategory, UnknownPicture, TextEmpty, TextTooLong: as for `create_category`.
    """
    with entry_transaction():
        require(actor, CURATE)
        take_turn("categories")
        category = Category.objects.filter(pk=category_id).first()
        if category is None:
            raise NotFound
        changes = {
            name: [getattr(category, name), value]
            for name, value in _cleaned(facts).items()
            if getattr(category, name) != value
        }
        if not changes:
            return
        for name, (_, value) in changes.items():
            setattr(category, name, value)
        written = [name.removesuffix("_id") for name in changes]
        if "parent_id" in changes:
            _require_place(category)
            category.position = _next_place(category.parent_id)
            written.append("position")
            _take_courses_along(category)
        try:
            with transaction.atomic():
                category.save_fields(*written)
        except IntegrityError as error:
            raise CategorySlugTaken(field="slug", slug=category.slug) from error
        shown = {name: [_plain(old), _plain(new)] for name, (old, new) in changes.items()}
        do_audit(actor=actor, action="courses.category_edit", target=category, **shown)


def order_categories(*, actor: Actor, parent_id: uuid.UUID | None, ids: Sequence[uuid.UUID]) -> None:
    """Put the children of a category, or the roots, in this order: all at once or not at all.

    Raises:
        Forbidden: the actor may not.
        UnknownCategory: no such parent.
        SiblingsIncomplete: `ids` does not name exactly the children.
    """
    with entry_transaction():
        require(actor, CURATE)
        take_turn("categories")
        _require_parent(parent_id)
        rows = {row.pk: row for row in Category.objects.filter(parent_id=parent_id).order_by()}
        unknown = [place for place, key in enumerate(ids) if key not in rows]
        repeated = [place for place, key in enumerate(ids) if key in ids[:place]]
        missing = sorted(str(key) for key in set(rows) - set(ids))
        if missing or unknown or repeated:
            raise SiblingsIncomplete(field="ids", missing=missing, unknown_at=unknown, repeated_at=repeated)
        now = clock.now()
        for place, key in enumerate(ids):
            rows[key].position, rows[key].updated_at = place, now
        Category.objects.bulk_update(rows.values(), ["position", "updated_at"])
        do_audit(
            actor=actor,
            action="courses.category_order",
            target=None,
            parent_id=_plain(parent_id),
            ids=[str(key) for key in ids],
        )


def delete_category(*, actor: Actor, category_id: uuid.UUID) -> None:
    """Delete an empty category.

    Raises:
        Forbidden: the actor may not.
        NotFound: no such category.
        CategoryInUse: it has children, or courses that are not deleted.
    """
    with entry_transaction():
        require(actor, CURATE)
        take_turn("categories")
        category = Category.objects.filter(pk=category_id).first()
        if category is None:
            raise NotFound
        children = Category.objects.filter(parent_id=category_id).count()
        sorted_here = Q(category_id=category_id) | Q(subcategory_id=category_id)
        courses = Course.objects.filter(sorted_here, deleted_at=None).count()
        if children or courses:
            raise CategoryInUse(children=children, courses=courses)
        do_audit(actor=actor, action="courses.category_delete", target=category, slug=category.slug)
        category.delete()


def _cleaned(facts: CategoryFacts) -> CategoryFacts:
    clean = CategoryFacts(**facts)
    if "name" in clean:
        clean["name"] = plain_title(clean["name"], field="name")
    image_id = clean.get("image_id")
    if image_id is not None and not is_picture(image_id):
        raise UnknownPicture(field="image_id")
    return clean


def _require_parent(parent_id: uuid.UUID | None) -> None:
    if parent_id is not None and not Category.objects.filter(pk=parent_id).exists():
        raise UnknownCategory(field="parent_id")


def _require_place(category: Category) -> None:
    _require_parent(category.parent_id)
    if category.parent_id in read_branches().below(category.pk):
        raise CategoryLoop(field="parent_id")


def _next_place(parent_id: uuid.UUID | None) -> int:
    last = Category.objects.filter(parent_id=parent_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _take_courses_along(category: Category) -> None:
    """Keep the rule that a subcategory is a child of the category, in deleted courses too."""
    now = clock.now()
    courses = Course.objects.filter(subcategory_id=category.pk)
    if category.parent_id is None:
        courses.update(
            category_id=category.pk, subcategory_id=None, revision=F("revision") + 1, updated_at=now
        )
    else:
        courses.update(category_id=category.parent_id, revision=F("revision") + 1, updated_at=now)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, uuid.UUID) else value
