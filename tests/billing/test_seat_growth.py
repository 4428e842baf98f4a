"""Missing seats are bought when seats are assigned, exactly as many, and given once they are paid."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from billing.enums import ChangeState, Overuse
from billing.errors import ChangeUnderWay, ChangeUnpaid, SeatsExhausted
from billing.models import Plan, SeatAct, SeatAssignment, Subscription, SubscriptionChange
from billing.services.changes.making import make_change
from billing.services.seats.acts import undo_act
from billing.services.seats.bulk import BulkOutcome
from billing.services.seats.growth import assign_or_grow, give_grown_seats, on_newcomer, settle_growth
from billing.services.seats.seats import (
    assign_seats,
    claim_seat,
    do_activate_seat,
    do_seat_newcomer,
    revoke_seat,
)
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import render_mail
from shared_apps.outbox.types import Outgoing
from tenants.context import in_public
from tenants.models import Organization
from tests.billing.changing import CHANGE_ROUTE, bought, last_invoice, mirror
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault
from tests.support.actors import actor_as
from tests.support.client import Caller

Members = Callable[..., Membership]
SignIn = Callable[..., Caller]


@pytest.fixture
def grown(account: Account) -> Account:
    """Acme with two paid seats, on a plan that grows, up to ten seats."""
    bought(account, 2)
    Plan.objects.update(overuse=Overuse.GROW)
    set_growth(account, True, 10)
    return account


def set_growth(account: Account, growth: bool, most: int | None) -> None:
    organization = Organization.objects.get(id=account.organization.id)
    organization.settings = {"seat_growth": growth, "seat_growth_most": most, "seat_auto_assign": True}
    organization.save_fields("settings")


def assign(account: Account, people: list[Membership], *, dry_run: bool = False) -> BulkOutcome:
    return assign_or_grow(
        actor=account.actor,
        organization_id=account.organization.id,
        membership_ids=[person.id for person in people],
        reason="more",
        dry_run=dry_run,
    )


def holding() -> set[object]:
    rows = SeatAssignment.objects.exclude(state="revoked")
    assert Subscription.objects.get().used == rows.count()
    return set(rows.values_list("membership_id", flat=True))


def templates() -> list[str]:
    rows = OutboxMessage.objects.filter(topic="mail.send").order_by("id")
    return [row.payload["template"] for row in rows if row.payload["template"].startswith("billing/seats")]


@pytest.mark.feature("SEA-02")
def test_exactly_the_missing_seats_are_bought_at_the_price_that_was_shown(
    grown: Account, member: Members
) -> None:
    people = [member(grown.organization) for _ in range(5)]
    shown = assign(grown, people, dry_run=True)
    assert (shown.act, shown.changed, holding()) == (None, 5, set())
    assert shown.growth is not None
    assert (shown.growth.seats, shown.growth.change) == (3, None)
    done = assign(grown, people)
    assert (done.changed, done.free) == (5, 0)
    assert done.growth is not None
    assert last_invoice(grown)["total"] == shown.growth.total_minor == done.growth.total_minor > 0
    assert Subscription.objects.get().purchased == 5
    assert holding() == {person.id for person in people}
    act = SeatAct.objects.get()
    assert set(SeatAssignment.objects.values_list("given_in_id", flat=True)) == {act.id}
    # Nothing is done twice, and who has a seat costs none.
    change = SubscriptionChange.objects.get()
    assert (give_grown_seats(change.id), settle_growth()) == (None, 0)
    again = assign(grown, people)
    assert (again.changed, again.unchanged, again.growth) == (0, 5, None)
    event = AuditEvent.objects.get(action="seats.grow")
    assert event.changes == {"seats": 5, "reason": "more"}


@pytest.mark.feature("SEA-02")
@pytest.mark.parametrize("because", ["plan", "setting", "most", "plan's most", "granted"])
def test_without_leave_to_grow_nothing_is_bought_and_nobody_gets_a_seat(
    because: str, grown: Account, member: Members
) -> None:
    if because == "plan":
        Plan.objects.update(overuse=Overuse.BLOCK)
    elif because == "setting":
        set_growth(grown, False, 10)
    elif because == "most":
        set_growth(grown, True, 4)
    elif because == "plan's most":
        Plan.objects.update(max_seats=4)
    else:
        Subscription.objects.update(gateway_ref=None)
    people = [member(grown.organization) for _ in range(5)]
    for dry_run in (True, False):
        with pytest.raises(SeatsExhausted) as refused:
            assign(grown, people, dry_run=dry_run)
        assert refused.value.facts == {"seats_free": 2, "seats_needed": 5}
    assert (holding(), SubscriptionChange.objects.count()) == (set(), 0)
    assert assign(grown, people[:2]).changed == 2


@pytest.mark.feature("SEA-02")
def test_a_declined_card_gives_nobody_a_seat_tells_once_and_payment_later_gives_them(
    grown: Account, member: Members
) -> None:
    people = [member(grown.organization) for _ in range(3)]
    grown.card("decline")
    with pytest.raises(ChangeUnpaid) as refused:
        assign(grown, people)
    assert refused.value.facts["invoice_url"]
    assert (holding(), Subscription.objects.get().purchased) == (set(), 2)
    settle_growth()
    settle_growth()
    assert templates() == ["billing/seats_not_bought"]
    with pytest.raises(ChangeUnderWay):
        assign(grown, people)
    grown.card("ok")
    grown.gateway.pay_invoice(SubscriptionChange.objects.get().facts["invoice_ref"], idempotency_key="k")
    mirror(grown, Subscription.objects.get())
    assert SubscriptionChange.objects.get().state == ChangeState.CONFIRMED
    assert settle_growth() == 1
    assert holding() == {person.id for person in people}
    assert (settle_growth(), SeatAct.objects.count()) == (0, 1)


@pytest.mark.feature("SEA-02")
def test_a_gateway_that_does_not_answer_is_followed_by_jobs_to_one_purchase_and_one_gift(
    grown: Account, member: Members
) -> None:
    people = [member(grown.organization) for _ in range(3)]
    grown.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    waiting = assign(grown, people)
    assert waiting.growth is not None
    assert waiting.growth.change is not None
    assert (waiting.act, waiting.changed, waiting.growth.change.state) == (None, 0, ChangeState.REQUESTED)
    assert (settle_growth(), holding()) == (0, set())
    invoices = len(grown.server.account.all("invoice"))
    assert make_change(waiting.growth.change.id) == ChangeState.CONFIRMED
    assert [settle_growth(), settle_growth()] == [1, 0]
    assert holding() == {person.id for person in people}
    assert len(grown.server.account.all("invoice")) == invoices + 1


def test_a_seat_that_somebody_took_meanwhile_stays_theirs(grown: Account, member: Members) -> None:
    people, quick = [member(grown.organization) for _ in range(3)], member(grown.organization)
    grown.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    waiting = assign(grown, people)
    claim_seat(actor=actor_as(quick), organization_id=grown.organization.id)
    assert waiting.growth is not None
    assert waiting.growth.change is not None
    make_change(waiting.growth.change.id)
    settle_growth()
    assert holding() == {quick.id, people[0].id, people[1].id}
    assert SubscriptionChange.objects.get().facts["left_out"] == [str(people[2].id)]


@pytest.mark.feature("SEA-04")
def test_a_newcomers_missing_seat_is_bought_after_they_joined(grown: Account, member: Members) -> None:
    organization = grown.organization
    assign(grown, [member(organization), member(organization)])
    newcomer = member(organization)
    do_activate_seat(organization_id=organization.id, membership_id=newcomer.id)
    assert do_seat_newcomer(organization_id=organization.id, membership_id=newcomer.id) is False
    row = OutboxMessage.objects.get(topic="seats.grow")
    message = Outgoing(row.id, row.topic, row.payload, clock.now(), 1, organization.id, organization)
    on_newcomer(message)
    on_newcomer(message)
    assert newcomer.id in holding()
    assert Subscription.objects.get().purchased == 3
    # At the most that the organization allows, joining goes on without a seat.
    set_growth(grown, True, 3)
    late = member(organization)
    assert do_seat_newcomer(organization_id=organization.id, membership_id=late.id) is False
    assert OutboxMessage.objects.filter(topic="seats.grow").count() == 1


@pytest.mark.parametrize("decided", ["taken by hand", "switched off"])
def test_nothing_is_bought_for_a_newcomer_once_somebody_decided_otherwise(
    grown: Account, member: Members, decided: str
) -> None:
    """The gateway was away for hours, and the message comes again."""
    organization = grown.organization
    held = assign(grown, [member(organization), member(organization)]).act
    newcomer = member(organization)
    assert do_seat_newcomer(organization_id=organization.id, membership_id=newcomer.id) is False
    row = OutboxMessage.objects.get(topic="seats.grow")
    message = Outgoing(row.id, row.topic, row.payload, clock.now(), 1, organization.id, organization)
    if decided == "switched off":
        organization.refresh_from_db()
        organization.settings = {**organization.settings, "seat_auto_assign": False}
        organization.save_fields("settings")
    else:
        assert held is not None
        undo_act(actor=grown.actor, organization_id=organization.id, act_id=held.id)
        [seat] = assign_seats(
            actor=grown.actor, organization_id=organization.id, membership_ids=[newcomer.id]
        )
        revoke_seat(actor=grown.actor, organization_id=organization.id, seat_id=seat.id)
    on_newcomer(message)
    assert newcomer.id not in holding()
    assert Subscription.objects.get().purchased == 2


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_mail_says_how_to_go_on(language: str, grown: Account, member: Members) -> None:
    grown.card("decline")
    with pytest.raises(ChangeUnpaid):
        assign(grown, [member(grown.organization) for _ in range(3)])
    row = OutboxMessage.objects.get(payload__template="billing/seats_not_bought")
    row.payload["language"] = language
    organization = grown.organization
    mail = render_mail(
        Outgoing(row.id, row.topic, row.payload, clock.now(), 1, organization.id, organization)
    )
    said = {"en": "1 seat could not be bought", "de": "1 Platz konnte nicht gekauft werden"}
    assert mail.subject == said[language]
    assert SubscriptionChange.objects.get().facts["invoice_url"] in mail.text


@pytest.mark.feature("SEA-02")
def test_over_http_the_price_is_shown_the_seats_bought_and_a_wait_is_202(
    grown: Account, sign_in: SignIn, member: Members, django_capture_on_commit_callbacks: Any
) -> None:
    organization = grown.organization
    admin = sign_in(organization, Role.BILLING_ADMIN)
    ids = [str(member(organization).id) for _ in range(6)]
    shown = admin.post("/api/v1/seats/bulk-assign", {"member_ids": ids[:3], "dry_run": True})
    assert shown.status_code == 200, shown.content
    growth = shown.json()["growth"]
    assert (growth["seats"], growth["change_id"], growth["state"]) == (1, None, None)
    done = admin.post("/api/v1/seats/bulk-assign", {"member_ids": ids[:3]})
    assert (done.status_code, done.json()["changed"]) == (200, 3)
    assert done.json()["growth"]["due"] == growth["due"]
    assert growth["due"]["currency"] == "EUR"
    assert growth["due"]["amount_minor"] > 0
    more = admin.post("/api/v1/seats/assign", {"member_ids": ids[3:4]})
    assert [seat["member_id"] for seat in more.json()["results"]] == ids[3:4]
    grown.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    waiting = admin.post("/api/v1/seats/assign", {"member_ids": ids[4:5]})
    assert (waiting.status_code, waiting.json()["growth"]["state"]) == (202, "requested")
    busy = admin.post("/api/v1/seats/bulk-assign", {"member_ids": ids[5:]})
    assert (busy.status_code, busy.json()["code"]) == (409, "change_under_way")
    make_change(SubscriptionChange.objects.get(state="requested").id)
    settle_growth()
    grown.card("decline")
    declined = admin.post("/api/v1/seats/bulk-assign", {"member_ids": ids[5:]})
    assert (declined.status_code, declined.json()["code"]) == (402, "change_unpaid")
    assert {str(found) for found in holding()} == set(ids[:5])


@pytest.mark.feature("SEA-02")
def test_a_purchase_that_many_settle_at_once_gives_each_seat_once(
    committed: None,
    acme: Organization,
    account_of: Callable[[Organization], Account],
    member: Members,
) -> None:
    account = account_of(acme)
    bought(account, 2)
    Plan.objects.update(overuse=Overuse.GROW)
    set_growth(account, True, 10)
    people = [member(acme) for _ in range(4)]
    account.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    waiting = assign(account, people)
    assert waiting.growth is not None
    assert waiting.growth.change is not None
    change_id = waiting.growth.change.id

    def settle(_number: int) -> int:
        try:
            with in_public():
                make_change(change_id)
                found = give_grown_seats(change_id)
                return 0 if found is None else found.changed
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        given = list(threads.map(settle, range(6)))
    assert sorted(given) == [0, 0, 0, 0, 0, 4]
    assert holding() == {person.id for person in people}
    assert (Subscription.objects.get().purchased, SeatAct.objects.count()) == (4, 1)
