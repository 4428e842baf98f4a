"""Lines of CSV files that spreadsheets open without running anything in them."""

import csv
import io
from collections.abc import Iterable, Sequence

# What a spreadsheet takes for a formula at the start of a cell, full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the rows as CSV in UTF-8: None is empty, texts that would be formulas begin with an apostrophe.

    Numbers are written as they are; they cannot be formulas.
    """
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue().encode()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
