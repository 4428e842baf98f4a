"""The lines by which two texts differ, in the form of `diff -u`, never more than a screen can bear."""

import difflib
from dataclasses import dataclass
from itertools import islice
from typing import Final

MAX_LINES: Final = 400
MAX_CHARACTERS: Final = 40_000
# Finding the differences of texts can take time in the square of their lines.
_MAX_INPUT_LINES: Final = 4_000
_CONTEXT: Final = 3


@dataclass(frozen=True, slots=True)
class LineDiff:
    """Lines that begin with "@@", "-", "+" or a space. `is_cut`: there are more differences than these."""

    lines: tuple[str, ...]
    is_cut: bool


def line_diff(before: str, after: str) -> LineDiff:
    """Return the unified difference of two texts, without the two lines that name files.

    Longer results are cut at a line, or inside the last one; of longer texts only the beginnings are
    compared.
    """
    old, new = before.splitlines(), after.splitlines()
    is_cut = max(len(old), len(new)) > _MAX_INPUT_LINES
    found = difflib.unified_diff(old[:_MAX_INPUT_LINES], new[:_MAX_INPUT_LINES], n=_CONTEXT, lineterm="")
    lines: list[str] = []
    left = MAX_CHARACTERS
    for line in islice(found, 2, None):
        if len(lines) == MAX_LINES or left <= 0:
            return LineDiff(tuple(lines), is_cut=True)
        lines.append(line[:left])
        is_cut = is_cut or len(line) > left
        left -= len(line)
    return LineDiff(tuple(lines), is_cut)
