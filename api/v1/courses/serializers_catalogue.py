"""Shapes of the catalogue: what courses say of themselves, how they are found and what they lead to."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.v1.courses.serializers import LANGUAGE, CourseOut
from api.v1.courses.serializers_instructors import PartOut
from tenant_apps.courses.content.switches import DEFAULTS
from tenant_apps.courses.content.terms import CourseTerms
from tenant_apps.courses.enums import (
    AccessType,
    CourseState,
    Level,
    PriceType,
)
from tenant_apps.courses.selectors.facets import Facets
from tenant_apps.runs.selectors.catalogue import FLAGS, ORDERS, CatalogueEntry


class ShownInQuery(serializers.Serializer[Any]):
    """The language somebody wants to read."""

    language = serializers.RegexField(
        LANGUAGE,
        max_length=12,
        required=False,
        help_text="Show title and summary in this language where they are translated; else Accept-Language "
        "decides, then the member's own language.",
    )


class CatalogueFilter(ShownInQuery):
    """Query of the catalogue and of its counts."""

    search = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Words that each occur in the title, the summary, the slug or a tag.",
    )
    category = serializers.UUIDField(required=False, help_text="Courses anywhere in its branch.")
    tag = serializers.CharField(max_length=100, required=False)
    level = serializers.ChoiceField(choices=Level.choices, required=False)
    taught_in = serializers.RegexField(
        LANGUAGE, max_length=12, required=False, help_text='Language of the course; "en" finds "en-GB" too.'
    )
    caption = serializers.RegexField(LANGUAGE, max_length=12, required=False)
    price_type = serializers.ChoiceField(choices=PriceType.choices, required=False)
    instructor = serializers.UUIDField(required=False, help_text="A member with a part in the course.")
    flag = serializers.ChoiceField(choices=FLAGS, required=False, help_text="Set by hand or by rule.")
    enrolled = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether you have a place in a run of it."
    )


class CatalogueListFilter(CatalogueFilter):
    """Query of the catalogue's list."""

    sort = serializers.ChoiceField(choices=tuple(ORDERS), default="title")


class CourseFilter(CatalogueFilter):
    """Query of the counts beside the list of courses."""

    state = serializers.ChoiceField(choices=CourseState.choices, required=False)
    listed = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether the catalogue shows it."
    )
    deleted = serializers.BooleanField(
        default=False, help_text="The deleted courses instead; for those who may restore them."
    )


class CourseListFilter(CourseFilter):
    """Query of the list of courses."""

    sort = serializers.ChoiceField(choices=tuple(ORDERS), default="title")


class TagFilter(serializers.Serializer[Any]):
    """Query of the tags in use."""

    search = serializers.CharField(max_length=100, required=False, default="")


class SwitchesOut(serializers.Serializer[Any]):
    """What each switch stands at."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one field for each switch."""
        return {name: serializers.BooleanField() for name in DEFAULTS}


