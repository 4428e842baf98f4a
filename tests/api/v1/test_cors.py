"""Which web pages may call an organization's API from a browser."""

from typing import Any

import pytest

from tenants.models import Organization
from tests.support.client import Caller

PORTAL = "https://portal.acme.example"
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
def allowed(acme: Organization, operator: Caller, django_capture_on_commit_callbacks: Any) -> Organization:
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.patch(f"/api/v1/organizations/{acme.id}", {"settings": {"cors_origins": [PORTAL]}})
    assert answer.status_code == 200
    return acme


def preflight(slug: str, origin: str) -> Any:
    return Caller(f"{slug}.palaestra.test").options(
        "/api/v1/seats/claim",
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,idempotency-key",
    )


@pytest.mark.feature("API-03")
def test_a_preflight_of_an_allowed_page_is_answered(
    allowed: Organization, django_assert_max_num_queries: Any
) -> None:
    preflight("acme", PORTAL)
    with django_assert_max_num_queries(0):
        answer = preflight("acme", PORTAL)
    assert answer.status_code == 200
    assert answer[ALLOW] == PORTAL
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]
    assert "origin" in answer["Vary"].lower()


@pytest.mark.feature("API-03")
@pytest.mark.parametrize(
    ("label", "slug", "origin"),
    [
        ("another page", "acme", "https://evil.example"),
        ("plain http", "acme", "http://portal.acme.example"),
        ("longer host", "acme", "https://portal.acme.example.evil.example"),
        ("another port", "acme", "https://portal.acme.example:8443"),
        ("null", "acme", "null"),
        ("the other organization's host", "globex", PORTAL),
        ("the platform's host", "app", PORTAL),
    ],
)
def test_other_pages_get_no_permission(
    label: str, slug: str, origin: str, allowed: Organization, globex: Organization
) -> None:
    for answer in (
        preflight(slug, origin),
        Caller(f"{slug}.palaestra.test").get("/api/v1/organization", HTTP_ORIGIN=origin),
    ):
        assert ALLOW not in answer
        assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.feature("API-03")
def test_an_allowed_page_can_read_answers_and_refusals(allowed: Organization) -> None:
    answer = Caller("acme.palaestra.test").get("/api/v1/organization", HTTP_ORIGIN=PORTAL)
    assert (answer.status_code, answer[ALLOW]) == (401, PORTAL)


@pytest.mark.parametrize(
    "origin",
    ["*", "https://*.acme.example", "https://acme.example/", "acme.example", "null", "javascript:alert(1)"],
)
def test_only_whole_origins_can_be_allowed(origin: str, operator: Caller, acme: Organization) -> None:
    refused = operator.patch(f"/api/v1/organizations/{acme.id}", {"settings": {"cors_origins": [origin]}})
    assert (refused.status_code, refused.json()["code"]) == (400, "origin_malformed")
    acme.refresh_from_db()
    assert acme.settings == {}
