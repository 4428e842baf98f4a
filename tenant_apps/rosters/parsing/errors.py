"""Refusals of a whole file. What is wrong with one row is a `RowIssue`, never an exception."""

from shared_apps.core.errors import DomainError, Kind


class RosterFileError(DomainError):
    """Base: the file as a whole cannot be read as a roster, so no row of it was looked at."""

    code = "roster_file_invalid"
    title = "The file cannot be read as a roster."
    advice = "Export the list again as CSV (UTF-8) and upload that file."


class NotText(RosterFileError):
    """The content is a workbook, archive, document or other binary. Facts: `looks_like`."""

    code = "not_text"
    kind = Kind.UNSUPPORTED
    title = "The file is not a text file."
    advice = "Open it in your spreadsheet or HR system, export it as CSV (UTF-8), and upload that file."


class BrokenEncoding(RosterFileError):
    """The bytes contradict the encoding they announce or mostly follow. Facts: `encoding`, `line`."""

    code = "broken_encoding"
    title = "The file mixes character encodings or is damaged."
    advice = "Export it again as CSV with the encoding UTF-8; do not paste parts of different files together."


class BrokenQuoting(RosterFileError):
    """A quoted cell never ends, or text follows its closing quote. Facts: `row`.

    The file is refused whole because from that place on the borders between cells are guesswork, and a guess
    would put one person's data into another's row.
    """

    code = "broken_quoting"
    title = "A quoted cell does not end where it should."
    advice = "Look at the quotation marks at the named row; a quote inside a quoted cell is written twice."


class FileTooLarge(RosterFileError):
    """Facts: `size_bytes`, `max_bytes`."""

    code = "file_too_large"
    kind = Kind.TOO_LARGE
    title = "The file is too large."
    advice = "Split the list into several files, each with the header row."


class TooManyRows(RosterFileError):
    """Facts: `max_rows`."""

    code = "too_many_rows"
    kind = Kind.TOO_LARGE
    title = "The file has too many rows."
    advice = "Split the list into several files, each with the header row."


class TooManyColumns(RosterFileError):
    """Facts: `max_columns`."""

    code = "too_many_columns"
    kind = Kind.TOO_LARGE
    title = "The file has too many columns."
    advice = "Export the columns about people only; the first row must name them."


class NoRows(RosterFileError):
    """The file is empty or has a header only."""

    code = "no_rows"
    title = "The file has no people in it."
    advice = "Check that the export contains a header row and at least one person."


class MissingColumn(RosterFileError):
    """Facts: `missing` (our column names), `found` (header cells as written in the file)."""

    code = "missing_column"
    title = "A required column is missing."
    advice = "The first row must name the columns; name the one with the e-mail addresses `email`."


class DuplicateColumn(RosterFileError):
    """Facts: `column` (our name), `headers` (the cells that all mean it)."""

    code = "duplicate_column"
    title = "Two columns mean the same."
    advice = "Remove or rename all but one of the named columns."
