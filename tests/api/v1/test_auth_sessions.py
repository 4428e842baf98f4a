"""Browser sessions: host-only cookies, CSRF from the first request on, a fresh key at every sign-in."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from shared_apps.accounts.models import SignIn
from shared_apps.core.actors import Role
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.people import NEXT_PASSWORD, PASSWORD, with_password

ACME = "acme.palaestra.test"
GLOBEX = "globex.palaestra.test"
OWNER = "owner@acme.example"
FORM = "application/x-www-form-urlencoded"
PAIR = {"email": OWNER, "password": PASSWORD, "mode": "session"}


def _browser(host: str = ACME) -> Caller:
    return Caller(host, enforce_csrf_checks=True)


def _csrf(browser: Caller) -> str:
    token: str = browser.get("/api/v1/auth/csrf").json()["csrf_token"]
    return token


def _sign_in(browser: Caller) -> str:
    """Sign the browser in and return the CSRF token to use from now on."""
    response = browser.post("/api/v1/auth/sign-in", PAIR, HTTP_X_CSRFTOKEN=_csrf(browser))
    assert response.status_code == 200
    token: str = response.json()["csrf_token"]
    return token


@pytest.fixture
def owner(acme: Organization) -> Any:
    """Acme's owner, with a password."""
    return with_password(OWNER)


@pytest.mark.feature("SEC-03")
def test_a_session_carries_a_browser_and_writes_need_its_csrf_token(owner: Any) -> None:
    browser = _browser()
    token = _sign_in(browser)
    assert browser.get("/api/v1/auth/me").json()["email"] == OWNER
    without = browser.post("/api/v1/auth/tokens", {"name": "script"})
    assert (without.status_code, without.json()["code"]) == (403, "csrf_failed")
    wrong = browser.post("/api/v1/auth/tokens", {"name": "script"}, HTTP_X_CSRFTOKEN="x" * 64)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "csrf_failed")
    assert browser.get("/api/v1/auth/tokens").json()["results"] == []
    good = browser.post("/api/v1/auth/tokens", {"name": "script"}, HTTP_X_CSRFTOKEN=token)
    assert good.status_code == 201


@pytest.mark.feature("SEC-03")
@pytest.mark.parametrize(
    ("label", "origin", "status"),
    [
        ("its own", "http://acme.palaestra.test", 201),
        ("a sibling organization's", "http://globex.palaestra.test", 403),
        ("the platform's", "http://app.palaestra.test", 403),
        ("the parent domain's", "http://palaestra.test", 403),
        ("a stranger's", "https://evil.example", 403),
        ("a sandbox's", "null", 403),
    ],
)
def test_only_the_hosts_own_origin_may_write(owner: Any, label: str, origin: str, status: int) -> None:
    browser = _browser()
    token = _sign_in(browser)
    response = browser.post(
        "/api/v1/auth/tokens", {"name": "script"}, HTTP_X_CSRFTOKEN=token, HTTP_ORIGIN=origin
    )
    assert response.status_code == status, label


@pytest.mark.feature("SEC-03")
def test_signing_a_browser_in_needs_the_csrf_token_too(owner: Any) -> None:
    browser = _browser()
    refused = browser.post("/api/v1/auth/sign-in", PAIR)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    token = _csrf(browser)
    foreign = browser.post(
        "/api/v1/auth/sign-in", PAIR, HTTP_X_CSRFTOKEN=token, HTTP_ORIGIN="http://globex.palaestra.test"
    )
    assert foreign.status_code == 403
    assert "palaestra_session" not in browser.cookies
    assert not SignIn.objects.exists()


def test_cookies_are_host_only_and_closed_to_scripts(owner: Any) -> None:
    browser = _browser()
    _sign_in(browser)
    session, csrf = browser.cookies["palaestra_session"], browser.cookies["palaestra_csrf"]
    assert (session["domain"], session["httponly"], session["samesite"]) == ("", True, "Lax")
    assert (csrf["domain"], csrf["samesite"]) == ("", "Lax")


def test_a_planted_session_key_does_not_become_a_signed_in_one(owner: Any) -> None:
    browser = _browser()
    planted = SessionStore()
    planted["cart"] = "theirs"
    with in_organization(Organization.objects.get(slug="acme")):  # a session is of the host that made it
        planted.create()
    browser.cookies["palaestra_session"] = str(planted.session_key)
    before = _csrf(browser)
    after = _sign_in(browser)
    assert browser.cookies["palaestra_session"].value != str(planted.session_key)
    assert before != after
    assert not SessionStore().exists(str(planted.session_key))


