"""Refresh tokens: good once; used twice, the whole family ends."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.errors import TokenNotValid
from shared_apps.accounts.models import Membership, RefreshToken, SignIn, User
from shared_apps.accounts.services.families import FAMILY_LIFETIME
from shared_apps.accounts.services.sign_in import refresh_tokens
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import ANONYMOUS
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.measures import run_together
from tests.support.people import PASSWORD, with_password

ACME = "acme.palaestra.test"
GLOBEX = "globex.palaestra.test"


def _sign_in(host: str = ACME) -> dict[str, Any]:
    with_password("owner@acme.example")
    pair = {"email": "owner@acme.example", "password": PASSWORD}
    found: dict[str, Any] = Caller(host).post("/api/v1/auth/sign-in", pair).json()
    return found


def _refresh(token: str, host: str = ACME, **headers: Any) -> tuple[int, dict[str, Any]]:
    response = Caller(host).post("/api/v1/auth/refresh", {"refresh_token": token}, **headers)
    return response.status_code, response.json()


def _is_signed_in(access_token: str, host: str = ACME) -> bool:
    return bool(Caller(host, access_token).get("/api/v1/auth/me").status_code == 200)


@pytest.mark.feature("IDN-03")
def test_a_refresh_token_gives_the_next_pair(acme: Organization) -> None:
    first = _sign_in()
    # Clients send the expired access token along; it must not get in the way.
    status, second = _refresh(first["refresh_token"], HTTP_AUTHORIZATION="Bearer expired.or.broken")
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert _is_signed_in(second["access_token"])
    status, third = _refresh(second["refresh_token"])
    assert (status, _is_signed_in(third["access_token"])) == (200, True)
    assert SignIn.objects.count() == 1


@pytest.mark.feature("IDN-03")
def test_a_used_token_ends_the_whole_family(acme: Organization) -> None:
    # given: thief and owner both hold the first token, and one of them used it
    first = _sign_in()
    other_device = _sign_in()
    _, second = _refresh(first["refresh_token"])
    # when
    status, body = _refresh(first["refresh_token"])
    # then
    assert (status, body["code"]) == (401, "token_not_valid")
    assert _refresh(second["refresh_token"])[0] == 401
    assert not _is_signed_in(first["access_token"])
    assert not _is_signed_in(second["access_token"])
    assert _is_signed_in(other_device["access_token"])
    assert SignIn.objects.get(revoked_at__isnull=False).revoked_reason == "reuse"
    event = AuditEvent.objects.get(action="auth.family_revoked")
    assert (event.organization_id, event.changes) == (acme.id, {"reason": "reuse"})


@pytest.mark.feature("IDN-03")
@pytest.mark.parametrize("host", [GLOBEX, PLATFORM_HOST])
def test_a_token_is_401_on_another_host_and_stays_good_on_its_own(
    acme: Organization, globex: Organization, host: str
) -> None:
    first = _sign_in()
    assert _refresh(first["refresh_token"], host)[0] == 401
    assert _refresh(first["refresh_token"])[0] == 200


def test_a_platform_token_is_401_on_an_organizations_host(acme: Organization) -> None:
    first = _sign_in(PLATFORM_HOST)
    assert _refresh(first["refresh_token"])[0] == 401
    assert _refresh(first["refresh_token"], PLATFORM_HOST)[0] == 200


@pytest.mark.parametrize(
    ("label", "token"), [("made up", "ref_x"), ("empty-looking", "-"), ("not ASCII", "réf")]
)
def test_an_unknown_token_is_401(acme: Organization, label: str, token: str) -> None:
    assert _refresh(token)[1]["code"] == "token_not_valid", label


def test_an_access_token_is_no_refresh_token(acme: Organization) -> None:
    first = _sign_in()
    response = Caller(ACME).post("/api/v1/auth/refresh", {"refresh_token": first["access_token"]})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")  # far too long
    assert _is_signed_in(first["access_token"])


def test_tokens_end_with_time(acme: Organization) -> None:
    start = clock.now()
    with clock.frozen_at(start):
        token = _sign_in()["refresh_token"]
    with clock.frozen_at(start + timedelta(days=30)):
        assert _refresh(token)[0] == 401
    with clock.frozen_at(start + timedelta(days=29)):
        status, pair = _refresh(token)
    assert (status, pair["refresh_expires_at"][:10]) == (200, f"{start + timedelta(days=59):%Y-%m-%d}")


def test_a_family_renewed_for_ever_still_ends(acme: Organization) -> None:
    start = clock.now()
    with clock.frozen_at(start):
        token = _sign_in()["refresh_token"]
    for days in (29, 58, 87):
        with clock.frozen_at(start + timedelta(days=days)):
            token = _refresh(token)[1]["refresh_token"]
    assert RefreshToken.objects.get(used_at__isnull=True).expires_at == start + FAMILY_LIFETIME
    with clock.frozen_at(start + FAMILY_LIFETIME):
        assert _refresh(token)[0] == 401


@pytest.mark.parametrize("loss", ["membership", "user"])
def test_who_has_left_gets_no_next_pair(acme: Organization, loss: str) -> None:
    token = _sign_in()["refresh_token"]
    if loss == "membership":
        Membership.objects.filter(user__email="owner@acme.example").update(status=MembershipStatus.SUSPENDED)
    else:
        User.objects.filter(email="owner@acme.example").update(is_active=False)
    assert _refresh(token)[0] == 401
    assert RefreshToken.objects.filter(used_at__isnull=False).count() == 0


@pytest.fixture
def raced(committed: None, acme: Organization) -> list[str]:
    """Two requests with one refresh token at the same moment; how each ended."""
    token = _sign_in()["refresh_token"]
    barrier = threading.Barrier(2)
    ends: list[str] = []

    def run() -> None:
        try:
            with in_organization(acme):
                barrier.wait()
                refresh_tokens(actor=ANONYMOUS, organization=acme.ref(), refresh_token=token)
                ends.append("pair")
        except TokenNotValid:
            ends.append("refused")
        finally:
            connection.close()

    run_together([run] * 2)
    return ends


def test_of_two_at_once_one_succeeds_and_the_family_ends(raced: list[str]) -> None:
    assert sorted(raced) == ["pair", "refused"]
    assert SignIn.objects.get().revoked_reason == "reuse"
    assert RefreshToken.objects.count() == 2
    assert AuditEvent.objects.filter(action="auth.family_revoked").count() == 1
