"""Personal access tokens: named, listed, shown once, revoked at once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.enums import MembershipStatus, SignInKind
from shared_apps.accounts.models import Membership, PersonalAccessToken, SignIn
from shared_apps.accounts.services import personal_tokens
from shared_apps.accounts.services.families import do_open_family
from shared_apps.accounts.tokens import hash_secret
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller

URL = "/api/v1/auth/tokens"
ACME = "acme.palaestra.test"


def _make(caller: Caller, **body: Any) -> dict[str, Any]:
    response = caller.post(URL, {"name": "script", **body})
    assert response.status_code == 201
    made: dict[str, Any] = response.json()
    return made


def _me(token: str, host: str = ACME) -> tuple[int, str]:
    response = Caller(host, token).get("/api/v1/auth/me")
    return response.status_code, response.json().get("code", "")


@pytest.mark.feature("IDN-04")
def test_a_token_is_shown_once_listed_used_and_revoked_at_once(acme: Organization, sign_in: Any) -> None:
    caller = sign_in(acme, Role.LEARNER)
    response = caller.post(URL, {"name": "nightly export", "scopes": ["read"], "expires_in_days": 30})
    made = response.json()
    assert response["Location"] == f"{URL}/{made['id']}"
    assert made["token"].startswith("pat_")
    assert made["prefix"] == made["token"][:12]
    stored = PersonalAccessToken.objects.get()
    assert bytes(stored.token_hash) == hash_secret(made["token"])
    assert stored.expires_at is not None
    assert (stored.expires_at - stored.created_at).days == 30

    assert _me(made["token"]) == (200, "")
    listed = caller.get(URL).json()["results"]
    assert [(row["name"], row["prefix"], row["scopes"]) for row in listed] == [
        ("nightly export", made["prefix"], ["read"])
    ]
    assert "token" not in listed[0]
    assert listed[0]["last_used_at"] is not None

    assert caller.delete(f"{URL}/{made['id']}").status_code == 204
    assert _me(made["token"]) == (401, "token_not_valid")
    assert caller.get(URL).json()["results"] == []
    assert caller.delete(f"{URL}/{made['id']}").status_code == 404
    assert list(
        AuditEvent.objects.filter(action__startswith="auth.token").values_list("action", "changes")
    ) == [
        ("auth.token_revoked", {"name": "nightly export", "scopes": ["read"]}),
        ("auth.token_created", {"name": "nightly export", "scopes": ["read"]}),
    ]


@pytest.mark.feature("IDN-04")
def test_a_token_is_nothing_on_another_host(acme: Organization, globex: Organization, sign_in: Any) -> None:
    made = _make(sign_in(acme))
    assert _me(made["token"], "globex.palaestra.test") == (401, "token_not_valid")
    assert _me(made["token"], PLATFORM_HOST) == (401, "token_not_valid")
    assert _me(made["token"]) == (200, "")


def test_an_operators_token_works_on_the_platform_host_only(operator: Caller, acme: Organization) -> None:
    made = _make(operator)
    assert _me(made["token"], PLATFORM_HOST) == (200, "")
    assert _me(made["token"]) == (401, "token_not_valid")


def test_a_token_ends_with_time_and_with_the_membership(
    acme: Organization, sign_in: Any, member: Any
) -> None:
    membership = member(acme)
    caller = sign_in(acme, membership)
    made = _make(caller, expires_in_days=1)
    lasting = _make(caller, expires_in_days=None)
    assert lasting["expires_at"] is None
    with clock.frozen_at(clock.now() + timedelta(days=1, seconds=1)):
        assert _me(made["token"]) == (401, "token_not_valid")
        assert _me(lasting["token"]) == (200, "")
    Membership.objects.filter(pk=membership.pk).update(status=MembershipStatus.SUSPENDED)
    assert _me(lasting["token"]) == (401, "token_not_valid")


@pytest.mark.feature("IDN-08")
def test_a_token_cannot_make_tokens_or_see_sign_ins(acme: Organization, sign_in: Any) -> None:
    made = _make(sign_in(acme, Role.OWNER), scopes=["read", "write"])
    script = Caller(ACME, made["token"])
    answers = [
        script.post(URL, {"name": "child"}),
        script.get(URL),
        script.delete(f"{URL}/{made['id']}"),
        script.get("/api/v1/auth/sign-ins"),
        script.post("/api/v1/auth/sign-out"),
        script.post("/api/v1/auth/sign-out-everywhere"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "personal_token_refused")
    ] * 6
    assert PersonalAccessToken.objects.count() == 1


def test_a_reading_token_may_not_write(acme: Organization, sign_in: Any) -> None:
    made = _make(sign_in(acme, Role.OWNER))
    assert made["scopes"] == ["read"]
    response = Caller(ACME, made["token"]).post(URL, {"name": "child"})
    assert (response.status_code, response.json()["code"]) == (403, "token_scope")


def test_nobody_sees_or_revokes_another_persons_token(acme: Organization, sign_in: Any) -> None:
    made = _make(sign_in(acme, Role.LEARNER))
    owner = sign_in(acme, Role.OWNER)
    assert owner.get(URL).json()["results"] == []
    assert owner.delete(f"{URL}/{made['id']}").status_code == 404
    assert owner.delete(f"{URL}/{uuid.uuid4()}").status_code == 404
    assert _me(made["token"]) == (200, "")


def test_the_number_of_live_tokens_is_limited(
    acme: Organization, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_tokens, "MOST_TOKENS", 2)
    caller = sign_in(acme)
    first = _make(caller)
    _make(caller)
    refused = caller.post(URL, {"name": "one more"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_tokens")
    caller.delete(f"{URL}/{first['id']}")
    assert caller.post(URL, {"name": "one more"}).status_code == 201


@pytest.mark.parametrize(
    ("label", "body", "field"),
    [
        ("no name", {}, "name"),
        ("a long name", {"name": "x" * 101}, "name"),
        ("an unknown scope", {"name": "x", "scopes": ["admin"]}, "scopes.0"),
        ("no scope, which would mean everything", {"name": "x", "scopes": []}, "scopes"),
        ("no time", {"name": "x", "expires_in_days": 0}, "expires_in_days"),
        ("for ever and a day", {"name": "x", "expires_in_days": 10**30}, "expires_in_days"),
    ],
)
@pytest.mark.feature("SEC-01")
def test_bad_values_are_named(
    acme: Organization, sign_in: Any, label: str, body: dict[str, Any], field: str
) -> None:
    response = sign_in(acme).post(URL, body)
    fields = [error["field"] for error in response.json()["errors"]]
    assert (response.status_code, fields) == (400, [field]), label


@pytest.mark.parametrize("path", [URL, "/api/v1/auth/sign-ins"])
def test_a_list_costs_the_same_statements_however_long_it_is(
    acme: Organization, sign_in: Any, member: Any, path: str
) -> None:
    membership = member(acme)
    caller = sign_in(acme, membership)
    _make(caller)
    SignIn.objects.filter(user_id=membership.user_id).update(last_used_at=clock.now())
    counts = []
    for length in (1, 9):
        with CaptureQueriesContext(connection) as queries:
            assert len(caller.get(path).json()["results"]) == length
        counts.append(len(queries))
        for _ in range(8):
            _make(caller)
            do_open_family(
                user=membership.user,
                organization_id=acme.id,
                membership=membership,
                kind=SignInKind.API,
                user_agent="",
                address=None,
            )
    assert counts[0] == counts[1] <= 2
