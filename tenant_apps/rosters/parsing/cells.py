"""One cell to clean text, whatever its column: spaces, invisible characters, formulas.

Decisions, each for every column:

- White space of any kind (no-break and ideographic spaces, tabs, line breaks) is cut off at both ends, and a
  line break or tab inside becomes a space: a warning, `spaces`. Odd or doubled spaces inside become one plain
  space silently, for nobody sees them and nothing depends on them. (`rows` drops the warning in free text.)
- Zero-width characters, soft hyphens and direction marks come along when text is copied from web pages. They
  are removed with the warning `invisible_removed`. The two joiners are kept in text: Persian, Hindi and
  Sinhala names need them (`remove_joiners` takes them out of codes and addresses, where nothing needs them).
- Other control characters, and those that turn the direction of the text around them, are refused: what such
  a cell shows is not what it holds, so no repair can claim to know what was meant.
- A cell that a spreadsheet would run as a formula is refused: it starts with = + - @ (or their full-width
  forms), or with a tab or carriage return, which some programs drop before looking. A sign followed by
  nothing but digits and their punctuation (a telephone number, a negative number) is no danger and accepted.
- A lone dash is how many HR systems write "nothing"; it is read as an empty cell.
"""

import re
import unicodedata
from typing import NamedTuple

_SPACES = re.compile(r"\s+")
_BREAK = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
_JOINERS = re.compile("[\u200c\u200d]")
_FORMULA_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_DROPPED_STARTS = ("\t", "\r")
_HARMLESS_NUMBER = re.compile(r"[+-][\d\s().,/-]+")
_NOTHING = frozenset({"-", "--", "---", "\u2013", "\u2014", "\u2212"})
_EXCERPT_CHARACTERS = 40


class CleanCell(NamedTuple):
    """Clean text and the codes found on the way: `refused` is `""` if the cell may be used."""

    text: str
    refused: str = ""
    warnings: tuple[str, ...] = ()


def clean_cell(raw: str) -> CleanCell:
    """Clean one cell by the rules above. The text comes back in NFC."""
    # Nine cells in ten are plain ASCII without anything to do; the checks are in C and keep large files fast.
    if raw.isascii() and raw.isprintable() and raw == raw.strip(" ") and "  " not in raw:
        return _judge_start(raw, ())
    return _clean_unusual(raw)


def _clean_unusual(raw: str) -> CleanCell:
    if _CONTROL.search(raw):
        return CleanCell(raw, "control_character")
    warnings: list[str] = []
    visible = _INVISIBLE.sub("", raw)
    if visible != raw:
        warnings.append("invisible_removed")
    trimmed = visible.strip()
    if trimmed and visible.startswith(_DROPPED_STARTS):
        return CleanCell(trimmed, "formula_cell")
    if trimmed and (trimmed != visible or _BREAK.search(trimmed)):
        warnings.append("spaces")
    text = unicodedata.normalize("NFC", _SPACES.sub(" ", trimmed))
    if "\ufffd" in text:
        warnings.append("damaged_text")
    return _judge_start(text, tuple(warnings))


def _judge_start(text: str, warnings: tuple[str, ...]) -> CleanCell:
    if text[:1] in _FORMULA_STARTS and text not in _NOTHING and not _HARMLESS_NUMBER.fullmatch(text):
        return CleanCell(text, "formula_cell", warnings)
    return CleanCell("" if text in _NOTHING else text, "", warnings)


def remove_joiners(text: str) -> str:
    """Take the zero-width joiners out of an address or code."""
    return text if text.isascii() else _JOINERS.sub("", text)


def excerpt(raw: str) -> str:
    """Give at most 40 characters of a cell on one line; a dot stands for each character nobody can see."""
    shown = "".join(char if char.isprintable() else " " if char.isspace() else "\u00b7" for char in raw[:200])
    shown = " ".join(shown.split())
    return shown if len(shown) <= _EXCERPT_CHARACTERS else shown[: _EXCERPT_CHARACTERS - 1] + "\u2026"
