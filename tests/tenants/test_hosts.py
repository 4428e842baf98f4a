"""The host chooses the organization; every host that is nobody's looks the same."""

from collections.abc import Callable
from typing import Any

import pytest

from tenants.enums import OrganizationState
from tenants.models import Organization
from tenants.services.organizations import do_change_state
from tests.support.client import Caller


def _answer(host: str) -> tuple[int, dict[str, object]]:
    response = Caller(host).get("/api/v1/anything")
    body = response.json()
    body.pop("request_id")
    return response.status_code, body


@pytest.mark.leak(23)
@pytest.mark.feature("TEN-06")
def test_unknown_and_reserved_hosts_look_the_same(acme: Organization) -> None:
    unknown = _answer("nobody.palaestra.test")
    reserved = _answer("admin.palaestra.test")
    stranger = _answer("example.org")
    assert unknown == reserved == stranger
    assert unknown[0] == 404
    assert unknown[1]["code"] == "host_not_found"


@pytest.mark.feature("TEN-06")
def test_a_suspended_organization_answers_403_with_its_code(
    acme: Organization, anonymous: Callable[[Organization], Caller], django_capture_on_commit_callbacks: Any
) -> None:
    assert anonymous(acme).get("/api/v1/anything").json()["code"] == "not_found"
    with django_capture_on_commit_callbacks(execute=True):
        do_change_state(acme, OrganizationState.SUSPENDED, reason="unpaid")
    response = anonymous(acme).get("/api/v1/anything")
    assert response.status_code == 403
    assert response.json()["code"] == "organization_suspended"
    assert response.json()["facts"] == {"reason": "unpaid"}


def test_upper_case_port_and_trailing_dot_reach_the_organization(acme: Organization) -> None:
    response = Caller("ACME.palaestra.test.:8000").get("/api/v1/anything")
    assert response.json()["code"] == "not_found"


@pytest.mark.leak(23)
def test_a_forwarded_host_is_not_believed(acme: Organization) -> None:
    response = Caller("nobody.palaestra.test").get("/api/v1/x", HTTP_X_FORWARDED_HOST="acme.palaestra.test")
    assert response.json()["code"] == "host_not_found"