class CategoryNameOut(serializers.Serializer[Any]):
    """A category as courses name it."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()


class CoursePriceOut(serializers.Serializer[Any]):
    """What being enrolled costs; sums are null unless something is paid."""

    type = serializers.ChoiceField(choices=PriceType.choices)
    price = MoneyOut(allow_null=True, help_text="Before the discount.")
    compare_at = MoneyOut(allow_null=True, help_text="A higher price to show struck through.")
    discount_percent = serializers.IntegerField(allow_null=True)
    effective = MoneyOut(allow_null=True, help_text="What is paid: the price less the discount.")


class CourseAccessOut(serializers.Serializer[Any]):
    """How long somebody enrolled may learn."""

    type = serializers.ChoiceField(choices=AccessType.choices)
    days = serializers.IntegerField(allow_null=True, help_text="Of 24 hours; null unless limited.")


class CourseCountersOut(serializers.Serializer[Any]):
    """Counted as this was read; `lectures` are top-level lessons of the current version."""

    enrolments = serializers.IntegerField()
    completions = serializers.IntegerField()
    views = serializers.IntegerField()
    lectures = serializers.IntegerField()
    sections = serializers.IntegerField()
    resources = serializers.IntegerField()
    minutes = serializers.IntegerField()


class ShownOut(serializers.Serializer[Any]):
    """Title and summary in the best of the languages asked for."""

    language = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)


class CourseFactsOut(serializers.Serializer[Any]):
    """What lists show of a course beside its own columns."""

    revision = serializers.IntegerField(help_text="The ETag of the course's facts.")
    category = CategoryNameOut(allow_null=True)
    subcategory = CategoryNameOut(allow_null=True)
    level = serializers.ChoiceField(choices=Level.choices)
    tags = serializers.ListField(child=serializers.CharField())
    caption_languages = serializers.ListField(child=serializers.CharField())
    flags = serializers.ListField(
        child=serializers.ChoiceField(choices=FLAGS), help_text="Set by hand or by rule."
    )
    is_listed = serializers.BooleanField()
    price = CoursePriceOut()
    access = CourseAccessOut()
    counters = CourseCountersOut()
    is_enrolled = serializers.BooleanField(help_text="You have a place in a run of it.")
    shown = ShownOut()


def course_facts(entry: CatalogueEntry) -> dict[str, Any]:
    """Return what `CourseFactsOut` shapes."""
    card = entry.card
    course, terms = card.course, card.terms
    return {
        "revision": course.revision,
        "category": card.category,
        "subcategory": card.subcategory,
        "level": course.level,
        "tags": course.tags,
        "caption_languages": course.caption_languages,
        "flags": entry.flags,
        "is_listed": course.is_listed,
        "price": {
            "type": terms.price_type,
            "price": _sum(terms, terms.price_minor),
            "compare_at": _sum(terms, terms.compare_at_minor),
            "discount_percent": terms.discount_percent,
            "effective": _sum(terms, terms.effective_price_minor),
        },
        "access": {"type": terms.access_type, "days": terms.access_days},
        "counters": {
            "enrolments": entry.enrolments,
            "completions": entry.completions,
            "views": card.views,
            "lectures": card.content.lectures,
            "sections": card.content.sections,
            "resources": card.content.resources,
            "minutes": card.content.minutes,
        },
        "is_enrolled": entry.is_enrolled,
        "shown": {
            "language": card.language_shown,
            "title": card.title_shown,
            "summary": card.summary_shown,
        },
    }


def _sum(terms: CourseTerms, amount_minor: int | None) -> dict[str, Any] | None:
    return None if amount_minor is None else money(amount_minor, terms.currency)


class SeoOut(serializers.Serializer[Any]):
    """What search engines and previews of links show."""

    meta_title = serializers.CharField(allow_blank=True, default="")
    meta_description = serializers.CharField(allow_blank=True, default="")
    keywords = serializers.ListField(child=serializers.CharField(), default=list)


class CourseTranslationOut(serializers.Serializer[Any]):
    """Title and summary in another language."""

    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)


class CourseCardOut(CourseFactsOut, CourseOut):
    """A course in the list."""

    class Meta(CourseOut.Meta):
        fields = (*CourseOut.Meta.fields, *CourseFactsOut._declared_fields)  # type: ignore[assignment]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Put the course's own columns beside what was computed."""
        row: dict[str, Any] = CourseOut(instance.card.course, context=self.context).data
        return row | dict(CourseFactsOut(course_facts(instance)).data)


class CoursePageOut(CourseCardOut):
    """A course with all its facts, and its texts in every language."""

    requirements = serializers.ListField(child=serializers.CharField())
    outcomes = serializers.ListField(child=serializers.CharField())
    audience = serializers.ListField(child=serializers.CharField())
    seo = SeoOut()
    switches = SwitchesOut()
    translations = serializers.DictField(child=CourseTranslationOut())
    instructors = PartOut(many=True)

    class Meta(CourseCardOut.Meta):
        fields = (
            *CourseCardOut.Meta.fields,
            "requirements",
            "outcomes",
            "audience",
            "seo",
            "switches",
            "translations",
            "instructors",
        )

    def to_representation(self, instance: CatalogueEntry) -> dict[str, Any]:
        """Add what only a detail shows."""
        return (
            super().to_representation(instance)
            | words_of(instance)
            | {
                "translations": instance.card.course.translations,
                "instructors": PartOut(self.context["view"].instructors, many=True).data,
            }
        )


class CatalogueCardOut(CourseCardOut):
    """A course of the catalogue, title and summary in the best of the languages asked for."""

    def to_representation(self, instance: CatalogueEntry) -> dict[str, Any]:
        """Put the shown texts in place of the course's own."""
        shaped = super().to_representation(instance)
        return shaped | {"title": shaped["shown"]["title"], "summary": shaped["shown"]["summary"]}


def words_of(entry: CatalogueEntry) -> dict[str, Any]:
    """Return the members that a detail adds to a card."""
    course = entry.card.course
    return {
        "requirements": course.requirements,
        "outcomes": course.outcomes,
        "audience": course.audience,
        "seo": SeoOut(course.seo).data,
        "switches": entry.card.switches,
    }


class TagOut(serializers.Serializer[Any]):
    """A tag in use, and how many of the courses one sees have it."""

    tag = serializers.CharField()
    courses = serializers.IntegerField()


class FacetsOut(serializers.Serializer[Any]):
    """Value -> number of the courses found, the most frequent first. `categories` (by id) counts branches."""

    total = serializers.IntegerField()
    state = serializers.DictField(child=serializers.IntegerField())
    level = serializers.DictField(child=serializers.IntegerField())
    language = serializers.DictField(child=serializers.IntegerField())
    price_type = serializers.DictField(child=serializers.IntegerField())
    captions = serializers.DictField(child=serializers.IntegerField())
    tags = serializers.DictField(child=serializers.IntegerField())
    flags = serializers.DictField(child=serializers.IntegerField())
    categories = serializers.DictField(child=serializers.IntegerField())

    def to_representation(self, instance: Facets) -> dict[str, Any]:
        """Write ids of categories as text."""
        shaped = asdict(instance)
        return shaped | {"categories": {str(key): times for key, times in shaped["categories"].items()}}
