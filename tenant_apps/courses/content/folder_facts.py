"""What a course folder says of the course itself besides its title: how it is found, and what it costs."""

from typing import Any, Final

from tenant_apps.courses.content.folder_fields import (
    MAX_SUMMARY_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    FieldReader,
    Fields,
)
from tenant_apps.courses.content.marked_yaml import YamlValue
from tenant_apps.courses.enums import AccessType, Level, PriceType

_LINES: Final = ("tags", "requirements", "outcomes", "audience")
FACT_KEYS: Final = (
    *("level", "captions", "category", "subcategory", "price", "access", "translations"),
    *_LINES,
)
# What a sum can be, in minor units; `content.terms` checks it against its currency.
_MOST: Final = 999_999_999


def course_facts(fields: Fields, reader: FieldReader) -> dict[str, Any]:
    """Return the facts that are there, by the names of the course's columns."""
    facts: dict[str, Any] = {}
    if "level" in fields:
        facts["level"] = reader.choice(fields["level"], "level", Level.values)
    for name in _LINES:
        if name in fields:
            facts[name] = reader.lines(fields[name], name, MAX_TITLE_CHARACTERS)
    if "captions" in fields:
        languages = fields["captions"].items("captions", reader.problems, may_be_empty=True)
        facts["caption_languages"] = [reader.language(each, "captions") for each in languages]
    for name in ("category", "subcategory"):
        if name in fields:
            facts[name] = reader.slug(fields[name], name)
    if "translations" in fields:
        facts["translations"] = _translations(fields["translations"], reader)
    if "price" in fields:
        facts |= _price(fields["price"], reader)
    if "access" in fields:
        facts |= _access(fields["access"], reader)
    return facts


def _translations(value: YamlValue, reader: FieldReader) -> dict[str, dict[str, str]]:
    found = {}
    for key, texts in value.pairs("'translations'", reader.problems):
        fields = texts.mapping("A translation", ("title", "summary"), reader.problems) or {}
        found[reader.language(key)] = {
            "title": reader.title(fields, "A translation", texts.place),
            "summary": reader.optional_line(fields, "summary", MAX_SUMMARY_CHARACTERS),
        }
    return found


def _price(value: YamlValue, reader: FieldReader) -> dict[str, Any]:
    known = ("type", "amount_minor", "compare_at_minor", "currency", "discount_percent")
    fields = value.mapping("'price'", known, reader.problems) or {}
    facts: dict[str, Any] = {}
    if kind := reader.required(fields, "type", "'price'", value.place):
        facts["price_type"] = reader.choice(kind, "type", PriceType.values)
    for name, column in (("amount_minor", "price_minor"), ("compare_at_minor", "compare_at_minor")):
        if name in fields:
            facts[column] = fields[name].whole_number(name, reader.problems, low=0, high=_MOST)
    if "currency" in fields:
        facts["currency"] = fields["currency"].text("currency", reader.problems) or ""
    if "discount_percent" in fields:
        discount = fields["discount_percent"]
        facts["discount_percent"] = discount.whole_number(
            "discount_percent", reader.problems, low=0, high=100
        )
    return facts


def _access(value: YamlValue, reader: FieldReader) -> dict[str, Any]:
    fields = value.mapping("'access'", ("type", "days"), reader.problems) or {}
    facts: dict[str, Any] = {}
    if kind := reader.required(fields, "type", "'access'", value.place):
        facts["access_type"] = reader.choice(kind, "type", AccessType.values)
    if "days" in fields:
        facts["access_days"] = fields["days"].whole_number("days", reader.problems, low=1, high=36_500)
    return facts
