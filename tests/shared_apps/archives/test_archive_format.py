"""An archive is whole, signed and nothing else, or it is refused with the member that is wrong."""

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable

import pytest
import zstandard

from shared_apps.archives.content.framing import END, file_name, header_block, is_member_name, padding
from shared_apps.archives.content.reading import Limits, verify
from shared_apps.archives.content.writing import FRAME_HEAD, SEAL_HEAD, signature_text
from shared_apps.archives.errors import ArchiveDamaged, ArchiveRefused, SignatureNotTrusted
from shared_apps.core import signing
from tests.shared_apps.archives.conftest import FILE
from tests.support.world import World, tenant_models

Pack = Callable[[], bytes]


def _trusted() -> list[str]:
    return [signing.public_key()]


def _unpacked(archive: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(archive)


def _packed(tar: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=21, write_checksum=1)
    sink = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(sink, closefd=False) as stream:
        stream.write(tar)
    return sink.getvalue() + SEAL_HEAD + hashlib.sha256(sink.getvalue()).digest()


def _tar(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(_unpacked(archive))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


@pytest.mark.feature("TEN-08")
def test_export_holds_every_table_and_file_with_hashes_and_counts(world: World, packed: Pack) -> None:
    # when
    archive = packed()
    verified = verify(io.BytesIO(archive), trusted=_trusted())
    # then any tar reads it, and the manifest says what is in it
    members = _tar(archive)
    tenant_tables = {model._meta.db_table for model in tenant_models()}
    assert {name.split("/")[2].split(".")[0] for name in members if name.startswith("rows/tenant/")} == (
        tenant_tables
    )
    assert members["files/files/0123456789abcdef.pdf"] == FILE
    assert next(iter(members)) == "header.json"
    assert list(members)[-2:] == ["manifest.json", "manifest.sig"]
    said = {member["name"]: member for member in verified.manifest["members"]}
    assert set(said) == set(members) - {"manifest.json", "manifest.sig"}
    for name, member in said.items():
        assert member["sha256"] == hashlib.sha256(members[name]).hexdigest()
        if "rows" in member:
            assert member["rows"] == members[name].count(b"\n")
    assert verified.header["organization"]["slug"] == "acme"
    assert verified.manifest["files"] == 1


def test_archive_holds_no_secret_and_nobody_elses_rows(world: World, packed: Pack) -> None:
    # when
    text = _unpacked(packed())
    # then neither password hashes nor token hashes travel, nor anything of Globex
    header = json.loads(_tar(packed())["header.json"])
    columns = {column for table in header["tables"] for column in table["columns"]}
    assert {"password", "token_hash", "sign_in_epoch", "session_key"} & columns == set()
    assert {"accounts_personalaccesstoken", "accounts_signin"} & {
        t["name"] for t in header["tables"]
    } == set()
    assert b"globex" not in text.lower()
    assert hashlib.sha256(world.token.encode()).hexdigest().encode() not in text


def test_two_exports_of_the_same_rows_differ_only_in_their_time(world: World, packed: Pack) -> None:
    first, second = _tar(packed()), _tar(packed())
    assert {name for name in first if first[name] != second[name]} <= {
        "header.json",
        "manifest.json",
        "manifest.sig",
    }


def test_one_changed_byte_anywhere_is_refused(world: World, packed: Pack) -> None:
    # given the unpacked archive
    tar = _unpacked(packed())
    assert verify(io.BytesIO(_packed(tar)), trusted=_trusted()).manifest["files"] == 1
    # when a bit of it is turned: in each block of 512 bytes one
    chance, accepted = random.Random(7), []
    for block in range(0, len(tar), 512):
        place = block + chance.randrange(512)
        changed = bytearray(tar)
        changed[place] ^= 1 << chance.randrange(8)
        try:
            verify(io.BytesIO(_packed(bytes(changed))), trusted=_trusted())
        except (ArchiveDamaged, SignatureNotTrusted):
            pass
        else:
            accepted.append(place)
    # then
    assert accepted == []


def test_changed_rows_are_named(world: World, packed: Pack) -> None:
    # given one letter of a course's title turned, in an archive packed anew
    tar = _unpacked(packed()).replace(b"MARKED", b"MURKED", 1)
    # then
    with pytest.raises(ArchiveDamaged) as refused:
        verify(io.BytesIO(_packed(tar)), trusted=_trusted())
    assert refused.value.facts["member"].startswith("rows/public/")


def test_changed_or_cut_compressed_bytes_are_refused(world: World, packed: Pack) -> None:
    # given
    archive = packed()
    chance = random.Random(11)
    # when bytes of the file itself are changed, cut off, or added
    broken = [archive[:length] for length in (0, 5, 6, 100, len(archive) // 2, len(archive) - 1)]
    broken += [archive + b"\0", archive + archive, archive + b"\x50\x2a\x4d\x18\x00\x00\x00\x00"]
    for _ in range(1000):
        changed = bytearray(archive)
        changed[chance.randrange(len(archive))] ^= 1 << chance.randrange(8)
        broken.append(bytes(changed))
    # then
    for one in broken:
        with pytest.raises((ArchiveDamaged, SignatureNotTrusted)):
            verify(io.BytesIO(one), trusted=_trusted())


def test_another_key_is_not_trusted(world: World, packed: Pack, settings: object) -> None:
    # given an archive of another installation
    own = signing.public_key()
    settings.SIGNING_KEY = "another-installation-0123456789-0123456789"  # type: ignore[attr-defined]
    foreign, archive = signing.public_key(), packed()
    # then
    with pytest.raises(SignatureNotTrusted) as refused:
        verify(io.BytesIO(archive), trusted=[own])
    assert refused.value.facts["public_key"] == foreign
    assert verify(io.BytesIO(archive), trusted=[own, foreign]).public_key == foreign


def test_signature_of_another_archive_is_refused(world: World, packed: Pack) -> None:
    # given an archive whose signature was made for another manifest, with the right key
    members = _tar(packed())
    members["manifest.sig"] = signature_text(signing.public_key(), signing.sign(b"another manifest"))
    # then
    with pytest.raises(ArchiveDamaged) as refused:
        verify(io.BytesIO(_packed(_tar_of(members))), trusted=_trusted())
    assert refused.value.facts["member"] == "manifest.json"


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "/etc/passwd",
        "files/../../etc/passwd",
        "files/%2e%2e/x",
        "files/a//b",
        "files/.hidden",
        "files/a\\b",
        "files/",
        "rows/tenant/../x.000001.copy",
        "rows/other/x.000001.copy",
        "anything",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert not is_member_name(name)
    tar = header_block(name, 1) + b"x" + padding(1) + END
    with pytest.raises(ArchiveDamaged):
        verify(io.BytesIO(_packed(tar)), trusted=[])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, b"L"])
def test_links_folders_and_extension_headers_are_refused(kind: bytes) -> None:
    info = tarfile.TarInfo("files/x")
    info.type, info.linkname, info.mode = kind, "/etc/passwd", 0o600
    tar = info.tobuf(tarfile.USTAR_FORMAT) + END
    with pytest.raises(ArchiveDamaged):
        verify(io.BytesIO(_packed(tar)), trusted=[])


def test_file_names_survive_the_way_into_a_member_and_back() -> None:
    assert file_name("files/files/a%20b.pdf") == "files/a b.pdf"
    assert file_name("files/a%2Fb") is None


def test_bombs_are_refused_before_they_unfold() -> None:
    # given 300 MB of zeros in a few kilobytes
    size = 300 * 1024 * 1024
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=21, write_checksum=1)
    sink = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(sink, closefd=False) as stream:
        stream.write(header_block("files/x", size))
        for _ in range(300):
            stream.write(bytes(1024 * 1024))
    bomb = sink.getvalue()
    assert len(bomb) < 50_000
    # then
    with pytest.raises(ArchiveRefused) as refused:
        verify(io.BytesIO(bomb), trusted=[], limits=Limits(total=8 * 1024 * 1024))
    assert refused.value.facts == {"problem": "too_large", "limit_bytes": 8 * 1024 * 1024}
    # and a document that says it is huge is refused by its header alone
    tar = header_block("header.json", 1 << 32)
    with pytest.raises(ArchiveRefused):
        verify(io.BytesIO(_packed(tar)), trusted=[])


def test_every_archive_begins_alike(world: World, packed: Pack) -> None:
    assert packed().startswith(FRAME_HEAD)


def _tar_of(members: dict[str, bytes]) -> bytes:
    return (
        b"".join(header_block(name, len(body)) + body + padding(len(body)) for name, body in members.items())
        + END
    )
