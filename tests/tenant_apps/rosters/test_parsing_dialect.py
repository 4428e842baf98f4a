"""Delimiters, quoting, row numbers, and the meaning of header cells."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.rosters.parsing import BrokenQuoting, DuplicateColumn, MissingColumn
from tenant_apps.rosters.parsing.decoding import decode_roster
from tenant_apps.rosters.parsing.dialect import DELIMITERS, find_delimiter, read_records, split_sep_line
from tenant_apps.rosters.parsing.headers import count_known_columns, map_headers

# Any character but surrogates (not encodable) and control characters (more than a few mark a binary file).
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(",;\t|\"\n'"), max_size=20)
# Long enough that UTF-16 shows its zero bytes and controls stay rare.
FIRST_CELL = "employee.of.the.month@globex.example"


@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(["\r\n", "\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16"]),
)
def test_every_cell_survives_every_encoding_delimiter_and_line_end(
    rows: list[list[str]], delimiter: str, line_end: str, encoding: str
) -> None:
    table = [["email", "first_name", "last_name", "role", "cohort"], *([FIRST_CELL, *row] for row in rows)]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(table)

    text = decode_roster(written.getvalue().encode(encoding), max_bytes=1_000_000).text
    found = find_delimiter(text, count_known_columns)

    assert found == delimiter
    assert list(read_records(text, found)) == list(enumerate(table, start=1))


@given(st.text("abc ÄÖÜäöüßÀéèêçÑñøåæÆÿþ", max_size=40))
def test_western_names_survive_windows_1252(name: str) -> None:
    text = f"email;first_name\nzoe@globex.example;Zoë{name}"

    assert decode_roster(text.encode("cp1252"), max_bytes=1_000) == (text, "cp1252")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        pytest.param("email,role\n", ",", id="comma"),
        pytest.param("email;role\n", ";", id="semicolon"),
        pytest.param("email\trole\n", "\t", id="tab"),
        pytest.param("email|role\n", "|", id="pipe"),
        pytest.param('email;"role, system, rights"\n', ";", id="more commas inside quotes"),
        pytest.param("email;city,site,office,werk\n", ",", id="more known columns win"),
        pytest.param("email\n", ",", id="one column"),
        pytest.param("\n\nemail;role\n", ";", id="empty lines first"),
        pytest.param("one;two;three,four\n", ";", id="nothing known"),
    ],
)
def test_delimiter_is_the_one_the_header_makes_sense_with(text: str, delimiter: str) -> None:
    assert find_delimiter(text, count_known_columns) == delimiter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("sep=;\r\nemail", ("email", ";"), id="excel"),
        pytest.param('"SEP=|"\nemail', ("email", "|"), id="quoted capitals"),
        pytest.param("sep=\t\nemail", ("email", "\t"), id="tab"),
        pytest.param("sep=x\nemail", ("sep=x\nemail", None), id="a letter separates nothing"),
        pytest.param("email;sep=;\n", ("email;sep=;\n", None), id="not at the start"),
    ],
)
def test_sep_line_is_believed_and_removed(text: str, expected: tuple[str, str | None]) -> None:
    assert split_sep_line(text) == expected


def test_row_numbers_count_empty_rows_but_not_line_breaks_in_cells() -> None:
    text = 'email;job_title\r\na@b.example;"Head of\r\nSales"\r\n\r\n;;\r\nc@d.example;"say ""hi"""\r\n'

    records = list(read_records(text, ";"))

    assert records == [
        (1, ["email", "job_title"]),
        (2, ["a@b.example", "Head of\r\nSales"]),
        (5, ["c@d.example", 'say "hi"']),
    ]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param('email,role\na@b.example,"learner\nc@d.example,learner\n', 2, id="never closed"),
        pytest.param('email,role\na@b.example,x\nc@d.example,"a"b\n', 3, id="text after the closing quote"),
    ],
)
def test_broken_quotes_refuse_the_file_and_name_the_row(text: str, row: int) -> None:
    with pytest.raises(BrokenQuoting) as refusal:
        list(read_records(text, ","))

    assert refusal.value.facts == {"row": row}


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("E-Mail", "email"),
        ("e_mail ADDRESS", "email"),
        ("Mail", "email"),
        ("Courriel", "email"),
        ("Correo electrónico", "email"),
        ("Personalnummer", "employee_id"),
        ("Personal-Nr.", "employee_id"),
        ("Matricule", "employee_id"),
        ("Número de empleado", "employee_id"),
        ("VORNAME", "first_name"),
        ("Prénom", "first_name"),
        ("Nachname", "last_name"),
        ("Apellidos", "last_name"),
        ("Stellenbezeichnung", "job_title"),
        ("Tätigkeit", "job_title"),
        ("Taetigkeit", "job_title"),
        ("Abteilung", "department"),
        ("Département", "department"),
        ("Vorgesetzter", "manager_email"),
        ("Line Manager E-mail", "manager_email"),
        ("Standort", "location"),
        ("Time\u00a0Zone", "timezone"),
        ("Sprache", "language"),
        ("Eintrittsdatum", "start_date"),
        ("Date d\u2019embauche", "start_date"),
        ("Rolle", "role"),
        ("Kohorte", "cohort"),
        ("\u200bCohort\ufeff", "cohort"),
    ],
)
def test_header_cells_are_understood(cell: str, column: str) -> None:
    header = [cell] if column == "email" else ["email", cell]

    mapped = map_headers(header)

    assert mapped.positions[column] == len(header) - 1


def test_unknown_and_nameless_columns_are_reported_as_ignored() -> None:
    mapped = map_headers(["Kostenstelle", "E-Mail", "", "Shoe\nsize"])

    assert mapped.ignored == ("Kostenstelle", "#3", "Shoe size")
    assert (mapped.positions, mapped.columns, mapped.width) == ({"email": 1}, {"email": "E-Mail"}, 4)


def test_name_is_the_family_name_only_beside_a_given_name() -> None:
    assert map_headers(["Name", "Vorname", "E-Mail"]).positions == {
        "last_name": 0,
        "first_name": 1,
        "email": 2,
    }
    assert map_headers(["Name", "E-Mail"]).ignored == ("Name",)


def test_the_better_word_for_a_column_wins_over_a_weak_one() -> None:
    mapped = map_headers(["email", "Team", "Department", "Manager", "Manager E-Mail"])

    assert mapped.positions == {"email": 0, "department": 2, "manager_email": 4}
    assert mapped.ignored == ("Team", "Manager")


@pytest.mark.parametrize(
    ("header", "facts"),
    [
        (["E-Mail", "email"], {"column": "email", "headers": ["E-Mail", "email"]}),
        (["email", "City", "Office"], {"column": "location", "headers": ["City", "Office"]}),
    ],
)
def test_two_columns_of_one_meaning_refuse_the_file(header: list[str], facts: dict[str, object]) -> None:
    with pytest.raises(DuplicateColumn) as refusal:
        map_headers(header)

    assert refusal.value.facts == facts


def test_a_file_without_addresses_is_refused() -> None:
    with pytest.raises(MissingColumn) as refusal:
        map_headers(["Vorname", "Nachname"])

    assert refusal.value.facts == {"missing": ["email"], "found": ["Vorname", "Nachname"]}
