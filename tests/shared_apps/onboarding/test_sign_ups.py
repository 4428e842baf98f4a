"""Companies sign themselves up: names held, addresses verified, pages closed, names freed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from billing.models import Checkout
from shared_apps.accounts.models import User
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.onboarding.enums import SignUpStatus
from shared_apps.onboarding.errors import SignUpPaid
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.renaming import rename_organization
from shared_apps.onboarding.services.sign_up_checkouts import cancel_sign_up
from shared_apps.onboarding.services.sign_up_sweeping import prune_sign_ups, sweep_sign_ups
from shared_apps.onboarding.types import NewOrganization
from tenants.context import in_public
from tenants.errors import NameNotAvailable
from tenants.models import Organization
from tenants.names import skeleton
from tests.fakes.stripe import Fault
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.sign_ups import WISH, Visitors

SYSTEM = system_actor("test")


def later(**ahead: float) -> AbstractContextManager[None]:
    return clock.frozen_at(clock.now() + timedelta(**ahead))


@pytest.mark.feature("BIL-01")
def test_twenty_who_want_one_subdomain_at_once_get_it_once(committed: None, visitor: Visitors) -> None:
    visitor()

    def ask(number: int) -> tuple[int, str]:
        body = {**WISH, "name": f"Company {number}", "email": f"owner{number}@initech.example"}
        try:
            answer = Caller(PLATFORM_HOST).post("/api/v1/sign-ups", body)
            return answer.status_code, answer.json().get("code", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        said = Counter(threads.map(ask, range(20)))
    assert said == {(201, ""): 1, (400, "name_not_available"): 19}
    assert SignUp.objects.count() == 1


def test_a_name_that_is_held_is_refused_to_operators_and_renames(
    visitor: Visitors, acme: Organization
) -> None:
    visitor().sign_up()
    for slug in ("initech", "in1tech", "ini-tech"):
        request = NewOrganization(name="Initech", slug=slug, owner_email="x@initech.example")
        with pytest.raises(NameNotAvailable):
            provision_organization(actor=SYSTEM, request=request)
        with pytest.raises(NameNotAvailable):
            rename_organization(actor=SYSTEM, organization_id=acme.id, slug=slug)


def test_a_taken_reserved_or_malformed_subdomain_is_refused(visitor: Visitors, acme: Organization) -> None:
    for slug, code in (
        ("acme", "name_not_available"),
        ("acrne", "name_not_available"),
        ("billing", "name_not_available"),
        ("-x", "name_malformed"),
    ):
        assert visitor().sign_up(400, slug=slug)["code"] == code


def test_the_companys_name_is_held_whatever_its_case(visitor: Visitors) -> None:
    visitor().sign_up()
    refused = visitor().sign_up(409, slug="other", name="  INITECH  gmbh", email="o@other.example")
    assert refused["code"] == "company_name_held"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "Win at https://evil.example now"}, "company_name_malformed"),
        ({"name": "a"}, "company_name_malformed"),
        ({"email": "x@mailinator.com"}, "email_not_accepted"),
        ({"email": "x@sub.yopmail.com"}, "email_not_accepted"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
        ({"plan": "nothing"}, "price_not_offered"),
        ({"interval": "year"}, "price_not_offered"),
        ({"currency": "USD"}, "price_not_offered"),
        ({"seats": 501}, "seats_outside_plan"),
        ({"seats": 0}, "invalid_input"),
        ({"seats": -1}, "invalid_input"),
        ({"seats": 10**9}, "invalid_input"),
        ({"currency": "EURO"}, "invalid_input"),
        ({"name": "A\x00B"}, "invalid_input"),
    ],
)
def test_what_cannot_be_signed_up_is_refused_and_holds_nothing(
    visitor: Visitors,
    changes: dict[str, object],
    code: str,
) -> None:
    assert visitor().sign_up(400, **changes)["code"] == code
    assert not SignUp.objects.exists()


def test_a_known_address_hears_and_gets_what_an_unknown_one_does(visitor: Visitors) -> None:
    User.objects.create_user("known@initech.example")
    known, unknown = visitor(), visitor()
    first = known.sign_up(email="known@initech.example")
    second = unknown.sign_up(slug="other", name="Other", email="nobody@initech.example")
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"id", "secret", "name", "slug", "host", "email", "expires_at"}
    assert known.mailed_token().startswith("suv_")
    assert unknown.mailed_token().startswith("suv_")


def test_one_address_is_bounded(visitor: Visitors) -> None:
    for number in range(settings.RATE_LIMITS["login_account"]):
        visitor().sign_up(slug=f"many-{number}x", name=f"Many {number}")
    refused = visitor().sign_up(429, slug="one-more", name="One more")
    assert refused["code"] == "too_many_attempts"


@pytest.mark.feature("SUB-02")
def test_there_is_one_trial_for_each_address(visitor: Visitors) -> None:
    first, second, tagged = visitor(), visitor(), visitor()
    first.sign_up(plan="try")
    second.sign_up(plan="try", slug="again", name="Again")
    tagged.sign_up(plan="try", slug="third", name="Third", email="bill+more@initech.example")
    assert first.verify()["trial_days"] == 14
    # Shown before the first one began its trial, so told again before anything is paid.
    assert second.verify()["trial_days"] == 14
    first.open_page()
    assert second.ask("checkout", expect=409)["code"] == "sign_up_trial_used"
    assert second.ask()["trial_days"] == 0
    assert second.ask("checkout")["checkout_url"]
    assert Checkout.objects.get(sign_up_id=second.id).trial_days == 0
    assert tagged.verify()["trial_days"] == 0


def test_a_trial_that_nobody_began_is_no_trial(visitor: Visitors) -> None:
    first, second = visitor(), visitor()
    first.sign_up(plan="try")
    first.verify()
    first.open_page()
    with later(hours=80):
        sweep_sign_ups()
        assert first.row().status == SignUpStatus.EXPIRED
        second.sign_up(plan="try", slug="again", name="Again")
        assert second.verify()["trial_days"] == 14


# --- Ends -------------------------------------------------------------------------------------------


@pytest.mark.feature("BIL-01")
def test_an_abandoned_sign_up_expires_and_frees_its_names(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    with later(hours=23):
        sweep_sign_ups()
        assert first.ask()["status"] == "unverified"
        assert visitor().sign_up(400, email="o@other.example", name="Other")["code"] == "name_not_available"
    with later(hours=25):
        sweep_sign_ups()
        body = first.ask()
        assert (body["status"], body["next_step"], body["expires_at"]) == ("expired", "start_again", None)
        assert first.ask("checkout", expect=410)["code"] == "sign_up_over"
        assert first.ask("resend", expect=410)["code"] == "sign_up_over"
        assert first.verify(400)["code"] == "verification_not_valid"
        visitor().sign_up()


def test_the_page_of_an_expired_sign_up_cannot_be_paid(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    SignUp.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    sweep_sign_ups()
    assert first.row().status == SignUpStatus.EXPIRED
    assert first.pay() == 400
    assert not first.server.account.all("subscription")


def test_a_sign_up_keeps_its_names_while_the_gateway_is_away(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    SignUp.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    for _ in range(3):
        first.server.faults.order(Fault.ERROR_BEFORE, "post", "/v1/checkout/sessions/{session}/expire")
    sweep_sign_ups()
    assert first.row().held_skeleton is not None
    # Nobody gets another page meanwhile: it could be paid after the first was closed.
    assert first.ask("checkout", expect=409)["code"] == "sign_up_closing"
    sweep_sign_ups()
    assert first.row().status == SignUpStatus.EXPIRED


def test_a_page_that_was_paid_at_the_last_moment_goes_on(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    SignUp.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert first.pay() == 200
    sweep_sign_ups()
    assert first.ask()["status"] == "ready"
    assert Organization.objects.filter(slug="initech").count() == 1


def test_names_wait_while_a_bank_has_still_to_confirm(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    first.pay(card="bank")
    SignUp.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    sweep_sign_ups()
    assert (first.row().status, first.row().held_skeleton) == ("paying", skeleton("initech"))
    assert first.ask()["next_step"] == "wait"
    first.pay("async_ok")
    SignUp.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    sweep_sign_ups()
    assert first.ask()["status"] == "ready"


def test_an_operator_cancels_a_sign_up(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    cancel_sign_up(actor=SYSTEM, sign_up_id=first.row().id)
    assert first.ask()["status"] == "canceled"
    assert first.pay() == 400
    visitor().sign_up()


def test_a_paid_sign_up_is_not_canceled(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    first.verify()
    first.open_page()
    first.pay()
    with pytest.raises(SignUpPaid):
        cancel_sign_up(actor=SYSTEM, sign_up_id=first.row().id)
    assert first.ask()["status"] == "ready"


def test_what_came_to_nothing_is_forgotten_after_its_time(visitor: Visitors) -> None:
    first = visitor()
    first.sign_up()
    with later(hours=25):
        sweep_sign_ups()
        assert prune_sign_ups() == 0
    with later(days=32):
        visitor().sign_up()
        assert prune_sign_ups() == 1
    with in_public():
        assert SignUp.objects.exclude(id=first.id).count() == SignUp.objects.count() == 1
