"""Registration, and the proof that the registered address is one's own."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from shared_apps.accounts.models import Membership, User
from shared_apps.accounts.services.emails import do_prove_email
from shared_apps.accounts.services.registration import register
from shared_apps.core.actors import ANONYMOUS
from tenants.context import in_public
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.measures import run_together
from tests.support.people import NEXT_PASSWORD, PASSWORD, mails, with_password

NEW = {"email": "Nina@Example.org", "password": PASSWORD, "name": "Nina New", "timezone": "Europe/Berlin"}


def _register(**changes: str) -> tuple[int, dict[str, object]]:
    response = Caller(PLATFORM_HOST).post("/api/v1/auth/register", {**NEW, **changes})
    return response.status_code, response.json()


def _sign_in(email: str, password: str = PASSWORD) -> tuple[int, str]:
    response = Caller(PLATFORM_HOST).post("/api/v1/auth/sign-in", {"email": email, "password": password})
    return response.status_code, response.json().get("code", "")


def _verify(key: str) -> int:
    status: int = Caller(PLATFORM_HOST).post("/api/v1/auth/email-verification", {"key": key}).status_code
    return status


@pytest.mark.feature("IDN-01")
@pytest.mark.feature("TEN-02")
def test_a_person_without_organization_registers_proves_the_address_and_signs_in(shared: None) -> None:
    assert _register() == (202, {"status": "mail_sent"})
    user = User.objects.get(email="nina@example.org")
    assert (user.name, user.timezone, user.language) == ("Nina New", "Europe/Berlin", "en")
    assert not Membership.objects.filter(user=user).exists()
    assert _sign_in("nina@example.org") == (403, "email_not_verified")

    mail = mails("nina@example.org")[-1]
    assert mail["template"] == "accounts/verify_email"
    assert mail["secret"] is True
    key = mail["context"]["key"]
    assert mail["context"]["link"].startswith("http://app.palaestra.test/verify-email?key=")
    assert _verify(key) == 204
    assert _sign_in("NINA@example.org ") == (200, "")
    assert _verify(key) == 400  # used


@pytest.mark.feature("IDN-01")
def test_a_taken_address_gets_the_same_answer_and_its_owner_a_mail(shared: None) -> None:
    owner = with_password("nina@example.org", password=NEXT_PASSWORD, name="The Owner")
    fresh = _register(email="nobody@example.org")
    assert _register() == fresh == (202, {"status": "mail_sent"})
    assert [mail["template"] for mail in mails("nina@example.org")] == ["accounts/account_exists"]
    owner.refresh_from_db()
    assert owner.name == "The Owner"
    assert owner.check_password(NEXT_PASSWORD)


def test_a_registration_nobody_proved_is_replaced_and_its_key_is_void(shared: None) -> None:
    # given: somebody registered Nina's address before her
    _register(password=NEXT_PASSWORD, name="A Stranger")
    first_key = mails("nina@example.org")[-1]["context"]["key"]
    # when: Nina registers and proves the address
    assert _register() == (202, {"status": "mail_sent"})
    assert _verify(first_key) == 400
    assert _verify(mails("nina@example.org")[-1]["context"]["key"]) == 204
    # then: neither password opens anything, whoever registered last; the address gets the link to choose one
    assert _sign_in("nina@example.org", NEXT_PASSWORD) == (401, "bad_credentials")
    assert _sign_in("nina@example.org") == (401, "bad_credentials")
    mail = mails("nina@example.org")[-1]
    assert mail["template"] == "accounts/reset_password"
    answer = Caller(PLATFORM_HOST).post(
        "/api/v1/auth/password-reset/confirm",
        {"uid": mail["context"]["uid"], "token": mail["context"]["token"], "new_password": PASSWORD},
    )
    assert answer.status_code == 204
    assert _sign_in("nina@example.org") == (200, "")


def test_registration_does_not_touch_somebody_who_is_invited(acme: Organization, member: object) -> None:
    invited = member(acme, email="nina@example.org", status="invited")  # type: ignore[operator]
    assert _register() == (202, {"status": "mail_sent"})
    assert not User.objects.get(pk=invited.user_id).has_usable_password()
    assert mails("nina@example.org")[-1]["template"] == "accounts/account_exists"


def test_proof_by_another_mail_drops_a_password_older_than_the_proof(shared: None) -> None:
    # given: a stranger registered the address; its owner is then invited and answers the invitation
    _register()
    with transaction.atomic():
        user = User.objects.get(email="nina@example.org")
        assert do_prove_email(user, keeps_password=False) is True
        assert do_prove_email(user, keeps_password=False) is False
    # then
    assert _sign_in("nina@example.org") == (401, "bad_credentials")


@pytest.mark.feature("IDN-08")
def test_registration_takes_no_rights_from_the_body(shared: None) -> None:
    extra = {"is_staff": True, "is_superuser": True, "role": "owner", "account_type": "admin"}
    response = Caller(PLATFORM_HOST).post("/api/v1/auth/register", {**NEW, **extra})
    assert response.status_code == 202
    user = User.objects.get(email="nina@example.org")
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert not Membership.objects.filter(user=user).exists()


@pytest.mark.parametrize(
    ("label", "changes", "field", "code"),
    [
        ("no address", {"email": "nina"}, "email", "invalid"),
        ("a zone no clock knows", {"timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
        ("a language nobody speaks", {"language": "xx"}, "language", "unknown_language"),
        ("a NUL in the name", {"name": "a\x00b"}, "name", "null_characters_not_allowed"),
        ("an endless password", {"password": "x" * 257}, "password", "max_length"),
        ("an endless address", {"email": "a" * 300 + "@example.org"}, "email", "max_length"),
    ],
)
@pytest.mark.feature("SEC-01")
def test_bad_values_are_named(
    shared: None, label: str, changes: dict[str, str], field: str, code: str
) -> None:
    status, body = _register(**changes)
    assert status == 400, label
    assert (field, code) in [(error["field"], error["code"]) for error in body["errors"]]  # type: ignore[attr-defined]
    assert mails() == []


def test_weak_passwords_are_refused_with_each_reason(shared: None) -> None:
    status, body = _register(password="12345678")
    assert (status, body["code"]) == (400, "password_not_accepted")
    assert body["facts"]["reasons"] == [  # type: ignore[index]
        "password_too_short",
        "password_too_common",
        "password_entirely_numeric",
    ]
    assert not User.objects.filter(email="nina@example.org").exists()


def test_only_the_platform_host_takes_registrations(acme: Organization) -> None:
    response = Caller("acme.palaestra.test").post("/api/v1/auth/register", NEW)
    assert response.status_code == 404


def test_an_expired_or_forged_key_proves_nothing(shared: None) -> None:
    _register()
    key = mails("nina@example.org")[-1]["context"]["key"]
    assert _verify(key[:-1] + ("A" if key[-1] != "A" else "B")) == 400
    with pytest.MonkeyPatch.context() as patch:
        later = time.time() + timedelta(days=4).total_seconds()
        patch.setattr(time, "time", lambda: later)
        assert _verify(key) == 400
    assert _verify(key) == 204


def test_the_verification_mail_is_sent_again_and_never_tells_who_exists(shared: None) -> None:
    _register()
    with_password("known@example.org")
    answers = []
    for email in ("nina@example.org", "known@example.org", "nobody@example.org"):
        response = Caller(PLATFORM_HOST).post("/api/v1/auth/email-verification/resend", {"email": email})
        answers.append((response.status_code, response.json()))
    assert answers == [(202, {"status": "mail_sent"})] * 3
    assert [mail["template"] for mail in mails()[-3:]] == [
        "accounts/verify_email",
        "accounts/account_exists",
        "accounts/unknown_account",
    ]
    assert _verify(mails("nina@example.org")[-1]["context"]["key"]) == 204


def test_mails_to_one_address_are_limited(shared: None) -> None:
    assert [_register()[0] for _ in range(11)] == [202] * 10 + [429]


def test_two_registrations_at_once_make_one_account(committed: None) -> None:
    barrier = threading.Barrier(2)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with in_public():
                barrier.wait()
                register(
                    actor=ANONYMOUS,
                    email="nina@example.org",
                    password=PASSWORD,
                    name="Nina",
                    timezone="UTC",
                    language="en",
                )
        except BaseException as error:  # noqa: BLE001  told by the assertion below
            failures.append(error)
        finally:
            connection.close()

    run_together([run] * 2)
    assert failures == []
    assert User.objects.filter(email="nina@example.org").count() == 1
    # The second came after: it replaced the first, unproved one, and only its key is good.
    assert [_verify(mail["context"]["key"]) for mail in mails("nina@example.org")] == [400, 204]
