"""Sign in, sign out, and what is limited on the way."""

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.enums import MembershipStatus, SignInKind
from shared_apps.accounts.models import RefreshToken, SignIn, User
from shared_apps.accounts.services import credentials
from shared_apps.accounts.services import sign_in as services
from shared_apps.accounts.tokens import hash_secret
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import ANONYMOUS, Role
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.people import NEXT_PASSWORD, PASSWORD, with_password

ACME = "acme.palaestra.test"
GLOBEX = "globex.palaestra.test"
URL = "/api/v1/auth/sign-in"


def _sign_in(host: str, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return Caller(host).post(URL, {"email": email, "password": password, **more})


@pytest.fixture
def ada(acme: Organization, member: Any) -> Any:
    """A manager of Acme with a password."""
    with_password("ada@acme.example", name="Ada", timezone="Europe/Berlin")
    return member(acme, Role.MANAGER, email="ada@acme.example")


@pytest.mark.feature("IDN-02")
def test_a_good_pair_gives_tokens_and_user_data(ada: Any) -> None:
    response = _sign_in(ACME, " ADA@acme.example", HTTP_USER_AGENT="")
    body = response.json()
    assert response.status_code == 200
    assert body["user"] == {
        "id": str(ada.user_id),
        "email": "ada@acme.example",
        "name": "Ada",
        "timezone": "Europe/Berlin",
        "language": "en",
        "is_operator": False,
        "membership_id": str(ada.id),
        "role": "manager",
    }
    assert (body["token_type"], body["expires_in"], body["csrf_token"]) == ("Bearer", 600, None)
    me = Caller(ACME, body["access_token"]).get("/api/v1/auth/me")
    assert (me.status_code, me.json()) == (200, body["user"])
    assert "palaestra_session" not in response.cookies


@pytest.mark.feature("IDN-02")
@pytest.mark.parametrize(
    ("label", "host", "email", "password"),
    [
        ("wrong password", ACME, "ada@acme.example", "wrong"),
        ("unknown address", ACME, "nobody@acme.example", PASSWORD),
        ("another organization's host", GLOBEX, "ada@acme.example", PASSWORD),
        ("person without a password", ACME, "owner@acme.example", PASSWORD),
    ],
)
def test_every_bad_pair_is_the_same_401(ada: Any, label: str, host: str, email: str, password: str) -> None:
    response = _sign_in(host, email, password)
    body = response.json()
    assert (response.status_code, body["code"]) == (401, "bad_credentials"), label
    assert "facts" not in body
    assert not SignIn.objects.filter(user_id=ada.user_id).exists()


def test_every_bad_pair_costs_one_hash(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real_make, real_check = make_password, User.check_password

    def make(raw: str) -> str:
        hashed.append("made")
        return real_make(raw)

    def check(user: User, raw: str) -> bool:
        hashed.append("checked")
        return real_check(user, raw)

    monkeypatch.setattr(credentials, "make_password", make)
    monkeypatch.setattr(User, "check_password", check)
    for email in ("ada@acme.example", "nobody@acme.example", "owner@acme.example"):
        assert _sign_in(ACME, email, "wrong").status_code == 401
    assert hashed == ["checked", "made", "made"]


@pytest.mark.parametrize(
    "status", [MembershipStatus.INVITED, MembershipStatus.SUSPENDED, MembershipStatus.REMOVED]
)
def test_only_active_members_get_in(acme: Organization, member: Any, status: MembershipStatus) -> None:
    with_password("bob@acme.example")
    member(acme, email="bob@acme.example", status=status)
    assert _sign_in(ACME, "bob@acme.example").json()["code"] == "bad_credentials"
    assert _sign_in(PLATFORM_HOST, "bob@acme.example").status_code == 200


def test_an_inactive_user_gets_in_nowhere(ada: Any) -> None:
    token = _sign_in(ACME, "ada@acme.example").json()["access_token"]
    with in_public():
        User.objects.filter(pk=ada.user_id).update(is_active=False)
    assert _sign_in(ACME, "ada@acme.example").status_code == 401
    assert _sign_in(PLATFORM_HOST, "ada@acme.example").status_code == 401
    assert Caller(ACME, token).get("/api/v1/auth/me").status_code == 401


def test_an_unproved_address_is_told_only_to_who_knows_the_password(acme: Organization, member: Any) -> None:
    with_password("bob@acme.example", proved=False)
    member(acme, email="bob@acme.example")
    assert _sign_in(ACME, "bob@acme.example", "wrong").json()["code"] == "bad_credentials"
    response = _sign_in(ACME, "bob@acme.example")
    assert (response.status_code, response.json()["code"]) == (403, "email_not_verified")


def test_an_operator_is_one_on_the_platform_host_only(acme: Organization, member: Any) -> None:
    with_password("root@palaestra.example", is_staff=True)
    member(acme, Role.LEARNER, email="root@palaestra.example")
    on_platform = _sign_in(PLATFORM_HOST, "root@palaestra.example").json()["user"]
    on_tenant = _sign_in(ACME, "root@palaestra.example").json()["user"]
    assert (on_platform["is_operator"], on_platform["role"]) == (True, None)
    assert (on_tenant["is_operator"], on_tenant["role"]) == (False, "learner")


@pytest.mark.feature("IDN-02")
def test_an_account_is_throttled_over_all_hosts_and_a_success_clears_it(ada: Any) -> None:
    for _ in range(9):
        assert _sign_in(ACME, "ada@acme.example", "wrong").status_code == 401
    assert _sign_in(ACME, "ada@acme.example").status_code == 200  # the tenth attempt
    hosts = [ACME, GLOBEX, PLATFORM_HOST]
    codes = [_sign_in(hosts[n % 3], "ada@acme.example", "wrong").status_code for n in range(11)]
    assert codes == [401] * 10 + [429]
    refused = _sign_in(ACME, "ADA@acme.example")  # the right password does not help now
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert 290 <= int(refused["Retry-After"]) <= 300
    assert _sign_in(ACME, "owner@acme.example").status_code == 401  # others are not held up


def test_an_address_is_throttled_over_all_accounts(ada: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_address": 3}
    for _ in range(5):  # successes take themselves off the counter
        assert _sign_in(ACME, "ada@acme.example").status_code == 200
    codes = [_sign_in(ACME, f"guess{n}@acme.example").status_code for n in range(4)]
    assert codes == [401, 401, 401, 429]
    other = Caller(ACME).post(
        URL, {"email": "ada@acme.example", "password": PASSWORD}, REMOTE_ADDR="198.51.100.7"
    )
    assert other.status_code == 200


def test_one_ipv6_subscriber_is_one_address(ada: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_address": 2}

    def guess(number: int, address: str) -> int:
        pair = {"email": f"guess{number}@acme.example", "password": "wrong"}
        status: int = Caller(ACME).post(URL, pair, REMOTE_ADDR=address).status_code
        return status

    codes = [guess(n, f"2001:db8:0:1::{n}") for n in range(1, 4)]
    assert codes == [401, 401, 429]
    assert guess(4, "2001:db8:0:2::1") == 401


@pytest.mark.parametrize(
    ("label", "proxies", "forwarded", "seen"),
    [
        ("no proxy of ours: not believed", 0, "198.51.100.7", "127.0.0.1"),
        ("one proxy: what it appended", 1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("no address at all", 1, "nonsense", "127.0.0.1"),
    ],
)
def test_the_recorded_address_is_one_a_stranger_cannot_choose(
    ada: Any, settings: Any, label: str, proxies: int, forwarded: str, seen: str
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    pair = {"email": "ada@acme.example", "password": PASSWORD}
    assert Caller(ACME).post(URL, pair, HTTP_X_FORWARDED_FOR=forwarded).status_code == 200
    assert SignIn.objects.filter(user_id=ada.user_id).latest("id").address == seen, label


def test_a_password_changed_during_the_sign_in_stops_it(
    ada: Any, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = credentials.find_user_by_password

    def check_then_change(**given: str) -> User | None:
        user = real(**given)
        with in_public():  # where passwords are changed
            User.objects.filter(pk=ada.user_id).update(sign_in_epoch=1)
        return user

    monkeypatch.setattr(services, "find_user_by_password", check_then_change)
    assert _sign_in(ACME, "ada@acme.example").json()["code"] == "bad_credentials"
    assert not SignIn.objects.filter(user_id=ada.user_id).exists()


def test_the_password_is_checked_outside_the_transaction(
    committed: None, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password("owner@acme.example")
    seen: list[bool] = []
    real = User.check_password

    def check(user: User, raw: str) -> bool:
        seen.append(connection.in_atomic_block)
        return real(user, raw)

    monkeypatch.setattr(User, "check_password", check)
    with in_organization(acme):
        services.sign_in(
            actor=ANONYMOUS,
            organization=acme.ref(),
            email="owner@acme.example",
            password=PASSWORD,
            kind=SignInKind.API,
        )
    assert seen == [False]


def test_the_user_is_locked_before_the_family_is_made(ada: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        _sign_in(ACME, "ada@acme.example")
    statements = [query["sql"] for query in queries]
    lock = next(n for n, sql in enumerate(statements) if "FOR NO KEY UPDATE" in sql)
    family = next(n for n, sql in enumerate(statements) if sql.startswith('INSERT INTO "accounts_signin"'))
    assert '"accounts_user"' in statements[lock]
    assert lock < family


def test_no_secret_rests_in_a_table(ada: Any) -> None:
    body = _sign_in(ACME, "ada@acme.example", HTTP_IDEMPOTENCY_KEY="sign-in-0001").json()
    stored = RefreshToken.objects.get(sign_in__user_id=ada.user_id)
    assert bytes(stored.token_hash) == hash_secret(body["refresh_token"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM idempotency_rememberedanswer")
        assert cursor.fetchone() == (0,)


def test_sign_in_is_audited_with_the_person_and_the_organization(ada: Any, acme: Organization) -> None:
    _sign_in(ACME, "ada@acme.example")
    event = AuditEvent.objects.get(action="auth.sign_in")
    assert (event.organization_id, event.actor_id, event.actor_label) == (
        acme.id,
        ada.user_id,
        "ada@acme.example",
    )
    assert (event.actor_kind, event.address, event.changes) == ("member", "127.0.0.1", {"kind": "api"})


def test_sign_out_ends_this_sign_in_and_no_other(ada: Any) -> None:
    here = _sign_in(ACME, "ada@acme.example").json()
    there = _sign_in(ACME, "ada@acme.example").json()
    caller = Caller(ACME, here["access_token"])
    assert caller.post("/api/v1/auth/sign-out").status_code == 204
    assert caller.get("/api/v1/auth/me").status_code == 401
    spent = Caller(ACME).post("/api/v1/auth/refresh", {"refresh_token": here["refresh_token"]})
    assert spent.json()["code"] == "token_not_valid"
    assert Caller(ACME, there["access_token"]).get("/api/v1/auth/me").status_code == 200


def test_sign_out_everywhere_stays_on_this_hosts_organization(
    ada: Any, globex: Organization, member: Any
) -> None:
    member(globex, email="ada@acme.example")
    first, second = (_sign_in(ACME, "ada@acme.example").json()["access_token"] for _ in range(2))
    elsewhere = _sign_in(GLOBEX, "ada@acme.example").json()["access_token"]
    answer = Caller(ACME, first).post("/api/v1/auth/sign-out-everywhere")
    assert (answer.status_code, answer.json()) == (200, {"ended": 2})
    codes = [Caller(ACME, token).get("/api/v1/auth/me").status_code for token in (first, second)]
    assert codes == [401, 401]
    assert Caller(GLOBEX, elsewhere).get("/api/v1/auth/me").status_code == 200


def test_own_sign_ins_are_listed_and_ended_one_by_one(ada: Any, globex: Organization, member: Any) -> None:
    member(globex, email="ada@acme.example")
    old = Caller(ACME).post(
        URL, {"email": "ada@acme.example", "password": PASSWORD}, HTTP_USER_AGENT="Old/1.0 " + "x" * 400
    )
    _sign_in(GLOBEX, "ada@acme.example")
    caller = Caller(ACME, _sign_in(ACME, "ada@acme.example").json()["access_token"])
    rows = caller.get("/api/v1/auth/sign-ins").json()["results"]
    assert [(row["is_current"], row["kind"], row["address"]) for row in rows] == [
        (True, "api", "127.0.0.1"),
        (False, "api", "127.0.0.1"),
    ]
    assert rows[1]["user_agent"] == ("Old/1.0 " + "x" * 400)[:300]

    url = f"/api/v1/auth/sign-ins/{rows[1]['id']}"
    assert caller.delete(url).status_code == 204
    assert caller.delete(url).status_code == 404
    assert Caller(ACME, old.json()["access_token"]).get("/api/v1/auth/me").status_code == 401


def test_nobody_ends_or_sees_another_persons_sign_in(ada: Any, acme: Organization, sign_in: Any) -> None:
    _sign_in(ACME, "ada@acme.example")
    hers = SignIn.objects.get(user_id=ada.user_id)
    admin = sign_in(acme, Role.OWNER)
    assert admin.delete(f"/api/v1/auth/sign-ins/{hers.id}").status_code == 404
    assert str(hers.id) not in [row["id"] for row in admin.get("/api/v1/auth/sign-ins").json()["results"]]
    hers.refresh_from_db()
    assert hers.revoked_at is None
    assert admin.delete(f"/api/v1/auth/sign-ins/{uuid.uuid4()}").status_code == 404
    assert admin.delete("/api/v1/auth/sign-ins/nonsense").status_code == 404


def test_her_organizations_other_host_cannot_end_it_either(
    ada: Any, globex: Organization, member: Any
) -> None:
    member(globex, email="ada@acme.example")
    _sign_in(ACME, "ada@acme.example")
    at_acme = SignIn.objects.get(user_id=ada.user_id)
    caller = Caller(GLOBEX, _sign_in(GLOBEX, "ada@acme.example").json()["access_token"])
    assert caller.delete(f"/api/v1/auth/sign-ins/{at_acme.id}").status_code == 404
    at_acme.refresh_from_db()
    assert at_acme.revoked_at is None


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("nothing", {}),
        ("a number", {"email": 1, "password": 2}),
        ("a NUL", {"email": "a\x00@acme.example", "password": "x"}),
        ("a list", {"email": ["ada@acme.example"], "password": ["x"]}),
        ("an unknown mode", {"email": "ada@acme.example", "password": "x", "mode": "cookie"}),
        ("half a character", {"email": "ada@acme.example", "password": "\ud800"}),
    ],
)
@pytest.mark.feature("SEC-01")
def test_malformed_pairs_are_400(ada: Any, label: str, body: dict[str, Any]) -> None:
    response = Caller(ACME).post(URL, data=json.dumps(body), content_type="application/json")
    code = "malformed_body" if label == "half a character" else "invalid_input"
    assert (response.status_code, response.json()["code"]) == (400, code), label


def test_signing_in_with_the_old_password_fails_after_a_change(ada: Any) -> None:
    with_password("ada@acme.example", password=NEXT_PASSWORD)
    assert _sign_in(ACME, "ada@acme.example").status_code == 401
    assert _sign_in(ACME, "ada@acme.example", NEXT_PASSWORD).status_code == 200
