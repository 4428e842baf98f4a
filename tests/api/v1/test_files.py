"""Files: what is taken, and who gets the bytes."""

import hashlib
import io
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.media.models import StoredFile
from tenant_apps.media.services.links import make_link
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.measures import statements

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def _office(part: str, *more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("[Content_Types].xml", part, *more):
            archive.writestr(name, "x")
    return buffer.getvalue()


def _upload(caller: Any, name: str, content: bytes) -> Any:
    upload: Any = SimpleUploadedFile("x", content)
    upload._name = name  # Django's own setter would already cut a path off
    return caller.post("/api/v1/files", {"file": upload}, format="multipart")


def _body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.feature("CNT-07")
def test_an_uploaded_file_comes_back_byte_for_byte(acme: Organization, sign_in: Callable[..., Any]) -> None:
    admin = sign_in(acme, Role.ADMIN)

    answer = _upload(admin, "Händbuch 2026.pdf", PDF)

    assert answer.status_code == 201
    found = answer.json()
    assert answer["Location"] == f"/api/v1/files/{found['id']}"
    assert (found["name"], found["content_type"], found["size"]) == (
        "Händbuch 2026.pdf",
        "application/pdf",
        len(PDF),
    )
    assert found["sha256"] == hashlib.sha256(PDF).hexdigest()
    link = admin.get(f"/api/v1/files/{found['id']}/link").json()
    download = admin.get(link["url"])
    assert download.status_code == 200
    assert _body(download) == PDF
    assert download["Content-Type"] == "application/pdf"
    assert download["Content-Disposition"] == "attachment; filename*=utf-8''H%C3%A4ndbuch%202026.pdf"
    assert download["X-Content-Type-Options"] == "nosniff"
    assert download["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert AuditEvent.objects.filter(action="files.upload", target_id=found["id"]).count() == 1


def test_the_same_file_again_is_the_file_that_is_there(
    acme: Organization, sign_in: Callable[..., Any]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    first = _upload(admin, "a.pdf", PDF).json()["id"]

    again = _upload(admin, "a.pdf", PDF).json()["id"]
    other_name = _upload(admin, "b.pdf", PDF).json()["id"]

    assert again == first
    assert other_name != first
    with in_organization(acme):
        assert StoredFile.objects.count() == 2


@pytest.mark.feature("SEC-04")
@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("page.html", b"<script>alert(1)</script>", 415, "file_type_refused"),
        ("drawing.svg", b"<svg onload='alert(1)'/>", 415, "file_type_refused"),
        ("noextension", PDF, 415, "file_type_refused"),
        ("picture.png", PDF, 415, "file_type_refused"),
        ("report.pdf", b"MZ\x90\x00 program", 415, "file_type_refused"),
        ("letter.docx", _office("xl/workbook.xml"), 415, "file_type_refused"),
        ("macros.docx", _office("word/document.xml", "word/vbaProject.bin"), 415, "file_type_refused"),
        ("latin.txt", b"caf\xe9", 415, "file_type_refused"),
        ("binary.csv", b"a,b\x00", 415, "file_type_refused"),
        ("empty.pdf", b"", 400, "file_empty"),
    ],
)
def test_wrong_types_are_refused_and_nothing_is_kept(
    acme: Organization, sign_in: Callable[..., Any], name: str, content: bytes, status: int, code: str
) -> None:
    answer = _upload(sign_in(acme, Role.ADMIN), name, content)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with in_organization(acme):
        assert StoredFile.objects.count() == 0


@pytest.mark.feature("SEC-04")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", PDF),
        ("a.PNG", PNG),
        ("a.jpeg", b"\xff\xd8\xff\xe0 jpeg"),
        ("a.gif", b"GIF89a...."),
        ("a.docx", _office("word/document.xml")),
        ("a.pptx", _office("ppt/presentation.xml")),
        ("a.xlsx", _office("xl/workbook.xml")),
        ("a.txt", "Grüße".encode()),
        ("a.csv", b"\xef\xbb\xbfa;b\r\n"),
        ("a.md", b"# Title\n"),
    ],
)
def test_every_allowed_type_is_taken(
    acme: Organization, sign_in: Callable[..., Any], name: str, content: bytes
) -> None:
    assert _upload(sign_in(acme, Role.INSTRUCTOR), name, content).status_code == 201


