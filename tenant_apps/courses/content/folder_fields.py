"""Single fields of a course folder: read, checked, and replaced by something harmless when they are unfit."""

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tenant_apps.courses.content.addresses import check_https_url
from tenant_apps.courses.content.errors import ContentError
from tenant_apps.courses.content.marked_yaml import YamlValue
from tenant_apps.courses.content.problems import Place, Problems, did_you_mean
from tenant_apps.courses.content.sanitize import plain_text

MAX_TITLE_CHARACTERS: Final = 200
MAX_SUMMARY_CHARACTERS: Final = 1_000
MAX_KEY_CHARACTERS: Final = 64

_KEY: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# As in addresses of the API; what was made there need not look like a key.
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

Fields: TypeAlias = Mapping[str, YamlValue]


@dataclass(slots=True)
class FieldReader:
    """Reads fields; each method notes what is wrong and goes on, so that reading finds every problem."""

    problems: Problems

    def required(self, fields: Fields, name: str, owner: str, place: Place) -> YamlValue | None:
        """Return the field, None when it is missing."""
        if name not in fields:
            self.problems.add(place, "key_missing", f"{owner} needs '{name}'.", f"Add '{name}:' here.")
        return fields.get(name)

    def title(self, fields: Fields, owner: str, place: Place) -> str:
        """Return the title as plain text."""
        value = self.required(fields, "title", owner, place)
        return "" if value is None else self.line(value, "title", MAX_TITLE_CHARACTERS)

    def optional_line(self, fields: Fields, name: str, limit: int) -> str:
        """Return a line of plain text, "" when it was left out."""
        value = fields.get(name)
        return "" if value is None else self.line(value, name, limit)

    def summary(self, fields: Fields) -> str:
        """Return the summary as plain text, "" when it was left out."""
        return self.optional_line(fields, "summary", MAX_SUMMARY_CHARACTERS)

    def line(self, value: YamlValue, name: str, limit: int) -> str:
        """Return one line of plain text of at most `limit` characters."""
        text = value.text(name, self.problems)
        if text is None:
            return ""
        try:
            line = plain_text(text)
        except ContentError:
            line = text
        if len(line) > limit:
            message = f"'{name}' has {len(line)} characters, the limit is {limit}."
            self.problems.add(value.place, "value_too_long", message, "Say it shorter.")
        elif not line:
            message = f"'{name}' holds no readable text."
            self.problems.add(value.place, "value_empty", message, "Write it in plain words.")
        return line

    def lines(self, value: YamlValue, name: str, limit: int) -> list[str]:
        """Return a list of lines of plain text."""
        return [self.line(each, name, limit) for each in value.items(name, self.problems, may_be_empty=True)]

    def key(self, fields: Fields, name: str, owner: str, place: Place) -> str:
        """Return a key: a-z, 0-9 and single hyphens."""
        value = self.required(fields, name, owner, place)
        return "" if value is None else self.key_text(value, name)

    def slug(self, value: YamlValue, name: str) -> str:
        """Return the value as a slug, of a course or category, "" when it is no text."""
        text = value.text(name, self.problems)
        if text is not None and not _SLUG.fullmatch(text):
            message = f"'{name}' may hold only a-z, A-Z, 0-9, '-' and '_', at most 80."
            fitting = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:MAX_KEY_CHARACTERS].strip("-")
            advice = f"Write for example '{fitting or 'first-course'}'."
            self.problems.add(value.place, "key_format", message, advice)
        return text or ""

    def key_text(self, value: YamlValue, name: str) -> str:
        """Return the value as a key, "" when it is no text."""
        text = value.text(name, self.problems)
        if text is None:
            return ""
        if not _KEY.fullmatch(text) or len(text) > MAX_KEY_CHARACTERS:
            fitting = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:MAX_KEY_CHARACTERS].strip("-")
            message = f"'{name}' may hold only a-z, 0-9 and single hyphens, at most {MAX_KEY_CHARACTERS}."
            advice = f"Write for example '{fitting or 'first-lesson'}'."
            self.problems.add(value.place, "key_format", message, advice)
        return text

    def language(self, value: YamlValue, name: str = "language") -> str:
        """Return a language tag, "" when it is none."""
        text = value.text(name, self.problems)
        if text is None:
            return ""
        if not _LANGUAGE.fullmatch(text) or len(text) > 12:
            message = f"'{text}' is not a language tag."
            self.problems.add(value.place, "language_format", message, "Write for example en, de or pt-BR.")
            return ""
        return text

    def flag(self, fields: Fields, name: str, *, default: bool) -> bool:
        """Return true or false, the default when it was left out."""
        value = fields.get(name)
        return default if value is None else bool(value.flag(name, self.problems))

    def number(self, fields: Fields, name: str, *, low: int, high: int, default: int) -> int:
        """Return a whole number, the default when it was left out."""
        value = fields.get(name)
        if value is None:
            return default
        found = value.whole_number(name, self.problems, low=low, high=high)
        return low if found is None else found

    def choice(self, value: YamlValue, name: str, allowed: Collection[str]) -> str:
        """Return one of the allowed words, the first of them when it is another."""
        word = value.text(name, self.problems)
        if word is not None and word not in allowed:
            advice = did_you_mean(word, allowed, f"Use one of: {', '.join(allowed)}.")
            self.problems.add(value.place, "value_unknown", f"'{name}' cannot be '{word}'.", advice)
        return word if word is not None and word in allowed else next(iter(allowed))

    def address(self, value: YamlValue, name: str) -> str:
        """Return a canonical https address, "" when it is none."""
        url = value.text(name, self.problems)
        if url is None:
            return ""
        try:
            return check_https_url(url)
        except ContentError as error:
            message = f"'{url}' is no address that can be used."
            self.problems.add(value.place, error.code, message, "Use a plain https address.")
            return ""

    def uuid(self, value: YamlValue, name: str) -> uuid.UUID | None:
        """Return a UUID, None when it is none."""
        text = value.text(name, self.problems)
        try:
            return None if text is None else uuid.UUID(text)
        except ValueError:
            message = f"'{name}' must be a UUID."
            self.problems.add(value.place, "value_not_uuid", message, "Copy the id as it was shown.")
            return None
