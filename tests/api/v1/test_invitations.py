"""Invitations over HTTP: a mailed link that works once, for its address, and takes no account over."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from billing.models import Plan, SeatAssignment, Subscription
from billing.services.seats.seats import do_assign_seats
from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.accounts.services.invitations import do_invite_owner
from shared_apps.accounts.tokens import hash_secret
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.conftest import MemberMaker
from tests.support.client import Caller, caller_as
from tests.support.measures import run_together
from tests.support.seed import make_member

SignIns = Callable[..., Caller]
Anonymous = Callable[[Organization], Caller]
PASSWORD = "correct-horse-battery"
PATH = "/api/v1/invitations"


def _token(email: str) -> str:
    """Return the token of the newest invitation mail to the address."""
    with in_public():
        mail = OutboxMessage.objects.filter(topic="mail.send", payload__to=email).order_by("-id")[0]
    token: str = mail.payload["context"]["token"]
    return token


def _invite(admin: Caller, email: str, **more: Any) -> dict[str, Any]:
    answer = admin.post(PATH, {"email": email, **more})
    assert answer.status_code == 201, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def _accept(caller: Caller, token: str, **more: Any) -> tuple[int, str | None]:
    answer = caller.post(f"{PATH}/accept", {"token": token, "password": PASSWORD, **more})
    return answer.status_code, answer.json().get("code")


@pytest.mark.feature("TEN-03")
@pytest.mark.feature("NTF-02")
def test_somebody_new_is_invited_by_mail_and_joins(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    made = _invite(admin, " Ann@ACME.example", role="instructor", first_name="Ann", last_name="Li")
    assert (made["email"], made["role"], made["state"]) == ("ann@acme.example", "instructor", "open")
    listed = admin.get("/api/v1/members?status=invited").json()["results"]
    assert [(row["email"], row["last_name"], row["role"]) for row in listed] == [
        ("ann@acme.example", "Li", "instructor")
    ]
    mail = OutboxMessage.objects.get(payload__to="ann@acme.example")
    token = _token("ann@acme.example")
    link = f"http://{host_of('acme')}/accept-invitation?token={token}"
    assert mail.payload["context"]["link"] == link
    assert (mail.payload["secret"], mail.organization_id) == (True, acme.id)
    assert bytes(Invitation.objects.get().token_hash) == hash_secret(token)

    guest = anonymous(acme)
    assert guest.post(f"{PATH}/preview", {"token": token}).json() == {
        "organization": "Acme",
        "email": "ann@acme.example",
        "role": "instructor",
        "has_account": False,
        "needs_name": False,
    }
    answer = guest.post(f"{PATH}/accept", {"token": token, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json() == {
        "member_id": made["member_id"],
        "email": "ann@acme.example",
        "display_name": "Ann Li",
    }
    membership = Membership.objects.get(pk=made["member_id"])
    assert (membership.status, membership.role) == ("active", "instructor")
    assert membership.joined_at is not None
    user = User.objects.get(email="ann@acme.example")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert caller_as(membership, acme).get("/api/v1/profile").status_code == 200
    event = AuditEvent.objects.get(action="invitations.accept")
    assert (event.actor_label, event.organization_id) == ("ann@acme.example", acme.id)


def test_passwords_tried_with_a_link_are_counted_and_noted_by_address(
    acme: Organization, globex: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    _invite(sign_in(acme, Role.ADMIN), "ann@acme.example", first_name="Ann")
    _invite(sign_in(acme, Role.ADMIN), "ben@acme.example", first_name="Ben")
    with override_settings(RATE_LIMITS={**settings.RATE_LIMITS, "login_address": 1}):
        assert _accept(anonymous(acme), _token("ann@acme.example"), password="short")[0] == 400
        assert _accept(anonymous(acme), _token("ben@acme.example"))[1] == "too_many_attempts"
    assert _accept(anonymous(acme), _token("ben@acme.example")) == (200, None)
    assert AuditEvent.objects.get(action="invitations.accept").address == "127.0.0.1"


def test_a_link_works_once(acme: Organization, sign_in: SignIns, anonymous: Anonymous) -> None:
    _invite(sign_in(acme, Role.ADMIN), "ann@acme.example", first_name="Ann")
    token = _token("ann@acme.example")
    assert _accept(anonymous(acme), token) == (200, None)
    assert _accept(anonymous(acme), token) == (410, "invitation_not_valid")
    assert anonymous(acme).post(f"{PATH}/preview", {"token": token}).status_code == 410


@pytest.mark.feature("TEN-01")
def test_a_link_works_at_its_organization_only(
    acme: Organization, globex: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    made = _invite(sign_in(acme, Role.ADMIN), "ann@acme.example", first_name="Ann")
    assert _accept(anonymous(globex), _token("ann@acme.example")) == (410, "invitation_not_valid")
    stranger = sign_in(globex, Role.ADMIN)
    assert stranger.get(PATH).json()["results"] == []
    for answer in (
        stranger.get(f"{PATH}/{made['id']}"),
        stranger.post(f"{PATH}/{made['id']}/resend"),
        stranger.delete(f"{PATH}/{made['id']}"),
    ):
        assert answer.status_code == 404
    assert Invitation.objects.get().revoked_at is None


def test_a_link_ends_with_its_time(acme: Organization, sign_in: SignIns, anonymous: Anonymous) -> None:
    admin = sign_in(acme, Role.ADMIN)
    made = _invite(admin, "ann@acme.example", first_name="Ann")
    old = _token("ann@acme.example")
    Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert _accept(anonymous(acme), old) == (410, "invitation_not_valid")
    assert admin.get(f"{PATH}?state=expired").json()["results"][0]["state"] == "expired"
    again = admin.post(f"{PATH}/{made['id']}/resend")
    assert again.status_code == 201
    assert again["Location"] == f"/api/v1/invitations/{again.json()['id']}"
    assert _accept(anonymous(acme), old) == (410, "invitation_not_valid")
    assert _accept(anonymous(acme), _token("ann@acme.example")) == (200, None)
    assert admin.post(f"{PATH}/{again.json()['id']}/resend").json()["code"] == "invitation_not_valid"


def test_a_second_invitation_replaces_the_first(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    _invite(admin, "ann@acme.example", first_name="Ann")
    first = _token("ann@acme.example")
    _invite(admin, "ANN@acme.example", role="manager", first_name="Ann")
    assert _accept(anonymous(acme), first) == (410, "invitation_not_valid")
    assert _accept(anonymous(acme), _token("ann@acme.example")) == (200, None)
    assert Membership.objects.get(user__email="ann@acme.example").role == "manager"
    answer = admin.post(PATH, {"email": "ann@acme.example"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


def test_an_account_is_not_taken_over_by_inviting_it(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    victim = User.objects.create_user("ann@people.example", "the-old-password", name="Ann")
    EmailAddress.objects.create(user=victim, email=victim.email, verified=True, primary=True)
    _invite(sign_in(acme, Role.ADMIN), victim.email)
    token = _token(victim.email)
    guest = anonymous(acme)
    assert guest.post(f"{PATH}/preview", {"token": token}).json()["has_account"] is True
    assert _accept(guest, token) == (400, "wrong_password")
    victim.refresh_from_db()
    assert victim.check_password("the-old-password")
    assert Membership.objects.get(user=victim).status == "invited"
    assert _accept(guest, token, password="the-old-password") == (200, None)
    victim.refresh_from_db()
    assert (victim.sign_in_epoch, victim.check_password("the-old-password")) == (0, True)


def test_an_account_whose_address_nobody_proved_goes_to_who_reads_its_mail(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    squatter = User.objects.create_user("ann@people.example", "the-squatters-password")
    _invite(sign_in(acme, Role.ADMIN), squatter.email, first_name="Ann")
    assert _accept(anonymous(acme), _token(squatter.email)) == (200, None)
    squatter.refresh_from_db()
    assert squatter.check_password(PASSWORD)
    assert squatter.sign_in_epoch == 1


def test_passwords_cannot_be_tried_without_end(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    victim = User.objects.create_user("ann@people.example", "the-old-password", name="Ann")
    EmailAddress.objects.create(user=victim, email=victim.email, verified=True, primary=True)
    _invite(sign_in(acme, Role.ADMIN), victim.email)
    token = _token(victim.email)
    answers = [_accept(anonymous(acme), token)[0] for _ in range(11)]
    assert answers == [400] * 10 + [429]


def test_what_is_missing_or_weak_is_named(acme: Organization, sign_in: SignIns, anonymous: Anonymous) -> None:
    _invite(sign_in(acme, Role.ADMIN), "ann@acme.example")
    token = _token("ann@acme.example")
    guest = anonymous(acme)
    assert guest.post(f"{PATH}/preview", {"token": token}).json()["needs_name"] is True
    assert _accept(guest, token) == (400, "name_missing")
    assert _accept(guest, token, first_name="Ann", password="12345") == (400, "password_not_accepted")
    assert _accept(guest, "inv_unknown", first_name="Ann") == (410, "invitation_not_valid")
    assert _accept(guest, "x\x00y", first_name="Ann") == (400, "invalid_input")
    assert _accept(guest, token, first_name="Ann", last_name="Li") == (200, None)
    with in_organization(acme):
        assert Member.objects.get(email="ann@acme.example").display_name == "Ann Li"
    assert User.objects.get(email="ann@acme.example").name == "Ann Li"


@pytest.mark.feature("IDN-08")
def test_who_may_invite_whom(acme: Organization, sign_in: SignIns, anonymous: Anonymous) -> None:
    for role in (Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER, Role.BILLING_ADMIN):
        assert sign_in(acme, role).post(PATH, {"email": "x@acme.example"}).status_code == 403
    assert anonymous(acme).post(PATH, {"email": "x@acme.example"}).status_code == 401
    admin = sign_in(acme, Role.ADMIN)
    answer = admin.post(PATH, {"email": "x@acme.example", "role": "admin"})
    assert answer.json()["facts"] == {"needed": "members.manage_admins"}
    assert User.objects.filter(email="x@acme.example").count() == 0
    _invite(sign_in(acme, Role.OWNER), "x@acme.example", role="admin")
    assert admin.post(PATH, {"email": "not an address"}).json()["errors"][0]["field"] == "email"


def test_revoking_kills_the_link_and_frees_the_seat(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    made = _invite(admin, "ann@acme.example", first_name="Ann")
    plan = Plan.objects.create(code="team", name="Team")
    Subscription.objects.create(organization=acme, plan=plan, purchased=5, starts_at=clock.now())
    with transaction.atomic():
        do_assign_seats(
            actor=system_actor("test"), organization_id=acme.id, membership_ids=[uuid.UUID(made["member_id"])]
        )
    assert admin.delete(f"{PATH}/{made['id']}").status_code == 204
    assert admin.delete(f"{PATH}/{made['id']}").status_code == 204
    assert _accept(anonymous(acme), _token("ann@acme.example")) == (410, "invitation_not_valid")
    assert Membership.objects.get(pk=made["member_id"]).status == "removed"
    assert Subscription.objects.get().free == 5


def test_a_removed_member_comes_back_as_the_same_member(
    acme: Organization, member: MemberMaker, sign_in: SignIns, anonymous: Anonymous
) -> None:
    someone = member(acme, email="ann@acme.example", first_name="Ann")
    admin = sign_in(acme, Role.ADMIN)
    admin.delete(f"/api/v1/members/{someone.id}")
    made = _invite(admin, "ann@acme.example", role="instructor")
    assert made["member_id"] == str(someone.id)
    assert _accept(anonymous(acme), _token("ann@acme.example")) == (200, None)
    someone.refresh_from_db()
    assert (someone.status, someone.role, someone.removed_at) == ("active", "instructor", None)


def test_an_invited_seat_becomes_active_on_joining(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    made = _invite(sign_in(acme, Role.ADMIN), "ann@acme.example", first_name="Ann")
    plan = Plan.objects.create(code="team", name="Team")
    Subscription.objects.create(organization=acme, plan=plan, purchased=5, starts_at=clock.now())
    with transaction.atomic():
        do_assign_seats(
            actor=system_actor("test"), organization_id=acme.id, membership_ids=[uuid.UUID(made["member_id"])]
        )
    assert SeatAssignment.objects.get().state == "invited"
    _accept(anonymous(acme), _token("ann@acme.example"))
    assert SeatAssignment.objects.get().state == "active"


def test_the_first_owner_is_invited_before_the_tenant_has_people(
    acme: Organization, anonymous: Anonymous
) -> None:
    with transaction.atomic():
        do_invite_owner(acme, email="Boss@acme.example", invited_by=system_actor("test"))
    token = _token("boss@acme.example")
    assert _accept(anonymous(acme), token, first_name="Bo", last_name="Ss") == (200, None)
    membership = Membership.objects.get(user__email="boss@acme.example")
    assert (membership.role, membership.status, membership.organization_id) == ("owner", "active", acme.id)
    with in_organization(acme):
        assert Member.objects.get(pk=membership.pk).display_name == "Bo Ss"
    assert _accept(anonymous(acme), token, first_name="Bo") == (410, "invitation_not_valid")


def test_who_joins_by_invitation_starts_with_the_organizations_time_zone_and_language(
    acme: Organization, sign_in: SignIns, anonymous: Anonymous
) -> None:
    Organization.objects.filter(pk=acme.pk).update(timezone="Europe/Berlin", language="de")
    acme.refresh_from_db()
    User.objects.create(email="known@acme.example", timezone="Asia/Tokyo", language="ja")
    with transaction.atomic():
        do_invite_owner(acme, email="boss@acme.example", invited_by=system_actor("test"))
    admin = sign_in(acme, Role.ADMIN)
    for email in ("ann@acme.example", "known@acme.example"):
        _invite(admin, email, first_name="Ann")

    for email in ("boss@acme.example", "ann@acme.example", "known@acme.example"):
        assert _accept(anonymous(acme), _token(email), first_name="Bo") == (200, None)

    found = User.objects.filter(email__in=["boss@acme.example", "ann@acme.example", "known@acme.example"])
    assert sorted(found.values_list("email", "timezone", "language")) == [
        ("ann@acme.example", "Europe/Berlin", "de"),
        ("boss@acme.example", "Europe/Berlin", "de"),
        ("known@acme.example", "Asia/Tokyo", "ja"),
    ]


def test_of_parallel_acceptances_one_works(committed: None, acme: Organization) -> None:
    admin = make_member(acme, email="admin@acme.example", role=Role.ADMIN)
    _invite(caller_as(admin.membership, acme), "ann@acme.example", first_name="Ann")
    token = _token("ann@acme.example")
    gate = threading.Barrier(6)
    answers: list[tuple[int, str | None]] = []

    def accept(number: int) -> None:
        try:
            gate.wait()
            password = f"{PASSWORD}-{number}"
            answers.append(_accept(Caller(host_of("acme")), token, password=password))
        finally:
            connection.close()

    run_together([partial(accept, number) for number in range(6)])
    refused = {(410, "invitation_not_valid"), (400, "wrong_password")}  # by when each one looked
    assert answers.count((200, None)) == 1
    assert {answer for answer in answers if answer[0] != 200} <= refused


def test_parallel_invitations_of_one_person_leave_one_open(committed: None, acme: Organization) -> None:
    admin = make_member(acme, email="admin@acme.example", role=Role.ADMIN)
    callers = [caller_as(admin.membership, acme) for _ in range(5)]
    gate = threading.Barrier(5)
    answers: list[int] = []

    def invite(caller: Caller) -> None:
        try:
            gate.wait()
            answers.append(caller.post(PATH, {"email": "ann@acme.example"}).status_code)
        finally:
            connection.close()

    run_together([partial(invite, caller) for caller in callers])
    assert set(answers) <= {201, 409}
    assert 201 in answers
    rows = Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)
    assert rows.count() == 1
    assert Membership.objects.filter(user__email="ann@acme.example").count() == 1


def test_lists_and_details_cost_the_same_for_any_number(
    acme: Organization, sign_in: SignIns, django_assert_max_num_queries: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    made = [_invite(admin, f"p{number}@acme.example") for number in range(6)]
    admin.get(PATH)
    with django_assert_max_num_queries(2):  # sign-in, page
        assert len(admin.get(PATH).json()["results"]) == 6
    with django_assert_max_num_queries(2):
        assert admin.get(f"{PATH}/{made[0]['id']}").json()["email"] == "p0@acme.example"
    with django_assert_max_num_queries(2):
        assert admin.get(f"/api/v1/members/{made[0]['member_id']}").json()["status"] == "invited"
