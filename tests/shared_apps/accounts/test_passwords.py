"""New passwords, by mail or by hand, and what ends with the old one."""

import threading
import uuid
from functools import partial
from typing import Any

import pytest
from django.db import connection

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.errors import KeyNotValid
from shared_apps.accounts.models import PersonalAccessToken, User
from shared_apps.accounts.selectors.identities import is_email_proved
from shared_apps.accounts.services.passwords import reset_password
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import ANONYMOUS
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.measures import run_together
from tests.support.people import NEXT_PASSWORD, PASSWORD, mails, with_password

ACME = "acme.palaestra.test"
GLOBEX = "globex.palaestra.test"
OWNER = "owner@acme.example"


def _sign_in(host: str = ACME, password: str = PASSWORD) -> Any:
    return Caller(host).post("/api/v1/auth/sign-in", {"email": OWNER, "password": password})


def _ask(email: str = OWNER, host: str = ACME) -> tuple[int, dict[str, Any]]:
    response = Caller(host).post("/api/v1/auth/password-reset", {"email": email})
    return response.status_code, response.json()


def _confirm(password: str = NEXT_PASSWORD, host: str = ACME, **changes: str) -> Any:
    context = mails(OWNER)[-1]["context"]
    body = {"uid": context["uid"], "token": context["token"], "new_password": password, **changes}
    return Caller(host).post("/api/v1/auth/password-reset/confirm", body)


def _change(caller: Caller, current: str = PASSWORD, new: str = NEXT_PASSWORD) -> Any:
    body = {"current_password": current, "new_password": new}
    return caller.post("/api/v1/auth/password", body)


def _me(token: str, host: str = ACME) -> int:
    status: int = Caller(host, token).get("/api/v1/auth/me").status_code
    return status


def test_a_reset_by_mail_sets_the_password_and_ends_everything_else(
    acme: Organization, globex: Organization, member: Any
) -> None:
    # given: signed in at two organizations and the platform, with a personal access token
    user = with_password(OWNER)
    member(globex, email=OWNER)
    tokens = {host: _sign_in(host).json() for host in (ACME, GLOBEX, PLATFORM_HOST)}
    caller = Caller(ACME, tokens[ACME]["access_token"])
    personal = caller.post("/api/v1/auth/tokens", {"name": "script"}).json()["token"]
    # when
    assert _ask() == (202, {"status": "mail_sent"})
    mail = mails(OWNER)[-1]
    assert mail["context"]["link"].startswith(
        f"http://acme.palaestra.test/reset-password?uid={user.id.hex}&token="
    )
    assert mail["secret"] is True
    assert _confirm().status_code == 204
    # then
    assert [_me(pair["access_token"], host) for host, pair in tokens.items()] == [401, 401, 401]
    assert _me(personal) == 401
    for host, pair in tokens.items():
        body = {"refresh_token": pair["refresh_token"]}
        assert Caller(host).post("/api/v1/auth/refresh", body).status_code == 401
    assert _sign_in().status_code == 401
    assert _sign_in(password=NEXT_PASSWORD).status_code == 200
    assert mails(OWNER)[-1]["template"] == "accounts/password_changed"
    event = AuditEvent.objects.get(action="auth.password_reset")
    assert (event.organization_id, event.actor_id, event.changes) == (acme.id, user.id, {"ended": 3})


def test_a_link_works_once(acme: Organization) -> None:
    with_password(OWNER)
    _ask()
    context = mails(OWNER)[-1]["context"]
    assert _confirm().status_code == 204
    body = {"uid": context["uid"], "token": context["token"], "new_password": PASSWORD}
    response = Caller(ACME).post("/api/v1/auth/password-reset/confirm", body)
    assert (response.status_code, response.json()["code"]) == (400, "key_not_valid")


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        ("another person's id", {"uid": uuid.uuid4().hex}),
        ("no id", {"uid": "nonsense"}),
        ("a forged token", {"token": "abc-def"}),
    ],
)
def test_a_forged_link_changes_nothing(acme: Organization, label: str, changes: dict[str, str]) -> None:
    with_password(OWNER)
    _ask()
    assert _confirm(**changes).json()["code"] == "key_not_valid", label
    assert _sign_in().status_code == 200


def test_a_link_expires(acme: Organization, settings: Any) -> None:
    with_password(OWNER)
    _ask()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert _confirm().json()["code"] == "key_not_valid"


def test_a_weak_password_is_refused_and_the_link_stays_good(acme: Organization) -> None:
    with_password(OWNER)
    _ask()
    refused = _confirm("owner@acme.example").json()
    assert (refused["code"], refused["facts"]["reasons"]) == (
        "password_not_accepted",
        ["password_too_similar"],
    )
    assert _confirm().status_code == 204


