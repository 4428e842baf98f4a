"""Paid sign-ups become organizations: told by the gateway, once, whatever is killed, late or doubled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing.enums import Interval
from billing.errors import CheckoutPaid, GatewayUnavailable
from billing.models import BillingAccount, Subscription
from billing.services.customers import sign_up_purchases
from billing.services.customers.checkouts import start_checkout
from billing.services.customers.portal import open_portal
from billing.services.gateway import following
from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.onboarding.errors import SignUpNeedsNoHelp
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.services import sign_up_provisioning
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.sign_up_provisioning import follow_sign_up
from shared_apps.onboarding.services.sign_up_rescues import finish_sign_up, refund_sign_up
from shared_apps.onboarding.services.sign_up_sweeping import sweep_sign_ups
from shared_apps.onboarding.types import NewOrganization
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from tenants.context import in_public
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import NameNotAvailable
from tenants.models import Organization, TenantSchema
from tests.billing.conftest import deliver_all
from tests.fakes.stripe import Fault
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.seed import make_member
from tests.support.sign_ups import Visitor, Visitors

SYSTEM = system_actor("test")


class Killed(BaseException):
    """Stands for the end of the process."""


def at_the_page(who: Visitor, **wish: Any) -> Visitor:
    who.sign_up(**wish)
    who.verify()
    who.open_page()
    return who


def follow(who: Visitor) -> Any:
    """Let the gateway's messages arrive, and the task that they send run."""
    deliver_all(who.server)
    return follow_sign_up(who.row().id)


def assert_one_of_each(who: Visitor, seats: int = 10) -> Organization:
    """There is one organization with one subscription, and one charge."""
    [organization] = Organization.objects.filter(owner_email=who.row().email)
    [subscription] = Subscription.objects.filter(organization=organization)
    assert (subscription.purchased, subscription.status) == (seats, "active")
    assert BillingAccount.objects.get(organization=organization).gateway_ref
    assert Invitation.objects.filter(organization=organization).count() == 1
    paid = [one for one in who.server.account.all("invoice") if one["amount_paid"]]
    assert [one["amount_paid"] for one in paid] == [1200 * seats]
    assert who.ask()["status"] == "ready"
    return organization


