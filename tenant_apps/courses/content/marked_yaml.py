"""Reads YAML as nodes that still know their line and column.

Nothing is constructed: values stay text until a field asks for a number or a flag. So no tag can make an
object, and `language: no` stays Norwegian.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from tenant_apps.courses.content.problems import Place, Problems, did_you_mean

MAX_YAML_BYTES: Final = 2 * 1024 * 1024
_MAX_DEPTH: Final = 20
_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})


@dataclass(frozen=True, slots=True)
class YamlValue:
    """One value of the file with its place; the readers note a problem and return None when it is unfit."""

    node: yaml.Node
    place: Place

    def text(self, name: str, problems: Problems) -> str | None:
        """Return the scalar as it was written (quotes resolved)."""
        if isinstance(self.node, yaml.ScalarNode) and self.node.tag != "tag:yaml.org,2002:null":
            return str(self.node.value)
        if isinstance(self.node, yaml.ScalarNode):
            problems.add(self.place, "value_empty", f"'{name}' is empty.", "Write a value or remove the key.")
        else:
            problems.add(self.place, "value_not_text", f"'{name}' must be text.", "Write one line of text.")
        return None

    @property
    def is_mapping(self) -> bool:
        """Tell whether the value has keys of its own."""
        return isinstance(self.node, yaml.MappingNode)

    def flag(self, name: str, problems: Problems) -> bool | None:
        """Return true or false."""
        word = str(self.node.value).lower() if isinstance(self.node, yaml.ScalarNode) else ""
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        problems.add(self.place, "value_not_flag", f"'{name}' must be true or false.", "Write true or false.")
        return None

    def whole_number(self, name: str, problems: Problems, *, low: int, high: int) -> int | None:
        """Return a number from low to high, both included."""
        word = str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""
        if word.isascii() and word.isdigit() and len(word) < 10 and low <= int(word) <= high:
            return int(word)
        problems.add(
            self.place,
            "value_not_number",
            f"'{name}' must be a whole number from {low} to {high}.",
            f"Write for example {name}: 10.",
        )
        return None

    def items(self, name: str, problems: Problems, *, may_be_empty: bool = False) -> list["YamlValue"]:
        """Return the entries of a list, empty when it is not one or has none (which is a problem, unless it
        may be empty)."""
        if isinstance(self.node, yaml.SequenceNode) and (self.node.value or may_be_empty):
            return [_value(child, self.place.file) for child in self.node.value]
        problems.add(
            self.place,
            "value_not_list",
            f"'{name}' must be a list with at least one entry.",
            f"Write each entry of '{name}' on its own line, beginning with '- '.",
        )
        return []

    def pairs(self, name: str, problems: Problems) -> list[tuple["YamlValue", "YamlValue"]]:
        """Return keys and values of a mapping whose keys are the author's own, each key once."""
        if not isinstance(self.node, yaml.MappingNode):
            problems.add(self.place, "value_not_mapping", f"{name} must have keys.", "Write 'key: value'.")
            return []
        found: dict[str, tuple[YamlValue, YamlValue]] = {}
        for key_node, value_node in self.node.value:
            key = _value(key_node, self.place.file)
            word = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "(not text)"
            if word in found:
                message = f"'{word}' is given twice in {name}."
                problems.add(key.place, "key_duplicate", message, "Keep one of the two.")
            else:
                found[word] = (key, _value(value_node, self.place.file))
        return list(found.values())

    def mapping(
        self, name: str, known: Iterable[str], problems: Problems
    ) -> Mapping[str, "YamlValue"] | None:
        """Return the known keys of a mapping; unknown and repeated keys are noted and left out."""
        known = tuple(known)
        if not isinstance(self.node, yaml.MappingNode):
            problems.add(
                self.place, "value_not_mapping", f"{name} must have keys.", f"Use: {', '.join(known)}."
            )
            return None
        found: dict[str, YamlValue] = {}
        for key_node, value_node in self.node.value:
            place = _place(key_node, self.place.file)
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "(not text)"
            if key not in known:
                advice = did_you_mean(key, known, f"Use one of: {', '.join(known)}.")
                problems.add(place, "key_unknown", f"{name} has no key '{key}'.", advice)
            elif key in found:
                first = found[key].place.line
                message = f"'{key}' is given twice in {name}; the first is on line {first}."
                problems.add(place, "key_duplicate", message, "Keep one of the two.")
            else:
                found[key] = _value(value_node, self.place.file)
        return found


def read_yaml(raw: bytes, file: str, problems: Problems) -> YamlValue | None:
    """Return the root value of one YAML document, or None with the problems noted.

    Refused before anything is built: more than MAX_YAML_BYTES, aliases (ten lines of them can mean a
    gigabyte), explicit tags, more than one document, and nesting that would exhaust the stack.
    """
    if len(raw) > MAX_YAML_BYTES:
        message = f"The file has {len(raw)} bytes, the limit is {MAX_YAML_BYTES}."
        problems.add(Place(file), "file_too_large", message, "Move long texts into lesson files.")
        return None
    text = decode_text(raw, file, problems)
    if text is None:
        return None
    try:
        if not _events_allowed(text, file, problems):
            return None
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        reason = (error.problem or error.context or "it cannot be read").strip()
        advice = "Check indentation (spaces, no tabs), colons and quotes on this line and the one before."
        problems.add(place, "yaml_syntax", f"This is not valid YAML: {reason}.", advice)
        return None
    except yaml.reader.ReaderError as error:
        place = _place_of_offset(text, int(error.position), file)
        message = "There is a control character that YAML does not allow."
        problems.add(place, "yaml_character", message, "Delete the invisible character on this line.")
        return None
    if root is None:
        problems.add(Place(file), "file_empty", "The file is empty.", "Start with slug, title and modules.")
        return None
    return _value(root, file)


def decode_text(raw: bytes, file: str, problems: Problems) -> str | None:
    """Return UTF-8 text without byte order mark and with \\n newlines, or None with the problem noted."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(file, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        message = "The file is not UTF-8 text from here on."
        problems.add(place, "file_not_utf8", message, "Save the file with encoding UTF-8.")
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _events_allowed(text: str, file: str, problems: Problems) -> bool:
    depth = documents = 0
    count = len(problems.found)
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        place = _place(event, file)
        if documents > 1:
            advice = "Remove the line '---' and what follows it."
            problems.add(place, "yaml_documents", "The file holds more than one document.", advice)
            return False
        if depth > _MAX_DEPTH:
            message = f"Values are nested deeper than {_MAX_DEPTH} levels."
            problems.add(place, "yaml_depth", message, "Use modules with lessons, nothing deeper.")
            return False
        if isinstance(event, yaml.AliasEvent):
            message = f"The alias '*{event.anchor}' is not allowed."
            problems.add(place, "yaml_alias", message, "Write the value out in full.")
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            message = f"The tag '{event.tag}' is not allowed."
            problems.add(place, "yaml_tag", message, "Remove the word that starts with '!'.")
    return len(problems.found) == count


def _place(marked: yaml.Node | yaml.Event, file: str) -> Place:
    mark = marked.start_mark
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


def _place_of_offset(text: str, offset: int, file: str) -> Place:
    before = text[:offset]
    return Place(file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _value(node: yaml.Node, file: str) -> YamlValue:
    return YamlValue(node, _place(node, file))