@pytest.mark.feature("SEC-04")
def test_a_file_over_the_limit_is_refused(
    acme: Organization, sign_in: Callable[..., Any], settings: Any
) -> None:
    settings.MAX_MEDIA_BYTES = len(PDF) - 1

    answer = _upload(sign_in(acme, Role.ADMIN), "a.pdf", PDF)

    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert answer.json()["facts"] == {"limit_bytes": len(PDF) - 1}


@pytest.mark.feature("SEC-04")
def test_a_path_in_the_name_leads_nowhere(acme: Organization, sign_in: Callable[..., Any]) -> None:
    answer = _upload(sign_in(acme, Role.ADMIN), "../../etc/passwd.pdf", PDF)

    assert answer.json()["name"] == "passwd.pdf"
    with in_organization(acme):
        key = StoredFile.objects.get().storage_key
        assert key.startswith("files/")
        assert "passwd" not in key
        assert Path(default_storage.path(key)).parent.parent.name == acme.id.hex


@pytest.mark.parametrize("role", [Role.LEARNER, Role.MANAGER, Role.BILLING_ADMIN])
def test_only_authors_upload(acme: Organization, sign_in: Callable[..., Any], role: Role) -> None:
    assert _upload(sign_in(acme, role), "a.pdf", PDF).status_code == 403
    with in_organization(acme):
        assert StoredFile.objects.count() == 0


@pytest.mark.feature("SEC-04")
def test_a_link_dies_after_five_minutes(acme: Organization, sign_in: Callable[..., Any]) -> None:
    admin = sign_in(acme, Role.ADMIN)
    file_id = _upload(admin, "a.pdf", PDF).json()["id"]
    url = admin.get(f"/api/v1/files/{file_id}/link").json()["url"]

    with clock.frozen_at(clock.now() + timedelta(minutes=5, seconds=1)):
        from_outside = _anonymous_like(admin).get(url)

    assert (from_outside.status_code, from_outside.json()["code"]) == (403, "link_expired")


@pytest.mark.feature("SEC-04")
def test_a_link_is_bound_to_organization_file_and_member(
    acme: Organization, globex: Organization, sign_in: Callable[..., Any], anonymous: Callable[..., Any]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    file_id = _upload(admin, "a.pdf", PDF).json()["id"]
    other_id = _upload(admin, "b.pdf", PDF).json()["id"]
    url = admin.get(f"/api/v1/files/{file_id}/link").json()["url"]

    assert anonymous(acme).get(url).status_code == 200
    assert anonymous(globex).get(url).status_code == 404
    assert anonymous(acme).get(url.replace(file_id, other_id)).status_code == 404
    assert sign_in(acme, Role.ADMIN).get(url).status_code == 404
    assert anonymous(acme).get(url[:-1] + ("A" if url[-1] != "A" else "B")).status_code == 404
    assert anonymous(acme).get(f"/api/v1/files/{file_id}/download").status_code == 400
    assert anonymous(acme).get(f"/api/v1/files/{file_id}").status_code == 401


def test_the_same_bytes_in_two_organizations_are_two_files(
    acme: Organization, globex: Organization, sign_in: Callable[..., Any]
) -> None:
    acmes = _upload(sign_in(acme, Role.ADMIN), "a.pdf", PDF).json()["id"]
    globexes = _upload(sign_in(globex, Role.ADMIN), "a.pdf", PDF).json()["id"]

    assert acmes != globexes
    assert sign_in(globex, Role.ADMIN).get(f"/api/v1/files/{acmes}").status_code == 404
    assert sign_in(globex, Role.ADMIN).get(f"/api/v1/files/{acmes}/link").status_code == 404


def test_a_link_costs_no_query(acme: Organization) -> None:
    with in_organization(acme), statements() as found:
        make_link(file_id=uuid.uuid4(), member_id=uuid.uuid4())
    assert found == []


def test_list_and_detail_cost_the_same_for_any_number(
    acme: Organization, sign_in: Callable[..., Any]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    first = _upload(admin, "a.pdf", PDF).json()["id"]
    admin.get("/api/v1/files")
    with statements() as one:
        admin.get("/api/v1/files")
    for number in range(8):
        _upload(admin, f"{number}.pdf", PDF)
    with statements() as many:
        assert len(admin.get("/api/v1/files").json()["results"]) == 9
    with statements() as detail:
        admin.get(f"/api/v1/files/{first}")

    assert len(one) == len(many) == len(detail)
    assert [row["name"] for row in admin.get("/api/v1/files?search=7.P").json()["results"]] == ["7.pdf"]


def _anonymous_like(caller: Any) -> Any:
    return type(caller)(caller.host)