@pytest.mark.feature("PAY-11")
@pytest.mark.feature("BIL-01")
def test_the_gateways_word_makes_the_organization_and_the_browsers_return_does_not(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    # The browser comes back and says it paid; nothing was.
    assert who.ask()["status"] == "paying"
    follow(who)
    assert not Organization.objects.filter(slug="initech").exists()
    assert who.pay() == 200
    follow(who)
    organization = assert_one_of_each(who)
    assert (organization.slug, organization.state, organization.language) == ("initech", "active", "de")
    body = who.ask()
    assert (body["next_step"], body["host"]) == ("sign_in", "initech.palaestra.test")


def test_a_declined_card_makes_nothing_and_another_one_pays(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    assert who.pay("decline") == 402
    follow(who)
    assert who.ask()["next_step"] == "pay"
    who.pay()
    follow(who)
    assert_one_of_each(who)


@pytest.mark.feature("PAY-11")
def test_the_gateways_messages_bring_it_about_by_the_outbox(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    who.pay()
    deliver_all(who.server)
    [message] = OutboxMessage.objects.filter(topic="billing.checkout_paid")
    relay()
    assert_one_of_each(who)
    # Delivered again, as after a relay that died before it could write down that it had.
    OutboxMessage.objects.filter(id=message.id).update(delivered_at=None, available_at=clock.now())
    relay()
    assert_one_of_each(who)


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (sign_up_provisioning, "_make_organization"),
        (sign_up_provisioning, "do_provision"),
        (sign_up_provisioning, "adopt_purchase"),
        (sign_up_purchases, "do_adopt_customer"),
        (sign_up_purchases, "look_and_apply"),
        (following, "apply_in_turn"),
        (sign_up_provisioning, "_finish"),
    ],
)
def test_killed_between_any_two_steps_it_is_one_organization_and_one_charge(
    visitor: Visitors,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    place: str,
) -> None:
    who = at_the_page(visitor())
    who.pay()

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    deliver_all(who.server)
    with monkeypatch.context() as patch:
        patch.setattr(module, place, die)
        with pytest.raises(Killed):
            follow_sign_up(who.row().id)
    assert who.ask()["status"] == "provisioning"
    assert who.ask()["next_step"] == "wait"
    with clock.frozen_at(clock.now() + timedelta(minutes=2)):
        sweep_sign_ups()
    assert_one_of_each(who)
    assert follow(who) == "ready"
    assert_one_of_each(who)


@pytest.mark.feature("PAY-11")
def test_an_owner_who_is_faster_than_the_adoption_pays_once(
    visitor: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The organization is open and its owner is in; the worker that was to adopt the purchase is dead."""
    who = at_the_page(visitor())
    who.pay()

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    deliver_all(who.server)
    with monkeypatch.context() as patch:
        patch.setattr(sign_up_provisioning, "adopt_purchase", die)
        with pytest.raises(Killed):
            follow_sign_up(who.row().id)
    organization = Organization.objects.get(slug="initech")
    with pytest.raises(CheckoutPaid):
        start_checkout(
            actor=system_actor("test", organization.id),
            organization_id=organization.id,
            plan_code="team",
            interval=Interval.MONTH,
            currency="eur",
            seats=5,
        )
    open_portal(actor=system_actor("test", organization.id), organization_id=organization.id)
    assert len(who.server.account.all("customer")) == 1
    with clock.frozen_at(clock.now() + timedelta(minutes=2)):
        assert sweep_sign_ups() == 1
    assert_one_of_each(who)


def test_a_lost_task_is_made_up_for_by_the_sweep(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    who.pay()
    deliver_all(who.server)
    assert sweep_sign_ups() == 0
    with clock.frozen_at(clock.now() + timedelta(minutes=6)):
        assert sweep_sign_ups() == 1
    assert_one_of_each(who)


def test_a_gateway_that_is_away_delays_and_loses_nothing(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    who.pay()
    deliver_all(who.server)
    for _ in range(3):
        who.server.faults.order(Fault.ERROR_BEFORE, "get", "/v1/subscriptions/{subscription_exposed_id}")
    with clock.frozen_at(clock.now() + timedelta(minutes=6)):
        assert sweep_sign_ups() == 0
        assert who.ask()["status"] == "provisioning"
    with clock.frozen_at(clock.now() + timedelta(minutes=12)):
        assert sweep_sign_ups() == 1
    assert_one_of_each(who)


@pytest.mark.slow
def test_told_ten_times_at_once_it_is_one_organization(committed: None, visitor: Visitors) -> None:
    who = at_the_page(visitor())
    who.pay()
    deliver_all(who.server)
    sign_up_id = who.row().id

    def work(_: int) -> Any:
        try:
            with in_public():
                return follow_sign_up(sign_up_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(work, range(10))) == {"ready"}
    assert_one_of_each(who)


def test_with_an_empty_pool_the_schema_is_built(committed: None, visitor: Visitors) -> None:
    TenantSchema.objects.filter(state=SchemaState.READY).update(state=SchemaState.CLAIMED)
    who = at_the_page(visitor())
    who.pay()
    follow(who)
    assert assert_one_of_each(who).state == OrganizationState.ACTIVE


# --- Trials -----------------------------------------------------------------------------------------


@pytest.mark.feature("SUB-02")
@pytest.mark.parametrize("card_later", [True, False])
def test_a_trial_begins_with_a_card_or_without(visitor: Visitors, card_later: bool) -> None:
    who = at_the_page(visitor(), plan="try", card_later=card_later)
    session = who.server.account.all("checkout.session")[0]
    assert session["payment_method_collection"] == ("if_required" if card_later else "always")
    who.pay()
    follow(who)
    subscription = Subscription.objects.get(organization__slug="initech")
    assert (subscription.status, subscription.purchased) == ("trialing", 10)
    assert BillingAccount.objects.get().trial_used_at is not None
    assert not [one for one in who.server.account.all("invoice") if one["amount_paid"]]


@pytest.mark.feature("SUB-02")
def test_a_customers_second_trial_is_none(visitor: Visitors) -> None:
    first = at_the_page(visitor(), plan="try")
    first.pay()
    follow(first)
    SignUp.objects.all().delete()
    second = visitor()
    second.sign_up(plan="try", slug="second", name="Second")
    assert second.verify()["trial_days"] == 0


# --- Owners -----------------------------------------------------------------------------------------


def accept(organization: Organization, email: str, password: str) -> Any:
    mail = OutboxMessage.objects.filter(payload__to=email, payload__template="accounts/invitation").get()
    assert (mail.payload["language"], mail.payload["context"]["name"]) == ("de", "Bill Lumbergh")
    body = {
        "token": mail.payload["context"]["token"],
        "password": password,
        "first_name": "Bill",
        "last_name": "Lumbergh",
    }
    return Caller("initech.palaestra.test").post("/api/v1/invitations/accept", body)


@pytest.mark.feature("BIL-01")
def test_the_owner_chooses_a_password_by_the_mail_and_is_in(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    who.pay()
    follow(who)
    organization = Organization.objects.get(slug="initech")
    email, password = "bill@initech.example", "quiet-harbour-demo-42"
    answer = accept(organization, email, password)
    assert answer.status_code == 200, answer.content
    membership = Membership.objects.get(organization=organization)
    assert (membership.role, membership.user.email) == (Role.OWNER, email)
    credentials = {"email": email, "password": password}
    signed_in = Caller("initech.palaestra.test").post("/api/v1/auth/sign-in", credentials)
    assert signed_in.status_code == 200


def test_somebody_with_an_account_becomes_owner_without_another_one(
    visitor: Visitors, globex: Organization
) -> None:
    make_member(globex, email="bill@initech.example", role=Role.ADMIN)
    before = User.objects.count()
    who = at_the_page(visitor())
    who.pay()
    follow(who)
    organization = Organization.objects.get(slug="initech")
    assert accept(organization, "bill@initech.example", "quiet-harbour-demo-42").status_code == 200
    assert User.objects.count() == before
    roles = Membership.objects.filter(user__email="bill@initech.example").values_list(
        "organization__slug", "role"
    )
    assert set(roles) == {("globex", "admin"), ("initech", "owner")}


def test_two_companies_that_sign_up_are_apart(visitor: Visitors) -> None:
    first = at_the_page(visitor())
    second = at_the_page(visitor(), slug="umbrella", name="Umbrella", email="a@umbrella.example", seats=3)
    second.pay()
    follow(second)
    follow(first)
    assert (first.ask()["status"], second.ask()["status"]) == ("paying", "ready")
    assert first.ask(expect=404, secret=second.secret)["code"] == "not_found"
    [subscription] = Subscription.objects.filter(organization__slug="umbrella")
    assert subscription.purchased == 3


# --- Money that comes too late ------------------------------------------------------------------------


def pay_after_the_end(who: Visitor) -> None:
    """Let the sign-up expire here while its page was paid there: only a fault of ours can bring it about."""
    who.pay()
    SignUp.objects.filter(id=who.id).update(status="expired", held_name=None, held_skeleton=None)


@pytest.mark.feature("PAY-11")
def test_money_after_the_end_gets_its_name_where_it_is_free(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    pay_after_the_end(who)
    follow(who)
    assert assert_one_of_each(who).slug == "initech"


@pytest.mark.feature("PAY-11")
def test_money_for_a_name_that_is_gone_waits_for_an_operator(visitor: Visitors) -> None:
    who = at_the_page(visitor())
    pay_after_the_end(who)
    deliver_all(who.server)
    taken = NewOrganization(name="Initech", slug="initech", owner_email="other@initech.example")
    theirs = provision_organization(actor=SYSTEM, request=taken)
    for _ in range(2):
        follow(who)
    row = who.row()
    assert (row.status, row.problem) == ("needs_attention", "name_lost")
    assert who.ask()["next_step"] == "support"
    assert not Subscription.objects.filter(organization=theirs).exists()
    mails = OutboxMessage.objects.filter(payload__template="onboarding/sign_up_attention")
    assert [mail.payload["to"] for mail in mails] == ["bill@initech.example"]


def wait_for_an_operator(who: Visitor) -> Visitor:
    pay_after_the_end(who)
    taken = NewOrganization(name="Initech", slug="initech", owner_email="other@initech.example")
    provision_organization(actor=SYSTEM, request=taken)
    assert follow(who) == "needs_attention"
    return who


@pytest.mark.feature("PAY-11")
def test_an_operator_finishes_it_with_another_subdomain(visitor: Visitors) -> None:
    who = wait_for_an_operator(at_the_page(visitor()))
    with pytest.raises(NameNotAvailable):
        finish_sign_up(actor=SYSTEM, sign_up_id=who.row().id, slug="acme")
    finish_sign_up(actor=SYSTEM, sign_up_id=who.row().id, slug="initech-europe")
    relay()
    assert assert_one_of_each(who).slug == "initech-europe"
    with pytest.raises(SignUpNeedsNoHelp):
        finish_sign_up(actor=SYSTEM, sign_up_id=who.row().id, slug="initech-asia")


@pytest.mark.feature("PAY-11")
def test_an_operator_gives_the_money_back(visitor: Visitors) -> None:
    who = wait_for_an_operator(at_the_page(visitor()))
    # The gateway fails in the middle: nobody can finish it then, and a repeat pays back once.
    for _ in range(3):
        who.server.faults.order(Fault.ERROR_AFTER, "post", "/v1/refunds")
    with pytest.raises(GatewayUnavailable):
        refund_sign_up(actor=SYSTEM, sign_up_id=who.row().id)
    with pytest.raises(SignUpNeedsNoHelp):
        finish_sign_up(actor=SYSTEM, sign_up_id=who.row().id, slug="initech-europe")
    refund_sign_up(actor=SYSTEM, sign_up_id=who.row().id)
    assert [each["amount"] for each in who.server.account.all("refund")] == [12_000]
    assert [each["status"] for each in who.server.account.all("subscription")] == ["canceled"]
    assert who.ask()["status"] == "refunded"
    with pytest.raises(SignUpNeedsNoHelp):
        refund_sign_up(actor=SYSTEM, sign_up_id=who.row().id)


def test_the_console_shows_sign_ups_and_what_can_be_done(visitor: Visitors) -> None:
    who = wait_for_an_operator(at_the_page(visitor()))
    page = reverse("admin:onboarding_signup_change", args=(who.id,), urlconf="api.urls_public")
    listed = reverse("admin:onboarding_signup_changelist", urlconf="api.urls_public")
    browser = Client(headers={"host": PLATFORM_HOST})
    browser.force_login(User.objects.create_user("ops@palaestra.example", is_staff=True))
    assert b"initech" in browser.get(listed).content
    shown = browser.get(page).content.decode()
    assert "name_lost" in shown
    assert who.row().secret_hash.hex() not in shown
    finish = reverse("admin:onboarding_signup_finish", args=(who.id,), urlconf="api.urls_public")
    assert browser.post(finish, {"slug": "acme"}).status_code == 200
    assert who.row().status == "needs_attention"
    assert browser.post(finish, {"slug": "initech-europe"}).status_code == 302
    assert who.row().status == "provisioning"
