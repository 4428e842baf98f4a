"""A credential works on the host it was made for and is nothing elsewhere; a forged one is nothing at all."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.accounts.tokens import AccessClaims, decode_access, encode_access
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller, access_token

ACME = "acme.palaestra.test"
GLOBEX = "globex.palaestra.test"
SIGNED_IN_ONLY = [
    ("get", "/api/v1/auth/me"),
    ("get", "/api/v1/auth/sign-ins"),
    ("delete", "/api/v1/auth/sign-ins/01a1fc6b-d8a6-756d-8639-92ef414145a2"),
    ("get", "/api/v1/auth/tokens"),
    ("post", "/api/v1/auth/tokens"),
    ("delete", "/api/v1/auth/tokens/01a1fc6b-d8a6-756d-8639-92ef414145a2"),
    ("post", "/api/v1/auth/password"),
    ("post", "/api/v1/auth/sign-out"),
    ("post", "/api/v1/auth/sign-out-everywhere"),
]


def _answers(token: str | None, host: str = ACME) -> set[tuple[int, str]]:
    found = set()
    for method, path in SIGNED_IN_ONLY:
        response = getattr(Caller(host, token), method)(path)
        found.add((response.status_code, response.json().get("code", "")))
    return found


@pytest.fixture
def learner(acme: Organization, member: Any) -> Membership:
    """A learner of Acme."""
    made: Membership = member(acme, Role.LEARNER)
    return made


def _decoded(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def _encoded(payload: dict[str, Any], key: str | None = None) -> str:
    return jwt.encode(payload, key or f"access-token:{settings.SECRET_KEY}", algorithm="HS256")


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=")
    return f"{header.decode()}.{token.split('.')[1]}."


def _raised(token: str) -> str:
    """The token with other claims under the first one's signature."""
    header, _, signature = token.split(".")
    payload = {**_decoded(token), "org": None}
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


@pytest.mark.feature("IDN-03")
@pytest.mark.parametrize(
    ("label", "forge"),
    [
        ("no signature", _unsigned),
        ("changed claims", _raised),
        ("cut signature", lambda token: token[:-2]),
        ("another key", lambda token: _encoded(_decoded(token), "x" * 40)),
        ("another audience", lambda token: _encoded({**_decoded(token), "aud": "elsewhere"})),
        ("no end", lambda token: _encoded({k: v for k, v in _decoded(token).items() if k != "exp"})),
        ("no sign-in", lambda token: _encoded({k: v for k, v in _decoded(token).items() if k != "sid"})),
        ("a sign-in that never was", lambda token: _encoded({**_decoded(token), "sid": "0" * 32})),
        ("an id that is none", lambda token: _encoded({**_decoded(token), "sub": "me"})),
        ("an older epoch", lambda token: _encoded({**_decoded(token), "epo": -1})),
        ("no token", lambda token: "x"),
        ("a prefix alone", lambda token: "pat_"),
    ],
)
def test_forged_tokens_are_401_everywhere(
    learner: Membership, label: str, forge: Callable[[str], str]
) -> None:
    token = access_token(learner)
    assert Caller(ACME, token).get("/api/v1/auth/me").status_code == 200
    assert _answers(forge(token)) == {(401, "token_not_valid")}, label


@pytest.mark.feature("IDN-03")
def test_an_expired_token_is_401_everywhere(learner: Membership) -> None:
    with clock.frozen_at(clock.now() - timedelta(minutes=10, seconds=1)):
        expired = access_token(learner)
    assert _answers(expired) == {(401, "token_not_valid")}


@pytest.mark.feature("IDN-03")
@pytest.mark.parametrize("host", [GLOBEX, PLATFORM_HOST])
def test_a_token_of_acme_is_401_everywhere_else(
    learner: Membership, globex: Organization, member: Any, host: str
) -> None:
    member(globex, Role.OWNER, email=learner.user.email)  # not even for somebody who belongs there too
    assert _answers(access_token(learner), host) == {(401, "token_not_valid")}


def test_claims_of_another_organization_over_acmes_sign_in_are_401(
    learner: Membership, globex: Organization, member: Any
) -> None:
    other = member(globex, Role.OWNER, email=learner.user.email)
    real = decode_access(access_token(learner))
    crossed = encode_access(AccessClaims(other.user_id, other.id, globex.id, real.sign_in_id, real.epoch))
    assert _answers(crossed, GLOBEX) == {(401, "token_not_valid")}


def test_an_operators_token_is_401_on_an_organizations_host(operator: Caller, acme: Organization) -> None:
    assert _answers(operator.token) == {(401, "token_not_valid")}


def test_without_a_sign_in_everything_of_ones_own_is_401(acme: Organization) -> None:
    assert _answers(None) == {(401, "not_authenticated")}


def test_a_challenge_comes_with_every_401(acme: Organization) -> None:
    response = Caller(ACME).get("/api/v1/auth/me")
    assert response["WWW-Authenticate"] == 'Bearer realm="palaestra"'


@pytest.mark.parametrize("loss", ["membership", "user", "sign-in"])
def test_what_is_taken_away_is_gone_with_the_next_request(learner: Membership, loss: str) -> None:
    caller = Caller(ACME, access_token(learner))
    assert caller.get("/api/v1/auth/me").status_code == 200
    if loss == "membership":
        Membership.objects.filter(pk=learner.pk).update(status=MembershipStatus.SUSPENDED)
    elif loss == "user":
        User.objects.filter(pk=learner.user_id).update(is_active=False)
    else:
        SignIn.objects.filter(user_id=learner.user_id).update(revoked_at=clock.now())
    assert caller.get("/api/v1/auth/me").status_code == 401


@pytest.mark.feature("IDN-08")
def test_a_role_is_read_from_the_membership_not_from_the_token(learner: Membership) -> None:
    token = access_token(learner)
    claims = {**_decoded(token), "role": "owner", "is_staff": True}
    assert Caller(ACME, _encoded(claims)).get("/api/v1/auth/me").json()["role"] == "learner"
    Membership.objects.filter(pk=learner.pk).update(role=Role.INSTRUCTOR)
    assert Caller(ACME, token).get("/api/v1/auth/me").json()["role"] == "instructor"
