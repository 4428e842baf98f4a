"""Single cells: cleaning, addresses, dates, zones, languages, roles."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.rosters.parsing.cells import CleanCell, clean_cell, excerpt
from tenant_apps.rosters.parsing.values import (
    Flaw,
    normalize_known_email,
    parse_date,
    parse_email,
    parse_language,
    parse_role,
    parse_timezone,
)


def _code(value: object) -> str:
    assert isinstance(value, Flaw)
    return value.code


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("Anna", CleanCell("Anna"), id="plain"),
        pytest.param("長谷川", CleanCell("長谷川"), id="plain, not ASCII"),
        pytest.param("  Anna\u00a0 ", CleanCell("Anna", "", ("spaces",)), id="edges"),
        pytest.param("Head of\r\nSales", CleanCell("Head of Sales", "", ("spaces",)), id="line break inside"),
        pytest.param("Anna  Lena", CleanCell("Anna Lena"), id="double space inside"),
        pytest.param("三浦\u3000晃", CleanCell("三浦 晃"), id="ideographic space inside"),
        pytest.param("Jose\u0301", CleanCell("Jos\u00e9"), id="composed"),
        pytest.param("Dö\u200bring", CleanCell("Döring", "", ("invisible_removed",)), id="zero width"),
        pytest.param("\ufeffAnna\u200e", CleanCell("Anna", "", ("invisible_removed",)), id="marks"),
        pytest.param("می\u200cروم", CleanCell("می\u200cروم"), id="joiner kept"),
        pytest.param("M\ufffdller", CleanCell("M\ufffdller", "", ("damaged_text",)), id="lost character"),
        pytest.param("   ", CleanCell(""), id="only spaces"),
        pytest.param("-", CleanCell(""), id="dash for nothing"),
        pytest.param("\u2013", CleanCell(""), id="long dash for nothing"),
        pytest.param("+49 (30) 123-45", CleanCell("+49 (30) 123-45"), id="telephone number"),
        pytest.param("-12,5", CleanCell("-12,5"), id="negative number"),
        pytest.param("O'Neill @home", CleanCell("O'Neill @home"), id="at sign inside"),
        pytest.param("'s-Hertogenbosch", CleanCell("'s-Hertogenbosch"), id="apostrophe first"),
    ],
)
def test_clean_cell_repairs(raw: str, expected: CleanCell) -> None:
    assert clean_cell(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        '=HYPERLINK("http://evil.example")',
        "+A1",
        "-A1+5",
        "+1+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\uff1d1+1",
        "  =1+1",
        "\u200b=1+1",
        "\tAnna",
        "\rAnna",
    ],
)
def test_clean_cell_refuses_formulas(raw: str) -> None:
    assert clean_cell(raw).refused == "formula_cell"


@pytest.mark.parametrize(
    "raw", ["An\x00na", "\x1bAnna", "Anna\x7f", "An\x81na", "\u202eannA", "\u2066Anna\u2069"]
)
def test_clean_cell_refuses_control_characters(raw: str) -> None:
    assert clean_cell(raw).refused == "control_character"


@given(st.text(max_size=30))
def test_clean_text_is_stable_and_never_a_formula(raw: str) -> None:
    cell = clean_cell(raw)
    if cell.refused:
        return

    assert clean_cell(cell.text) == CleanCell(
        cell.text, "", tuple(w for w in cell.warnings if w == "damaged_text")
    )
    assert cell.text[:1] not in {"=", "@"}


def test_excerpt_is_short_and_shows_what_is_invisible() -> None:
    assert excerpt("a\u202eb\r\n\u00a0c") == "a\u00b7b c"
    assert excerpt("x" * 41) == "x" * 39 + "\u2026"
    assert excerpt("x" * 40) == "x" * 40


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("zoe@globex.example", "zoe@globex.example"),
        ("ZOE.M+x@Globex.EXAMPLE", "zoe.m+x@globex.example"),
        ("\uff5a\uff4f\uff45\uff20globex.example", "zoe@globex.example"),
        ("zo\u200de@globex.example", "zoe@globex.example"),
        ("o'neill@mail.globex.example", "o'neill@mail.globex.example"),
        ("zoe@b\u00fccher.example", "zoe@xn--bcher-kva.example"),
        ("zoe@bu\u0308cher.example", "zoe@xn--bcher-kva.example"),
        ("zoe@XN--BCHER-KVA.example", "zoe@xn--bcher-kva.example"),
        ("a" * 64 + "@b.example", "a" * 64 + "@b.example"),
    ],
)
def test_parse_email_normalises(text: str, address: str) -> None:
    assert parse_email(text) == address
    assert normalize_known_email(f" {text} ") == address


@pytest.mark.parametrize(
    "text",
    [
        "no-at-sign",
        "@globex.example",
        "zoe@",
        "ü@",
        "zoë@globex.example",
        "a@@b.example",
        "a@b@c.example",
        "x y@globex.example",
        "a@b..example",
        ".a@b.example",
        "a.@b.example",
        "a..b@c.example",
        "a@localhost",
        "a@-b.example",
        "a@b-.example",
        "a@b.example.",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        "Zoe <zoe@globex.example>",
        "mailto:zoe@globex.example",
        "a@b.example;c@d.example",
        "a@b_c.example",
        "a" * 65 + "@b.example",
        "a@" + "b" * 64 + ".example",
        "a@" + ".".join(["b" * 61] * 4) + ".example",
        "a@\u2488.example",
    ],
)
def test_parse_email_refuses(text: str) -> None:
    assert _code(parse_email(text)) == "email_invalid"


def test_known_address_of_a_foreign_form_is_kept() -> None:
    assert normalize_known_email(" Zoë@Globex.example ") == "zoë@globex.example"


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-01",
        "2027/03/01",
        "2027.03.01",
        "20270301",
        "2027-03-01T00:00:00Z",
        "2027-03-01 00:00:00.000",
        "01.03.2027",
        "1.3.2027",
        "1. 3. 2027",
        "01.03.2027 00:00",
    ],
)
def test_parse_date_reads(text: str) -> None:
    assert parse_date(text) == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("text", "advice_has"),
    [
        ("31/31/2026", "Day and month"),
        ("03/04/2027", "Day and month"),
        ("31/01/2027", "Day and month"),
        ("3-4-27", "Day and month"),
        ("46388", "internal number"),
        ("30.02.2027", "no such day"),
        ("2027-02-29", "no such day"),
        ("00000000", "no such day"),
        ("9999-12-31", "no such day"),
        ("01.03.27", "Write the date"),
        ("2027-03-01T08:30:00", "Write the date"),
        ("1. März 2027", "Write the date"),
        ("2027-03", "Write the date"),
    ],
)
def test_parse_date_refuses_with_fitting_advice(text: str, advice_has: str) -> None:
    flaw = parse_date(text)

    assert _code(flaw) == "bad_date"
    assert isinstance(flaw, Flaw)
    assert advice_has in flaw.advice


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/BERLIN", "Europe/Berlin"),
        ("America/Sao Paulo", "America/Sao_Paulo"),
        ("utc", "UTC"),
    ],
)
def test_parse_timezone_reads(text: str, zone: str) -> None:
    assert parse_timezone(text) == zone


@pytest.mark.parametrize("text", ["Mars/Olympus", "Berlin", "Factory", "../etc/passwd", "+01:00"])
def test_parse_timezone_refuses(text: str) -> None:
    assert _code(parse_timezone(text)) == "unknown_timezone"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de", "de"),
        ("DE_de", "de-DE"),
        ("pt-br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("Französisch", "fr"),
    ],
)
def test_parse_language_reads(text: str, tag: str) -> None:
    assert parse_language(text) == tag


@pytest.mark.parametrize("text", ["Klingonisch", "d", "de-", "de--DE", "en-US-x-private-and-more", "1"])
def test_parse_language_refuses(text: str) -> None:
    assert _code(parse_language(text)) == "unknown_language"


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("learner", "learner"),
        ("Employee", "learner"),
        ("STUDENT", "learner"),
        ("Mitarbeiterin", "learner"),
        ("Trainer", "instructor"),
        ("Führungskraft", "manager"),
        ("Team-Lead", "manager"),
        ("billing_admin", "billing_admin"),
        ("Billing Admin", "billing_admin"),
        ("Administrator", "admin"),
    ],
)
def test_parse_role_reads(text: str, role: str) -> None:
    assert parse_role(text) == role


@pytest.mark.parametrize(
    ("text", "code"),
    [("owner", "role_not_allowed"), ("Inhaber", "role_not_allowed"), ("emperor", "unknown_role")],
)
def test_parse_role_refuses(text: str, code: str) -> None:
    assert _code(parse_role(text)) == code
