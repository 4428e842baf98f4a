"""A whole file: what is accepted, refused and warned about, and across rows."""

import sys
from datetime import date
from pathlib import Path

import pytest

from tenant_apps.rosters.parsing import (
    FileTooLarge,
    MissingColumn,
    NoRows,
    NotText,
    ParsedRoster,
    RosterLimits,
    RosterRow,
    Severity,
    TooManyColumns,
    TooManyRows,
    headers,
    read_roster,
)
from tenant_apps.rosters.parsing.headers import fold_header

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "data" / "rosters"
DEMO = ROOT / "demo" / "data" / "acme-roster.csv"
COHORTS = ("2027-Q1 Onboarding", "Security Refresher 2027")


def read(
    text: str, *, known_emails: tuple[str, ...] = (), cohorts: tuple[str, ...] | None = COHORTS
) -> ParsedRoster:
    return read_roster(text.encode(), known_emails=known_emails, known_cohorts=cohorts)


def findings(parsed: ParsedRoster) -> list[tuple[int, str, str, str]]:
    return [(issue.row, issue.column, issue.code, issue.severity.value) for issue in parsed.issues]


PEOPLE = (
    RosterRow(
        row=2,
        email="zoe.mueller@globex.example",
        employee_id="E1",
        first_name="Zoë",
        last_name="Müller",
        department="People",
        start_date=date(2019, 2, 28),
        role="manager",
        cohort="2027-Q1 Onboarding",
    ),
    RosterRow(
        row=3,
        email="jose.nunez@globex.example",
        employee_id="E2",
        first_name="José",
        last_name="Núñez",
        department="R&D; Labs, Lyon",
        manager_email="zoe.mueller@globex.example",
        start_date=date(2027, 1, 4),
        role="learner",
        cohort="2027-Q1 Onboarding",
    ),
    RosterRow(
        row=4,
        email="anne.oneill@globex.example",
        employee_id="E3",
        first_name="Anne",
        last_name='O\'Neill "Annie"',
        department="Sales | EMEA",
        manager_email="zoe.mueller@globex.example",
        start_date=date(2027, 1, 18),
        role="learner",
        cohort="2027-Q1 Onboarding",
    ),
)


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter"),
    [
        ("utf8-comma-lf.csv", "utf-8", ","),
        ("utf8-bom-semicolon-crlf.csv", "utf-8-sig", ";"),
        ("utf8-sep-line-semicolon-crlf.csv", "utf-8", ";"),
        ("utf16le-bom-tab-crlf.csv", "utf-16-le", "\t"),
        ("utf16be-bom-tab-lf.csv", "utf-16-be", "\t"),
        ("utf16le-comma-crlf.csv", "utf-16-le", ","),
        ("utf16be-semicolon-lf.csv", "utf-16-be", ";"),
        ("cp1252-semicolon-crlf.csv", "cp1252", ";"),
        ("cp1252-pipe-cr.csv", "cp1252", "|"),
        ("german-cp1252-semicolon-crlf.csv", "cp1252", ";"),
    ],
)
def test_the_same_people_come_out_of_every_dialect(name: str, encoding: str, delimiter: str) -> None:
    content = (SAMPLES / name).read_bytes()

    parsed = read_roster(content, known_emails=(), known_cohorts=COHORTS)

    assert (parsed.rows, parsed.issues) == (PEOPLE, ())
    assert (parsed.encoding, parsed.delimiter, parsed.total_rows) == (encoding, delimiter, 3)
    assert parsed.ignored_columns == ()