@pytest.mark.feature("SEC-03")
@pytest.mark.parametrize("host", [GLOBEX, PLATFORM_HOST])
def test_acmes_cookie_is_401_on_every_other_host(
    owner: Any, globex: Organization, member: Any, host: str
) -> None:
    member(globex, Role.OWNER, email=OWNER)
    browser = _browser()
    _sign_in(browser)
    elsewhere = Caller(host)
    elsewhere.cookies["palaestra_session"] = browser.cookies["palaestra_session"].value
    assert elsewhere.get("/api/v1/auth/me").status_code == 401
    assert elsewhere.post("/api/v1/auth/tokens", {"name": "script"}).status_code == 401


def test_sign_out_ends_session_and_sign_in(owner: Any) -> None:
    browser = _browser()
    token = _sign_in(browser)
    stolen = browser.cookies["palaestra_session"].value
    assert browser.post("/api/v1/auth/sign-out", HTTP_X_CSRFTOKEN=token).status_code == 204
    assert browser.get("/api/v1/auth/me").status_code == 401
    again = _browser()
    again.cookies["palaestra_session"] = stolen
    assert again.get("/api/v1/auth/me").status_code == 401
    assert SignIn.objects.get().revoked_reason == "sign_out"


def test_a_session_is_ended_from_another_device(owner: Any) -> None:
    lost, kept = _browser(), _browser()
    _sign_in(lost)
    token = _sign_in(kept)
    rows = kept.get("/api/v1/auth/sign-ins").json()["results"]
    assert [(row["kind"], row["is_current"]) for row in rows] == [("browser", True), ("browser", False)]
    assert kept.delete(f"/api/v1/auth/sign-ins/{rows[1]['id']}", HTTP_X_CSRFTOKEN=token).status_code == 204
    assert lost.get("/api/v1/auth/me").status_code == 401
    assert kept.get("/api/v1/auth/me").status_code == 200


def test_a_password_change_keeps_this_session_under_a_new_key(owner: Any) -> None:
    lost, kept = _browser(), _browser()
    _sign_in(lost)
    token = _sign_in(kept)
    old_key = kept.cookies["palaestra_session"].value
    body = {"current_password": PASSWORD, "new_password": NEXT_PASSWORD}
    response = kept.post("/api/v1/auth/password", body, HTTP_X_CSRFTOKEN=token)
    renewed = response.json()
    assert response.status_code == 200
    assert (renewed["access_token"], renewed["refresh_token"]) == (None, None)
    assert kept.cookies["palaestra_session"].value != old_key
    assert kept.get("/api/v1/auth/me").status_code == 200
    assert lost.get("/api/v1/auth/me").status_code == 401
    out = kept.post("/api/v1/auth/sign-out", HTTP_X_CSRFTOKEN=renewed["csrf_token"])
    assert out.status_code == 204


def test_a_console_session_made_before_a_password_change_is_nobodys(shared: None) -> None:
    operator = with_password("root@palaestra.example", is_staff=True)
    session = SessionStore()
    session[SESSION_KEY] = str(operator.pk)
    session[BACKEND_SESSION_KEY] = "shared_apps.accounts.backends.EmailBackend"
    session[HASH_SESSION_KEY] = operator.get_session_auth_hash()
    session.create()
    browser = Caller(PLATFORM_HOST)
    browser.cookies["palaestra_session"] = str(session.session_key)
    assert browser.get("/api/v1/auth/me").json()["is_operator"] is True
    with_password("root@palaestra.example", password=NEXT_PASSWORD)
    assert browser.get("/api/v1/auth/me").status_code == 401


def test_a_console_session_is_nothing_on_an_organizations_host(acme: Organization) -> None:
    operator = with_password("root@palaestra.example", is_staff=True)
    session = SessionStore()
    session[SESSION_KEY] = str(operator.pk)
    session[HASH_SESSION_KEY] = operator.get_session_auth_hash()
    session.create()
    browser = Caller(ACME)
    browser.cookies["palaestra_session"] = str(session.session_key)
    assert browser.get("/api/v1/auth/me").status_code == 401


def test_the_consoles_sign_in_counts_attempts_with_the_apis(shared: None) -> None:
    with_password("root@palaestra.example", is_staff=True)
    browser = Caller(PLATFORM_HOST)

    def at_console(password: str) -> int:
        form = {"username": "root@palaestra.example", "password": password}
        status: int = browser.post("/console/login/", urlencode(form), content_type=FORM).status_code
        return status

    assert at_console(PASSWORD) == 302
    assert [at_console("wrong") for _ in range(10)] == [200] * 10  # the form again
    assert at_console(PASSWORD) == 200
    pair = {"email": "root@palaestra.example", "password": PASSWORD}
    assert browser.post("/api/v1/auth/sign-in", pair).status_code == 429
