"""What authors send of a course."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.v1.courses.serializers import LANGUAGE
from billing.money import MOST_MINOR
from tenant_apps.courses.content.switches import DEFAULTS
from tenant_apps.courses.content.terms import MOST_ACCESS_DAYS
from tenant_apps.courses.enums import AccessType, Level, NeedKind, PriceType, RelationKind
from tenant_apps.courses.services.course_facts import MOST_TAG_CHARACTERS
from tenant_apps.courses.services.links import MOST_LINKS
from tenant_apps.runs.selectors.catalogue import FLAGS

COURSE_REVISION: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='The ETag of the course as read, such as "3": refused when it is another by now.',
)
MOST_LINES: Final = 50
MOST_TAGS: Final = 30
MOST_LANGUAGES: Final = 50


class SeoIn(serializers.Serializer[Any]):
    """What search engines and previews of links show; all of it is written anew."""

    meta_title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    meta_description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    keywords = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=MOST_TAGS, required=False
    )


class CourseTranslationIn(serializers.Serializer[Any]):
    """Title and summary in another language."""

    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class TranslationsIn(serializers.DictField):
    """Language -> title and summary; null takes a translation away."""

    child = CourseTranslationIn(allow_null=True)

    def to_internal_value(self, value: Any) -> Any:
        """Refuse keys that are no language, and more of them than there could be."""
        parsed = super().to_internal_value(value)
        if len(parsed) > MOST_LANGUAGES:
            raise serializers.ValidationError(f"At most {MOST_LANGUAGES} languages.")
        for tag in parsed:
            serializers.RegexField(LANGUAGE, max_length=12).run_validation(tag)
        return parsed


class SwitchesIn(serializers.Serializer[Any]):
    """Switches to set; those left out stay."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one field for each switch."""
        return {name: serializers.BooleanField(required=False) for name in DEFAULTS}


def _lines(characters: int) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=characters), max_length=MOST_LINES, required=False
    )


class UpdateCourseIn(serializers.Serializer[Any]):
    """Facts to write; fields left out stay. Price, access and listing take the right to publish, flags an
    administrator."""

    slug = serializers.SlugField(max_length=80, required=False)
    title = serializers.CharField(max_length=200, required=False)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)
    category_id = serializers.UUIDField(required=False, allow_null=True)
    subcategory_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="A child of the category."
    )
    level = serializers.ChoiceField(choices=Level.choices, required=False)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MOST_TAG_CHARACTERS), max_length=MOST_TAGS, required=False
    )
    caption_languages = serializers.ListField(
        child=serializers.RegexField(LANGUAGE, max_length=12), max_length=MOST_LANGUAGES, required=False
    )
    requirements = _lines(200)
    outcomes = _lines(200)
    audience = _lines(200)
    flags = serializers.ListField(
        child=serializers.ChoiceField(choices=FLAGS), max_length=len(FLAGS), required=False
    )
    seo = SeoIn(required=False)
    is_listed = serializers.BooleanField(required=False)
    switches = SwitchesIn(required=False)
    translations = TranslationsIn(required=False)
    price_type = serializers.ChoiceField(choices=PriceType.choices, required=False)
    price_minor = serializers.IntegerField(min_value=0, max_value=MOST_MINOR, required=False, allow_null=True)
    compare_at_minor = serializers.IntegerField(
        min_value=0, max_value=MOST_MINOR, required=False, allow_null=True
    )
    currency = serializers.RegexField(
        r"^([A-Za-z]{3})?$", max_length=3, required=False, allow_blank=True, help_text="ISO 4217."
    )
    discount_percent = serializers.IntegerField(min_value=1, max_value=99, required=False, allow_null=True)
    access_type = serializers.ChoiceField(choices=AccessType.choices, required=False)
    access_days = serializers.IntegerField(
        min_value=1, max_value=MOST_ACCESS_DAYS, required=False, allow_null=True
    )


class PrerequisiteIn(serializers.Serializer[Any]):
    """A course that must, or should, be completed before."""

    course_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=NeedKind.choices, default=NeedKind.REQUIRED)


class PrerequisitesIn(serializers.Serializer[Any]):
    """All prerequisites, each course once."""

    courses = serializers.ListField(child=PrerequisiteIn(), max_length=MOST_LINKS)


class RelationIn(serializers.Serializer[Any]):
    """A related course."""

    course_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=RelationKind.choices, default=RelationKind.SIMILAR)


class RelationsIn(serializers.Serializer[Any]):
    """All related courses in their order."""

    courses = serializers.ListField(child=RelationIn(), max_length=MOST_LINKS)
