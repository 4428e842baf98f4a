"""Bytes of an upload to text: which encodings are recognised, which files are refused."""

import io
import zipfile

import pytest

from tenant_apps.rosters.parsing import BrokenEncoding, FileTooLarge, NoRows, NotText
from tenant_apps.rosters.parsing.decoding import decode_roster

TEXT = "email;first_name\r\nzoe@globex.example;Zoë\r\njo@globex.example;José\r\n"
PLENTY = 1_000_000


def _zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(TEXT.encode(), "utf-8", id="utf-8"),
        pytest.param(TEXT.encode("utf-8-sig"), "utf-8-sig", id="utf-8 with mark"),
        pytest.param(b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le", id="utf-16-le with mark"),
        pytest.param(b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be", id="utf-16-be with mark"),
        pytest.param(TEXT.encode("utf-16-le"), "utf-16-le", id="utf-16-le without mark"),
        pytest.param(TEXT.encode("utf-16-be"), "utf-16-be", id="utf-16-be without mark"),
        pytest.param(TEXT.encode("cp1252"), "cp1252", id="windows-1252"),
    ],
)
def test_decode_recognises_encoding(content: bytes, encoding: str) -> None:
    decoded = decode_roster(content, max_bytes=PLENTY)

    assert (decoded.text, decoded.encoding) == (TEXT, encoding)


def test_decode_recognises_utf16_without_mark_of_a_mostly_east_asian_file() -> None:
    text = "email,氏名\n" + "".join(f"a{n}@globex.example,長谷川和也渡辺直美佐藤健一\n" for n in range(50))

    decoded = decode_roster(text.encode("utf-16-be"), max_bytes=PLENTY)

    assert (decoded.text, decoded.encoding) == (text, "utf-16-be")


def test_decode_falls_back_to_latin1_for_bytes_windows_1252_does_not_have() -> None:
    decoded = decode_roster(b"email\nzo\xeb\x81@globex.example\n", max_bytes=PLENTY)

    assert (decoded.text, decoded.encoding) == ("email\nzo\xeb\x81@globex.example\n", "latin-1")


def test_decode_drops_the_dos_end_of_file_character() -> None:
    assert decode_roster(b"email\na@b.example\n\x1a", max_bytes=PLENTY).text == "email\na@b.example\n"


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        pytest.param(_zip_bytes(), "xlsx, ods or zip", id="workbook"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "xls", id="old workbook"),
        pytest.param(b"%PDF-1.7\n", "pdf", id="pdf"),
        pytest.param(b"\x1f\x8b\x08\x00abc", "gzip", id="gzip"),
        pytest.param(bytes(range(256)) * 20, "binary", id="all byte values"),
        pytest.param(b"email\na@b.example\n" * 600 + b"\x00", "binary", id="zero byte far behind"),
        pytest.param(b"email\n\x01\x02\x03\x04\x05", "binary", id="control characters"),
        pytest.param(b"\n<html><table><tr><td>email", "html or xml", id="html called xls"),
    ],
)
def test_decode_refuses_what_is_not_text(content: bytes, looks_like: str) -> None:
    with pytest.raises(NotText) as refusal:
        decode_roster(content, max_bytes=PLENTY)

    assert (refusal.value.code, refusal.value.facts) == ("not_text", {"looks_like": looks_like})
    assert "CSV" in refusal.value.advice


@pytest.mark.parametrize(
    ("content", "encoding", "line"),
    [
        pytest.param(b"\xef\xbb\xbfemail\nzo\xeb@b.example\n", "utf-8", 2, id="mark but other bytes"),
        pytest.param("email\nzoë\njosé\n".encode() + b"m\xfcller\n", "utf-8", 4, id="two encodings"),
        pytest.param(b"\xff\xfe" + "email\nab".encode("utf-16-le") + b"x", "utf-16-le", 2, id="cut in half"),
    ],
)
def test_decode_refuses_a_damaged_encoding(content: bytes, encoding: str, line: int) -> None:
    with pytest.raises(BrokenEncoding) as refusal:
        decode_roster(content, max_bytes=PLENTY)

    assert refusal.value.facts == {"encoding": encoding, "line": line}


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b" \r\n\t\r\n"])
def test_decode_refuses_an_empty_file(content: bytes) -> None:
    with pytest.raises(NoRows):
        decode_roster(content, max_bytes=PLENTY)


def test_decode_takes_a_file_of_the_largest_size_and_refuses_one_byte_more() -> None:
    content = TEXT.encode()
    assert decode_roster(content, max_bytes=len(content)).text == TEXT

    with pytest.raises(FileTooLarge) as refusal:
        decode_roster(content, max_bytes=len(content) - 1)

    assert refusal.value.facts == {"size_bytes": len(content), "max_bytes": len(content) - 1}