def test_the_answer_is_the_same_for_every_address_and_the_mail_says_what_is(
    acme: Organization, globex: Organization, member: Any
) -> None:
    with_password(OWNER)
    with_password("left@acme.example")
    member(acme, email="left@acme.example", status=MembershipStatus.REMOVED)
    emails = [OWNER, "nobody@acme.example", "owner@globex.example", "left@acme.example"]
    assert [_ask(email) for email in emails] == [(202, {"status": "mail_sent"})] * 4
    assert [(mail["to"], mail["template"]) for mail in mails()] == [
        (OWNER, "accounts/reset_password"),
        ("nobody@acme.example", "accounts/unknown_account"),
        ("owner@globex.example", "accounts/unknown_account"),
        ("left@acme.example", "accounts/unknown_account"),
    ]


def test_a_link_never_follows_the_host_header(acme: Organization) -> None:
    with_password(OWNER)
    Caller(ACME).post("/api/v1/auth/password-reset", {"email": OWNER}, HTTP_X_FORWARDED_HOST="evil.example")
    assert mails(OWNER)[-1]["context"]["link"].startswith("http://acme.palaestra.test/")


def test_asking_is_limited(acme: Organization) -> None:
    assert [_ask("nobody@acme.example")[0] for _ in range(11)] == [202] * 10 + [429]


def test_a_reset_proves_the_address(acme: Organization) -> None:
    user = with_password(OWNER, proved=False)
    _ask()
    assert _confirm().status_code == 204
    assert is_email_proved(user) is True


def test_a_change_keeps_this_sign_in_and_ends_the_others(
    acme: Organization, globex: Organization, member: Any
) -> None:
    with_password(OWNER)
    member(globex, email=OWNER)
    mine, other, elsewhere = _sign_in().json(), _sign_in().json(), _sign_in(GLOBEX).json()
    response = _change(Caller(ACME, mine["access_token"]))
    renewed = response.json()
    assert response.status_code == 200
    assert _me(renewed["access_token"]) == 200
    assert [_me(mine["access_token"]), _me(other["access_token"])] == [401, 401]
    assert _me(elsewhere["access_token"], GLOBEX) == 401
    body = {"refresh_token": renewed["refresh_token"]}
    assert Caller(ACME).post("/api/v1/auth/refresh", body).status_code == 200
    assert mails(OWNER)[-1]["template"] == "accounts/password_changed"
    assert AuditEvent.objects.get(action="auth.password_changed").changes == {"ended": 2}


def test_a_refresh_token_from_before_the_change_ends_the_family(acme: Organization) -> None:
    with_password(OWNER)
    mine = _sign_in().json()
    renewed = _change(Caller(ACME, mine["access_token"])).json()
    body = {"refresh_token": mine["refresh_token"]}
    assert Caller(ACME).post("/api/v1/auth/refresh", body).status_code == 401
    assert _me(renewed["access_token"]) == 401


def test_a_change_needs_the_current_password_and_counts_guesses(acme: Organization) -> None:
    with_password(OWNER)
    caller = Caller(ACME, _sign_in().json()["access_token"])
    answers = [_change(caller, current="guess").json() for _ in range(11)]
    assert [answer["code"] for answer in answers] == ["wrong_password"] * 10 + ["too_many_attempts"]
    assert answers[0]["errors"][0]["field"] == "current_password"
    assert User.objects.get(email=OWNER).check_password(PASSWORD)
    assert caller.get("/api/v1/auth/me").status_code == 200


def test_a_personal_access_token_may_not_change_the_password(acme: Organization) -> None:
    with_password(OWNER)
    caller = Caller(ACME, _sign_in().json()["access_token"])
    made = caller.post("/api/v1/auth/tokens", {"name": "script", "scopes": ["read", "write"]}).json()
    response = _change(Caller(ACME, made["token"]))
    assert (response.status_code, response.json()["code"]) == (403, "personal_token_refused")
    assert User.objects.get(email=OWNER).check_password(PASSWORD)


def test_a_change_leaves_personal_access_tokens_alone(acme: Organization) -> None:
    with_password(OWNER)
    caller = Caller(ACME, _sign_in().json()["access_token"])
    caller.post("/api/v1/auth/tokens", {"name": "script"})
    assert _change(caller).status_code == 200
    assert PersonalAccessToken.objects.get().revoked_at is None


def test_nobody_changes_a_password_without_a_sign_in(acme: Organization) -> None:
    assert _change(Caller(ACME)).status_code == 401


def test_of_two_resets_with_one_link_one_succeeds(committed: None, acme: Organization) -> None:
    with_password(OWNER)
    _ask()
    context = mails(OWNER)[-1]["context"]
    barrier = threading.Barrier(2)
    ends: list[str] = []

    def run(password: str) -> None:
        try:
            with in_organization(acme):
                barrier.wait()
                reset_password(
                    actor=ANONYMOUS,
                    organization=acme.ref(),
                    uid=context["uid"],
                    token=context["token"],
                    new_password=password,
                )
                ends.append("set")
        except KeyNotValid:
            ends.append("refused")
        finally:
            connection.close()

    run_together([partial(run, f"{NEXT_PASSWORD}-{n}") for n in range(2)])
    assert sorted(ends) == ["refused", "set"]
    assert User.objects.get(email=OWNER).sign_in_epoch == 1
