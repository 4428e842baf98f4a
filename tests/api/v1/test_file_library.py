"""The library: what is known of a file, how it is found, and that lessons share it."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.core.actors import Role
from tenant_apps.media.models import StoredFile
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.course_drafts import new_draft

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\0" * 3 * min(width, 9) for _ in range(min(height, 9))))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _store(caller: Any, name: str, content: bytes) -> Any:
    answer = caller.post("/api/v1/files", {"file": SimpleUploadedFile(name, content)}, format="multipart")
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.mark.feature("CNT-17")
def test_one_file_is_used_by_lessons_of_two_courses_and_by_nobody_elses(
    acme: Organization, globex: Organization, sign_in: Callable[..., Any]
) -> None:
    admin, stranger = sign_in(acme, Role.ADMIN), sign_in(globex, Role.ADMIN)
    file = _store(admin, "plan.pdf", PDF)
    for slug in ("first", "second"):
        draft = new_draft(admin, slug)
        draft.lesson(draft.module(), kind="document", document_id=file["id"])
        assert draft.tree()["modules"][0]["lessons"][0]["document"]["sha256"] == file["sha256"]
    with in_organization(acme):
        assert StoredFile.objects.count() == 1
    theirs = new_draft(stranger)
    body = {"module_id": theirs.module(), "title": "T", "kind": "document", "document_id": file["id"]}
    refused = stranger.post(f"{theirs.url}/lessons", body, HTTP_IF_MATCH="*")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_document")
    assert stranger.patch(f"/api/v1/files/{file['id']}", {"caption": "Mine"}).status_code == 404


@pytest.mark.feature("CNT-17")
def test_the_library_knows_size_and_type_and_what_is_said_of_a_file(
    acme: Organization, sign_in: Callable[..., Any]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    picture, plan = _store(admin, "exit.png", _png(640, 480)), _store(admin, "plan.pdf", PDF)
    assert (picture["width"], picture["height"], picture["content_type"]) == (640, 480, "image/png")
    assert (plan["width"], plan["height"], plan["alt_text"], plan["caption"]) == (None, None, "", "")

    said = {"alt_text": "A green arrow over a door", "caption": "The way out"}
    for _ in range(2):
        described = admin.patch(f"/api/v1/files/{picture['id']}", said)
        assert {name: described.json()[name] for name in said} == said

    def found(query: str) -> list[str]:
        return [file["name"] for file in admin.get(f"/api/v1/files?{query}").json()["results"]]

    assert found("search=green+arrow") == found("content_type=image") == ["exit.png"]
    assert found("content_type=application/pdf") == ["plan.pdf"]
    assert found("content_type=imag") == []


@pytest.mark.parametrize("claimed", [(0, 5), (2_000_000_000, 5), (5, 0)])
def test_a_header_that_lies_gives_no_dimensions(
    acme: Organization, sign_in: Callable[..., Any], claimed: tuple[int, int]
) -> None:
    file = _store(sign_in(acme, Role.ADMIN), "odd.png", _png(*claimed))
    assert (file["width"], file["height"]) == (None, None)


@pytest.mark.parametrize(("role", "status"), [(Role.MANAGER, 403), (Role.LEARNER, 403)])
def test_only_authors_describe_files(
    acme: Organization, sign_in: Callable[..., Any], role: Role, status: int
) -> None:
    file = _store(sign_in(acme, Role.ADMIN), "plan.pdf", PDF)
    answer = sign_in(acme, role).patch(f"/api/v1/files/{file['id']}", {"caption": "Mine"})
    assert answer.status_code == status
    too_long = sign_in(acme, Role.ADMIN).patch(f"/api/v1/files/{file['id']}", {"alt_text": "x" * 301})
    assert too_long.status_code == 400
