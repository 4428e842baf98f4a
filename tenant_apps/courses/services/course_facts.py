"""The facts of a course as its authors send them, cleaned and checked before they are written."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict

from tenant_apps.courses.content.switches import with_changes
from tenant_apps.courses.content.tags import normal_tag
from tenant_apps.courses.content.terms import CourseTerms, check_terms
from tenant_apps.courses.enums import AccessType, PriceType
from tenant_apps.courses.errors import (
    SubcategoryMismatch,
    TextEmpty,
    TextTooLong,
    TranslationNeedless,
    UnknownCategory,
)
from tenant_apps.courses.models import Category, Course
from tenant_apps.courses.selectors.facts import TERMS
from tenant_apps.courses.services.content import plain_summary, plain_title

MOST_TAG_CHARACTERS: Final = 50
# What is sold and shown is decided by those who may publish; who merely edits changes the rest.
OFFER: Final = frozenset({*TERMS, "is_listed"})
FLAGS: Final = frozenset({"flags"})
PLACES: Final = frozenset({"category_id", "subcategory_id"})


class CourseFacts(TypedDict, total=False):
    """What a course says of itself; a key left out stays as it is.

    Languages are BCP 47 tags, sums minor units of `currency` (ISO 4217, any case). `switches` and
    `translations` change the keys they name and leave the others; a translation of None is taken away.
    """

    slug: str
    title: str
    summary: str
    language: str
    category_id: uuid.UUID | None
    subcategory_id: uuid.UUID | None
    level: str
    tags: list[str]
    caption_languages: list[str]
    requirements: list[str]
    outcomes: list[str]
    audience: list[str]
    flags: list[str]
    seo: dict[str, Any]
    is_listed: bool
    switches: dict[str, bool]
    translations: dict[str, dict[str, str] | None]
    price_type: str
    price_minor: int | None
    compare_at_minor: int | None
    currency: str
    discount_percent: int | None
    access_type: str
    access_days: int | None


def clean_facts(course: Course, facts: CourseFacts) -> dict[str, Any]:
    """Return column -> value to write; columns that follow from others (a subcategory of the old category,
    prices of a course made free) are among them.

    Args:
        course: as it stands, perhaps unsaved; it is left alone.
        facts: what was sent. For `PLACES` the caller holds the turn of the categories.

    Raises:
        TextEmpty, TextTooLong, LessonContentRefused: a text.
        UnknownCategory, SubcategoryMismatch: category or subcategory.
        TranslationNeedless: a translation into the course's own language.
        PriceMismatch, CurrencyUnknown, AmountNotChargeable, AccessDaysMismatch: price or access.
    """
    clean: dict[str, Any] = dict(facts)
    if "title" in facts:
        clean["title"] = plain_title(facts["title"])
    if "summary" in facts:
        clean["summary"] = plain_summary(facts["summary"])
    for name in ("requirements", "outcomes", "audience"):
        if name in clean:
            clean[name] = [plain_title(line, field=name) for line in clean[name]]
    if "tags" in facts:
        clean["tags"] = _tags(facts["tags"])
    for name in ("caption_languages", "flags"):
        if name in clean:
            clean[name] = list(dict.fromkeys(clean[name]))
    if "seo" in facts:
        clean["seo"] = _seo(facts["seo"])
    if "switches" in facts:
        clean["switches"] = with_changes(course.switches, facts["switches"])
    if "translations" in facts or "language" in facts:
        language = facts.get("language", course.language)
        clean["translations"] = _translations(course, language, facts.get("translations", {}))
    if PLACES & facts.keys():
        clean |= _places(course, facts)
    if facts.keys() & set(TERMS):
        clean |= _terms(course, facts)
    return clean


def _tags(texts: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for text in texts:
        tag = normal_tag(plain_title(text, field="tags"))
        if not tag:
            raise TextEmpty(field="tags")
        if len(tag) > MOST_TAG_CHARACTERS:
            raise TextTooLong(field="tags", length=len(tag), limit=MOST_TAG_CHARACTERS)
        found[tag] = None
    return list(found)


def _seo(asked: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for name in ("meta_title", "meta_description"):
        if asked.get(name):
            clean[name] = plain_title(asked[name], field=name)
    if asked.get("keywords"):
        clean["keywords"] = list(
            dict.fromkeys(plain_title(word, field="keywords") for word in asked["keywords"])
        )
    return clean


def _translations(
    course: Course, language: str, asked: Mapping[str, Mapping[str, str] | None]
) -> dict[str, dict[str, str]]:
    merged: dict[str, dict[str, str]] = dict(course.translations)
    for tag, texts in asked.items():
        if texts is None:
            merged.pop(tag, None)
            continue
        merged[tag] = {
            "title": plain_title(texts["title"]),
            "summary": plain_summary(texts.get("summary", "")),
        }
    if language.lower() in {tag.lower() for tag in merged}:
        raise TranslationNeedless(field="translations", language=language)
    return merged


def _places(course: Course, facts: CourseFacts) -> dict[str, uuid.UUID | None]:
    category_id = facts.get("category_id", course.category_id)
    moved = category_id != course.category_id
    subcategory_id = facts.get("subcategory_id", None if moved else course.subcategory_id)
    wanted = {key for key in (category_id, subcategory_id) if key is not None}
    parents = dict(Category.objects.filter(pk__in=wanted).order_by().values_list("pk", "parent_id"))
    if category_id is not None and category_id not in parents:
        raise UnknownCategory(field="category_id")
    if subcategory_id is not None:
        if subcategory_id not in parents:
            raise UnknownCategory(field="subcategory_id")
        if category_id is None or parents[subcategory_id] != category_id:
            raise SubcategoryMismatch(field="subcategory_id")
    return {"category_id": category_id, "subcategory_id": subcategory_id}


def _terms(course: Course, facts: CourseFacts) -> dict[str, Any]:
    merged: dict[str, Any] = {name: facts.get(name, getattr(course, name)) for name in TERMS}
    merged["currency"] = merged["currency"].lower()
    # A course made free, or unlimited, sheds what only the other kind has; what is sent with it is refused.
    if facts.get("price_type", PriceType.PAID) != PriceType.PAID:
        nothing = {"price_minor": None, "compare_at_minor": None, "currency": "", "discount_percent": None}
        merged |= {name: value for name, value in nothing.items() if name not in facts}
    if facts.get("access_type", AccessType.LIMITED) != AccessType.LIMITED and "access_days" not in facts:
        merged["access_days"] = None
    check_terms(CourseTerms(**merged))
    return merged
