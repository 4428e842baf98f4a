"""Signing up over HTTP, as a front end does it."""

import uuid

import pytest
from django.test import override_settings

from shared_apps.audit.models import AuditEvent
from shared_apps.onboarding.models import SignUp
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import render_mail
from shared_apps.outbox.types import Outgoing
from tenants.models import Organization
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.sign_ups import WISH, Visitors


@pytest.mark.feature("BIL-01")
def test_a_sign_up_says_at_each_step_what_comes_next(visitor: Visitors) -> None:
    who = visitor()
    made = who.sign_up()
    assert made["secret"].startswith("sgn_")
    assert (made["status"], made["next_step"], made["trial_days"]) == ("unverified", "verify_email", None)
    assert (made["host"], made["url"]) == ("initech.palaestra.test", None)
    assert made["unit_price"] == {"amount_minor": 1200, "currency": "EUR"}
    assert made["amount"] == {"amount_minor": 12_000, "currency": "EUR"}
    assert who.ask("checkout", expect=409)["code"] == "sign_up_not_verified"
    verified = who.verify()
    assert (verified["status"], verified["next_step"]) == ("verified", "checkout")
    assert (verified["secret"], verified["trial_days"]) == (None, 0)
    paying = who.ask("checkout")
    assert (paying["status"], paying["next_step"]) == ("paying", "pay")
    assert paying["checkout_url"].startswith(who.server.url)
    assert who.ask()["checkout_url"] == paying["checkout_url"]
    assert who.ask("checkout")["checkout_url"] == paying["checkout_url"]


def test_another_wish_closes_the_page_before(visitor: Visitors) -> None:
    who = visitor()
    who.sign_up()
    who.verify()
    first = who.open_page()
    second = who.ask("checkout", {"seats": 25})
    assert second["checkout_url"] != first
    assert second["amount"]["amount_minor"] == 30_000
    states = {each["url"]: each["status"] for each in who.server.account.all("checkout.session")}
    assert states == {first: "expired", second["checkout_url"]: "open"}
    assert who.ask("checkout", {"seats": 501}, expect=400)["code"] == "seats_outside_plan"
    assert who.ask()["seats"] == 25


def test_only_the_hash_of_secret_and_token_is_kept(visitor: Visitors) -> None:
    who = visitor()
    who.sign_up()
    row = SignUp.objects.values().get()
    token = who.mailed_token()
    assert not [name for name, value in row.items() if value in {who.secret, token}]
    assert not AuditEvent.objects.filter(changes__icontains=who.secret).exists()
    assert OutboxMessage.objects.get().payload["secret"] is True


@pytest.mark.parametrize("secret", ["", "sgn_wrong"])
def test_without_its_secret_a_sign_up_is_not_there(visitor: Visitors, secret: str) -> None:
    who = visitor()
    who.sign_up()
    for act in ("", "resend", "checkout"):
        assert who.ask(act, expect=404, secret=secret)["code"] == "not_found"
    who.id = str(uuid.uuid4())
    assert who.ask(expect=404)["code"] == "not_found"
    assert who.ask("verify", {"token": "suv_x"}, expect=400)["code"] == "verification_not_valid"


def test_a_mail_read_elsewhere_gives_another_secret_and_voids_the_first(visitor: Visitors) -> None:
    who = visitor()
    who.sign_up()
    first = who.secret
    body = who.ask("verify", {"token": who.mailed_token()}, secret="")
    assert body["secret"] not in {None, first}
    assert who.ask(expect=404)["code"] == "not_found"
    assert who.ask(secret=body["secret"])["status"] == "verified"
    # The token is good once.
    assert who.ask("verify", {"token": who.mailed_token()}, secret="", expect=400)["code"] == (
        "verification_not_valid"
    )


def test_a_new_mail_waits_a_moment_and_voids_the_one_before(visitor: Visitors) -> None:
    who = visitor()
    who.sign_up()
    first = who.mailed_token()
    soon = who.ask("resend", expect=429)
    assert soon["code"] == "sign_up_mailed_just_now"
    SignUp.objects.update(token_sent_at="2026-01-01T00:00:00Z")
    assert who.ask("resend", expect=202)["status"] == "unverified"
    assert who.ask("verify", {"token": first}, expect=400)["code"] == "verification_not_valid"
    assert who.verify()["status"] == "verified"
    assert who.ask("resend", expect=409)["code"] == "sign_up_verified"


def test_a_repeated_request_with_its_key_is_one_sign_up(visitor: Visitors) -> None:
    visitor()
    caller = Caller(PLATFORM_HOST)
    headers = {"Idempotency-Key": "a-key-of-my-own"}
    first = caller.post("/api/v1/sign-ups", WISH, headers=headers).json()
    again = caller.post("/api/v1/sign-ups", WISH, headers=headers).json()
    assert (again["id"], again["secret"]) == (first["id"], first["secret"])
    assert OutboxMessage.objects.count() == SignUp.objects.count() == 1
    # Another wish, or another key, is somebody else's.
    for body, key in (({**WISH, "seats": 11}, "a-key-of-my-own"), (WISH, "another-key")):
        refused = caller.post("/api/v1/sign-ups", body, headers={"Idempotency-Key": key})
        assert refused.json()["code"] == "name_not_available"
    assert caller.post("/api/v1/sign-ups", WISH, headers={"Idempotency-Key": "short"}).status_code == 400


def test_where_sign_up_is_closed_or_nothing_is_sold_it_is_refused(visitor: Visitors) -> None:
    who = visitor()
    with override_settings(SIGN_UP_OPEN=False):
        assert who.sign_up(403)["code"] == "sign_up_closed"
    with override_settings(STRIPE_API_KEY=""):
        assert who.sign_up(409)["code"] == "payments_not_set_up"


def test_organizations_hosts_know_no_sign_ups(visitor: Visitors, acme: Organization) -> None:
    visitor()
    assert Caller("acme.palaestra.test").post("/api/v1/sign-ups", WISH).status_code == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Bitte bestätigen Sie"),
        ("en", "Please confirm it to go on"),
        ("fr", "Please confirm it to go on"),
    ],
)
def test_the_mail_is_in_the_owners_language(visitor: Visitors, language: str, words: str) -> None:
    who = visitor()
    who.sign_up(language=language)
    message = OutboxMessage.objects.get()
    outgoing = Outgoing(message.id, message.topic, message.payload, message.created_at, 1, None, None)
    mail = render_mail(outgoing)
    assert words in mail.text
    assert f"http://{PLATFORM_HOST}/sign-up?id={who.id}&token=" in mail.text.replace("https", "http")
    assert mail.html is not None