def test_the_demo_file_has_exactly_the_findings_its_description_lists() -> None:
    described: list[tuple[int, str, str, str]] = []
    for line in (DEMO.parent / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if cells[0].isdigit():
            severity = "refuse" if cells[3] == "refused" else "warn"
            described.append((int(cells[0]), cells[1], cells[2], severity))

    parsed = read_roster(DEMO.read_bytes(), known_emails=(), known_cohorts=COHORTS)

    assert findings(parsed) == sorted(described)
    assert (len(described), len(parsed.rows), parsed.total_rows) == (23, 1982, 2000)
    assert (parsed.encoding, parsed.delimiter, parsed.ignored_columns) == (
        "utf-8-sig",
        ";",
        ("Kostenstelle",),
    )
    assert [sum(person.cohort == cohort for person in parsed.rows) for cohort in COHORTS] == [764, 1218]


def test_duplicates_by_case_and_unicode_form_are_refused_and_name_the_first_row() -> None:
    parsed = read("email\na@b.example\nc@d.example\nA@B.example\n\uff43@d.example\na@b.example\n")

    assert [person.row for person in parsed.rows] == [2, 3]
    assert [(issue.row, issue.code, issue.related_row) for issue in parsed.issues] == [
        (4, "duplicate_row", 2),
        (5, "duplicate_row", 3),
        (6, "duplicate_row", 2),
    ]
    assert "Row 2 has the same address" in parsed.issues[0].advice


def test_a_repeated_address_is_refused_even_when_its_first_row_is() -> None:
    parsed = read("email,role\na@b.example,emperor\na@b.example,learner\n")

    assert parsed.rows == ()
    assert findings(parsed) == [
        (2, "role", "unknown_role", "refuse"),
        (3, "email", "duplicate_row", "refuse"),
    ]
    assert parsed.refused_rows == {2, 3}


def test_a_repeated_employee_id_is_refused_but_not_reported_beside_a_repeated_address() -> None:
    parsed = read(
        "email,employee id\na@b.example,e1\nc@d.example,E1\na@b.example,e1\ne@f.example,\ng@h.example,\n"
    )

    assert findings(parsed) == [
        (3, "employee_id", "duplicate_employee_id", "refuse"),
        (4, "email", "duplicate_row", "refuse"),
    ]
    assert parsed.issues[0].related_row == 2
    assert [person.row for person in parsed.rows] == [2, 5, 6]


def test_every_flaw_of_a_row_is_reported_at_once() -> None:
    parsed = read(
        "email,first name,last name,timezone,start date,role,cohort\n"
        f"zoe,=1+1,{'x' * 151},Mars/Olympus,31/31/2026,emperor,No such cohort\n"
    )

    assert parsed.rows == ()
    assert sorted(findings(parsed)) == [
        (2, "cohort", "unknown_cohort", "refuse"),
        (2, "email", "email_invalid", "refuse"),
        (2, "first_name", "formula_cell", "refuse"),
        (2, "last_name", "too_long", "refuse"),
        (2, "role", "unknown_role", "refuse"),
        (2, "start_date", "bad_date", "refuse"),
        (2, "timezone", "unknown_timezone", "refuse"),
    ]
    assert all(issue.advice.endswith(".") and issue.value_excerpt for issue in parsed.issues)


def test_harmless_flaws_are_repaired_with_a_warning() -> None:
    parsed = read(
        'email,first name,language,manager\n" a@b.example\u00a0",An\u200bna ,Klingonisch,Boss Baby\n'
    )

    assert parsed.rows == (RosterRow(row=2, email="a@b.example", first_name="Anna"),)
    assert findings(parsed) == [
        (2, "email", "spaces", "warn"),
        (2, "first_name", "invisible_removed", "warn"),
        (2, "manager_email", "manager_invalid", "warn"),
        (2, "language", "unknown_language", "warn"),
    ]


def test_an_address_without_a_name_is_called_invalid_not_a_formula() -> None:
    parsed = read("email,manager\n@b.example,\na@b.example,@b.example\n=a@b.example,\n")

    assert findings(parsed) == [
        (2, "email", "email_invalid", "refuse"),
        (3, "manager_email", "manager_invalid", "warn"),
        (4, "email", "formula_cell", "refuse"),
    ]


def test_missing_cells_at_the_end_are_empty_and_cells_beyond_the_header_refuse_the_row() -> None:
    parsed = read(
        "email,first name,role\na@b.example\nc@d.example,Anna,learner,,\ne@f.example,Sales, Lyon,learner\n"
    )

    assert parsed.rows == (
        RosterRow(row=2, email="a@b.example"),
        RosterRow(row=3, email="c@d.example", first_name="Anna", role="learner"),
    )
    assert (4, "", "too_many_cells", "refuse") in findings(parsed)


def test_managers_are_found_in_the_file_below_and_above_and_in_the_organization() -> None:
    parsed = read(
        "email,manager\na@b.example,c@d.example\nc@d.example,BOSS@b.example\ne@f.example,A@B.example\n",
        known_emails=("Boss@b.example",),
    )

    assert parsed.issues == ()
    assert [person.manager_email for person in parsed.rows] == [
        "c@d.example",
        "boss@b.example",
        "a@b.example",
    ]


def test_a_person_whose_manager_is_unknown_or_refused_is_taken_without_one() -> None:
    parsed = read(
        "email,manager,role\na@b.example,ghost@b.example,\nc@d.example,e@f.example,\ne@f.example,,emperor\n"
    )

    assert [(person.email, person.manager_email) for person in parsed.rows] == [
        ("a@b.example", ""),
        ("c@d.example", ""),
    ]
    assert [(i.row, i.code, i.severity, i.related_row) for i in parsed.issues[:2]] == [
        (2, "manager_unknown", Severity.WARN, None),
        (3, "manager_unknown", Severity.WARN, 4),
    ]


def test_circles_of_managers_lose_every_line_of_the_circle_and_nothing_else() -> None:
    parsed = read(
        "email,manager\n"
        "d@x.example,a@x.example\na@x.example,b@x.example\nb@x.example,c@x.example\nc@x.example,a@x.example\n"
        "e@x.example,e@x.example\nf@x.example,e@x.example\n"
    )

    assert findings(parsed) == [
        (3, "manager_email", "manager_cycle", "warn"),
        (4, "manager_email", "manager_cycle", "warn"),
        (5, "manager_email", "manager_cycle", "warn"),
        (6, "manager_email", "manager_self", "warn"),
    ]
    assert [person.manager_email for person in parsed.rows] == ["a@x.example", "", "", "", "", "e@x.example"]


def test_known_cohorts_are_matched_by_name_and_spelled_as_known() -> None:
    parsed = read("email,cohort\na@b.example,2027-q1  ONBOARDING\nc@d.example,Other\ne@f.example,\n")

    assert [(person.row, person.cohort) for person in parsed.rows] == [(2, "2027-Q1 Onboarding"), (4, "")]
    assert findings(parsed) == [(3, "cohort", "unknown_cohort", "refuse")]


def test_any_cohort_is_allowed_without_known_ones_and_its_first_spelling_stays() -> None:
    parsed = read("email,cohort\na@b.example,Spring Intake\nc@d.example,SPRING intake\n", cohorts=None)

    assert [person.cohort for person in parsed.rows] == ["Spring Intake", "Spring Intake"]
    assert parsed.issues == ()


def test_an_empty_list_of_known_cohorts_allows_none() -> None:
    assert findings(read("email,cohort\na@b.example,Any\n", cohorts=())) == [
        (2, "cohort", "unknown_cohort", "refuse")
    ]


def test_empty_rows_are_skipped_and_keep_the_numbers_right() -> None:
    parsed = read("\nemail;role\n\na@b.example;learner\n;\n ;\u00a0\nc@d.example;emperor\n")

    assert ([person.row for person in parsed.rows], parsed.total_rows) == ([4], 2)
    assert findings(parsed) == [(7, "role", "unknown_role", "refuse")]


def test_the_row_limit_takes_the_last_allowed_row_and_refuses_one_more() -> None:
    content = b"email\na@b.example\nc@d.example\n"
    allowed = read_roster(content, known_emails=(), known_cohorts=None, limits=RosterLimits(max_rows=2))
    assert allowed.total_rows == 2

    with pytest.raises(TooManyRows) as refusal:
        read_roster(content, known_emails=(), known_cohorts=None, limits=RosterLimits(max_rows=1))

    assert refusal.value.facts == {"max_rows": 1}


def test_of_a_line_of_millions_of_commas_few_cells_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    thousand = ",".join(["email", *[f"x{number}" for number in range(999)]])
    assert read(f"{thousand}\nanna@acme.example\n").total_rows == 1

    looked = 0

    def counted(cell: str) -> str:
        nonlocal looked
        looked += 1
        return fold_header(cell)

    monkeypatch.setattr(headers, "fold_header", counted)
    with pytest.raises(TooManyColumns) as refusal:
        read("email" + "," * 2_000_000 + "\nanna@acme.example\n")

    assert refusal.value.facts == {"max_columns": 1000}
    assert looked <= 10 * 1000  # some dialects are tried


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", NoRows),
        (b"email;role\r\n", NoRows),
        (b"sep=;\r\n", NoRows),
        (b"PK\x03\x04rest", NotText),
        (b"name;role\r\nAnna;learner\r\n", MissingColumn),
        (b"email\n" + b"x" * 20_971_515, FileTooLarge),
    ],
    ids=["empty", "header only", "sep line only", "workbook", "no address column", "too large"],
)
def test_unusable_files_are_refused_as_a_whole(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_roster(content, known_emails=(), known_cohorts=None)


def _large_file(people: int) -> bytes:
    lines = ["employee_id;email;first_name;last_name;manager_email;timezone;language;start_date;role;cohort"]
    lines += [
        f"E{n};p{n}@acme.example;Zoë;Müller;p{n // 10}@acme.example;Asia/Tokyo;de;2027-01-04;learner;"
        f"{COHORTS[n % 2]}"
        for n in range(1, people + 1)
    ]
    return "\r\n".join(lines).encode("utf-8-sig")


def _read_large(people: int) -> ParsedRoster:
    return read_roster(_large_file(people), known_emails=("p0@acme.example",), known_cohorts=COHORTS)


def _work_of_reading(people: int) -> int:
    """Return how many calls it takes, of functions in Python and in C."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        _read_large(people)
    finally:
        sys.setprofile(before)
    return calls


def test_a_large_file_is_read_without_a_finding() -> None:
    parsed = _read_large(10_000)
    assert (len(parsed.rows), parsed.issues) == (10_000, ())


def test_a_file_three_times_as_long_is_three_times_the_work() -> None:
    _read_large(10)  # what is read once for the process, such as the names of zones, is no work of a file
    once, thrice = _work_of_reading(500), _work_of_reading(1_500)
    assert 2.5 * once < thrice < 3.5 * once
