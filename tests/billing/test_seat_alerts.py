"""Administrators hear in time that their seats run out, once each time."""

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import SeatAssignment, Subscription
from billing.services.seats.alerts import tell_seat_use
from billing.services.seats.bulk import assign_many, revoke_many
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import render_mail
from shared_apps.outbox.types import Outgoing
from tenants.models import Organization
from tests.support.subscriptions import make_subscription

Members = Callable[..., Membership]


def mails() -> list[tuple[str, str]]:
    rows = OutboxMessage.objects.filter(topic="mail.send").order_by("id")
    return [(row.payload["template"], row.payload["to"]) for row in rows]


def hold(organization: Organization, people: list[Membership], number: int) -> None:
    """Have so many seats in use."""
    actor = system_actor("test", organization.id)
    held = set(SeatAssignment.objects.exclude(state="revoked").values_list("membership_id", flat=True))
    wanted = [person.id for person in people[:number]]
    gone = sorted(held - set(wanted))
    if gone:
        revoke_many(actor=actor, organization_id=organization.id, membership_ids=gone)
    assign_many(actor=actor, organization_id=organization.id, membership_ids=wanted)


@pytest.mark.feature("SEA-03")
def test_each_crossing_upward_is_told_once_to_those_who_can_act(acme: Organization, member: Members) -> None:
    make_subscription(acme, 10)
    readers = {member(acme, role).user.email for role in (Role.ADMIN, Role.BILLING_ADMIN)}
    readers |= {"owner@acme.example"}
    member(acme, Role.MANAGER)
    member(acme, Role.ADMIN, status=MembershipStatus.SUSPENDED)
    people = [member(acme) for _ in range(10)]

    def told(number: int) -> list[str]:
        before = len(mails())
        hold(acme, people, number)
        tell_seat_use()
        assert tell_seat_use() == 0
        new = mails()[before:]
        assert {to for _, to in new} in (readers, set())
        return sorted({template for template, _ in new})

    assert told(7) == []
    assert told(8) == ["billing/seats_nearly_full"]
    assert told(9) == []
    assert told(10) == ["billing/seats_full"]
    assert told(9) == []
    assert told(10) == ["billing/seats_full"]
    assert told(2) == []
    assert Subscription.objects.get().told_percent == 0
    assert told(10) == ["billing/seats_full"]
    Subscription.objects.update(purchased=20)
    assert told(10) == []
    assert told(10) == []


@pytest.mark.feature("SEA-03")
@pytest.mark.parametrize(
    ("language", "number", "subject"),
    [
        ("en", 4, "4 of your 5 seats are taken"),
        ("de", 4, "4 von 5 Plätzen sind vergeben"),
        ("en", 5, "All 5 seats are taken"),
        ("de", 5, "Alle 5 Plätze sind vergeben"),
    ],
)
def test_the_mail_is_in_the_readers_language(
    language: str, number: int, subject: str, acme: Organization, member: Members
) -> None:
    make_subscription(acme, 5)
    User.objects.filter(email="owner@acme.example").update(language=language)
    hold(acme, [member(acme) for _ in range(5)], number)
    assert tell_seat_use() == 1
    row = OutboxMessage.objects.get()
    mail = render_mail(Outgoing(row.id, row.topic, row.payload, clock.now(), 1, acme.id, acme))
    assert mail.subject == subject
    assert f"{number}" in mail.text
    assert mail.html is not None


@pytest.mark.feature("SEA-03")
def test_the_job_is_woken_where_a_level_is_reached_and_only_there(
    acme: Organization,
    member: Members,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_subscription(acme, 10)
    people = [member(acme) for _ in range(10)]
    sent: list[str] = []
    monkeypatch.setattr(
        "shared_apps.core.jobs.current_app.send_task", lambda name, kwargs, **_: sent.append(name)
    )
    for number, woken in ((7, []), (8, ["billing.tell_seat_use"])):
        sent.clear()
        with django_capture_on_commit_callbacks(execute=True):
            hold(acme, people, number)
        assert sent == woken
