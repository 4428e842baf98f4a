"""Text to records: which character separates the cells, and where each record starts.

The standard library's reader does the splitting (strictly: see `BrokenQuoting`); its sniffer is not used,
for it guesses from letter frequencies. Here the header decides: the right delimiter is the one that yields
the columns we know.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence

from tenant_apps.rosters.parsing.errors import BrokenQuoting

DELIMITERS = (",", ";", "\t", "|")

_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)", re.IGNORECASE)


def split_sep_line(text: str) -> tuple[str, str | None]:
    """Cut off Excel's `sep=;` first line; give the rest and the delimiter it names, if there is one.

    Any single character is believed there, as Excel does, save those that cannot separate cells.
    """
    match = _SEP_LINE.match(text)
    if match is None or match[1].isalnum() or match[1] in '"\r\n':
        return text, None
    return text[match.end() :], match[1]


def find_delimiter(text: str, count_known_columns: Callable[[Sequence[str]], int]) -> str:
    """Choose the delimiter under which the header row has the most known columns, then the most columns.

    `count_known_columns` tells how many cells of a header row mean something. A file with one column has no
    delimiter at all; it is read with the comma.
    """

    def score(delimiter: str) -> tuple[int, int]:
        try:
            header = next((record for _, record in read_records(text, delimiter)), [])
        except BrokenQuoting:
            return (-1, -1)
        return (count_known_columns(header), len(header))

    return max(DELIMITERS, key=score)


def read_records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield `(row number, cells)` for each record that is not empty.

    Row numbers count records from 1 with the empty ones, as a spreadsheet shows them: line breaks inside
    quoted cells do not advance them.

    Raises:
        BrokenQuoting: while iterating, at the row where a quote is left open or is followed by text.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BrokenQuoting(row=row) from error
        if any(cell and not cell.isspace() for cell in record):
            yield row, record
