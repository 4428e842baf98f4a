"""Waiting lists: in order, exactly once, as soon as a place is free, and nobody lost on the way."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage

from billing.models import Plan, SeatAssignment, Subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from tenant_apps.runs.enums import OCCUPYING, EnrollmentState
from tenant_apps.runs.models import AccessGrant, Enrollment, WaitingPlace
from tenant_apps.runs.services.enrolling import enroll_member
from tenant_apps.runs.services.enrollment_states import withdraw_enrollment
from tenant_apps.runs.services.expiring import expire_enrollments
from tenant_apps.runs.services.joining import join_run
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel

Make = Callable[..., Membership]
Sign = Callable[..., Any]


def _full_run(acme: Organization, member: Make, **facts: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """Return a run whose one place is taken, and the enrollment that holds it."""
    run_id = make_run(acme, make_published_course(acme), **{"capacity": 1, "has_waiting_list": True} | facts)
    return run_id, make_enrollment(acme, run_id, member(acme).id)


def _queue(admin: Any, run_id: uuid.UUID, people: list[Membership]) -> None:
    for each in people:
        answer = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(each.id)})
        assert answer.status_code == 202


def _inside(acme: Organization, run_id: uuid.UUID) -> set[uuid.UUID]:
    with in_organization(acme):
        rows = Enrollment.objects.filter(run_id=run_id, state__in=OCCUPYING)
        return set(rows.values_list("member_id", flat=True))


def test_a_full_run_puts_people_on_its_list_in_order(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, _ = _full_run(acme, member)
    people, admin = [member(acme) for _ in range(4)], sign_in(acme, Role.ADMIN)

    first = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(people[0].id)})
    again = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(people[0].id)})
    body = {"member_ids": [str(people[2].id), str(people[1].id), str(people[0].id)]}
    many = admin.post(f"/api/v1/runs/{run_id}/enrollments/bulk", body).json()["results"]

    assert (first.status_code, first.json()) == (
        202,
        {"outcome": "waiting", "run_id": str(run_id), "member_id": str(people[0].id), "place": 1},
    )
    assert again.json() == first.json()
    assert [(row["outcome"], row["place"]) for row in many] == [
        ("waiting", 2),
        ("waiting", 3),
        ("waiting", 1),
    ]
    listed = admin.get(f"/api/v1/runs/{run_id}/waiting").json()
    assert [(row["place"], row["member_id"], row["passed_over"]) for row in listed] == [
        (1, str(people[0].id), None),
        (2, str(people[2].id), None),
        (3, str(people[1].id), None),
    ]
    assert admin.get(f"/api/v1/runs/{run_id}").json()["waiting_count"] == 3


def test_without_a_list_a_full_run_refuses(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, _ = _full_run(acme, member, has_waiting_list=False)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(member(acme).id)}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "run_full")


@pytest.mark.parametrize("way", ["withdraw", "remove", "capacity", "no limit", "expiry", "grant", "leave"])
def test_whatever_frees_a_place_lets_the_first_one_in(
    acme: Organization, member: Make, sign_in: Sign, way: str
) -> None:
    run_id, holding = _full_run(acme, member)
    first, second, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first, second])
    with in_organization(acme):
        holder = Enrollment.objects.get(pk=holding).member_id
        grant = AccessGrant.objects.get(enrollment_id=holding)

    match way:
        case "withdraw":
            admin.post(f"/api/v1/enrollments/{holding}/withdraw")
        case "remove":
            admin.delete(f"/api/v1/members/{holder}")
            with in_public():
                relay()
        case "capacity":
            admin.patch(f"/api/v1/runs/{run_id}", {"capacity": 2})
        case "no limit":
            admin.patch(f"/api/v1/runs/{run_id}", {"capacity": None})
        case "grant":
            admin.delete(f"/api/v1/enrollments/{holding}/grants/{grant.id}")
        case "leave":
            with in_organization(acme):
                AccessGrant.objects.filter(pk=grant.pk).update(source="self")
            sign_in(acme, Membership.objects.get(pk=holder)).post(f"/api/v1/runs/{run_id}/leave")
        case "expiry":
            past = clock.now() - timedelta(seconds=1)
            with in_organization(acme):
                Enrollment.objects.filter(pk=holding).update(expires_at=past)
                assert expire_enrollments() == 1

    inside = _inside(acme, run_id)
    if way == "no limit":
        assert {first.id, second.id} < inside
    else:
        assert first.id in inside
        assert second.id not in inside
        [row] = admin.get(f"/api/v1/runs/{run_id}/waiting").json()
        assert (row["member_id"], row["place"]) == (str(second.id), 1)
    assert AuditEvent.objects.filter(action="runs.promote", target_id=str(run_id)).count() == 1


def test_suspension_and_completion_free_no_place(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, holding = _full_run(acme, member)
    first, admin = member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first])

    admin.post(f"/api/v1/enrollments/{holding}/suspend")

    assert first.id not in _inside(acme, run_id)
    admin.post(f"/api/v1/enrollments/{holding}/reactivate")
    with in_organization(acme):
        Enrollment.objects.filter(pk=holding).update(state=EnrollmentState.COMPLETED)
        expire_enrollments()
    assert first.id not in _inside(acme, run_id)


def test_whoever_is_let_in_is_written_to_once(
    acme: Organization, member: Make, sign_in: Sign, mailoutbox: list[EmailMessage]
) -> None:
    run_id, holding = _full_run(acme, member)
    first, admin = member(acme, first_name="Ada"), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first])

    admin.post(f"/api/v1/enrollments/{holding}/withdraw")
    with in_organization(acme):
        expire_enrollments()
        expire_enrollments()
        enrollment = Enrollment.objects.get(run_id=run_id, member_id=first.id)

    [mail] = OutboxMessage.objects.filter(topic="mail.send", payload__template="runs/promoted")
    assert mail.payload["to"] == first.user.email
    assert mail.payload["context"]["link"].endswith(f"/my-courses/{enrollment.id}")
    with in_public():
        relay()
    [sent] = mailoutbox
    assert sent.to == [first.user.email]
    assert sent.subject == "A place in Security for new staff is yours"
    assert mail.payload["context"]["link"] in str(sent.body)
    assert enrollment.enrolled_by_id is not None
    assert enrollment.source == "admin"


def test_whoever_lost_the_seat_is_passed_over_and_keeps_the_place(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, holding = _full_run(acme, member)
    first, second, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first, second])
    plan = Plan.objects.create(code="team", name="Team")
    subscription = Subscription.objects.create(
        organization=acme, plan=plan, purchased=5, starts_at=clock.now()
    )
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=second)

    admin.post(f"/api/v1/enrollments/{holding}/withdraw")

    assert _inside(acme, run_id) == {second.id}
    [row] = admin.get(f"/api/v1/runs/{run_id}/waiting").json()
    assert (row["member_id"], row["place"], row["passed_over"]) == (str(first.id), 1, "seat_needed")
    # With a seat, and a place, their turn comes without anybody doing anything.
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=first)
    admin.patch(f"/api/v1/runs/{run_id}", {"capacity": 2})
    assert _inside(acme, run_id) == {first.id, second.id}


def test_a_seat_that_comes_later_is_found_by_the_timer(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, holding = _full_run(acme, member)
    first, admin = member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first])
    Membership.objects.filter(pk=first.pk).update(status=MembershipStatus.SUSPENDED)
    admin.post(f"/api/v1/enrollments/{holding}/withdraw")
    assert _inside(acme, run_id) == set()

    Membership.objects.filter(pk=first.pk).update(status=MembershipStatus.ACTIVE)
    with in_organization(acme):
        expire_enrollments()

    assert _inside(acme, run_id) == {first.id}


def test_whoever_left_the_organization_is_taken_off_the_list(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, holding = _full_run(acme, member)
    gone, second, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [gone, second])
    Membership.objects.filter(pk=gone.pk).update(status=MembershipStatus.REMOVED)

    admin.post(f"/api/v1/enrollments/{holding}/withdraw")

    assert _inside(acme, run_id) == {second.id}
    with in_organization(acme):
        assert WaitingPlace.objects.count() == 0
    [event] = AuditEvent.objects.filter(action="runs.promote")
    assert event.changes == {
        "promoted": [str(second.id)],
        "removed": {str(gone.id): "not_waiting_any_more"},
    }


def test_one_leaves_the_list_oneself_and_others_only_with_the_right(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, _ = _full_run(acme, member)
    first, second, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first, second])
    path = f"/api/v1/runs/{run_id}/waiting"

    assert sign_in(acme, first).delete(f"{path}/{second.id}").status_code == 403
    assert sign_in(acme, first).delete(f"{path}/{first.id}").status_code == 204
    assert sign_in(acme, first).delete(f"{path}/{first.id}").status_code == 404
    assert sign_in(acme, first).get(path).status_code == 403
    assert [row["member_id"] for row in admin.get(path).json()] == [str(second.id)]
    assert admin.delete(f"{path}/{second.id}").status_code == 204
    assert admin.delete(f"{path}/{second.id}").status_code == 204
    assert admin.get(path).json() == []


def test_closing_keeps_the_list_reopening_lets_in_and_cancelling_ends_it(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, holding = _full_run(acme, member)
    first, second, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    _queue(admin, run_id, [first, second])
    path = f"/api/v1/runs/{run_id}"

    admin.post(f"{path}/close")
    admin.post(f"/api/v1/enrollments/{holding}/withdraw")
    assert _inside(acme, run_id) == set()
    assert admin.post(f"{path}/reopen").json()["state"] == "open"
    assert _inside(acme, run_id) == {first.id}
    assert admin.post(f"{path}/cancel").json()["waiting_count"] == 0
    refused = admin.post(f"{path}/reopen")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_move_refused")


@pytest.mark.slow
def test_joins_and_withdrawals_at_once_lose_nobody_and_never_overfill(
    committed: None, acme: Organization, member: Make
) -> None:
    places, people = 5, 20
    run_id = make_run(
        acme,
        make_published_course(acme),
        capacity=places,
        has_waiting_list=True,
        is_open_to_members=True,
    )
    holders = [make_enrollment(acme, run_id, member(acme).id) for _ in range(places)]
    waiting, joining = [member(acme) for _ in range(people - places)], [member(acme) for _ in range(people)]
    actor = system_actor("race", acme.id)
    late = [
        make_enrollment(acme, run_id, member(acme).id, state=EnrollmentState.EXPIRED)
        for _ in range(people - places)
    ]
    with in_organization(acme):
        for each in waiting:
            enroll_member(actor=actor, run_id=run_id, member_id=each.id)

    def join(who: Membership) -> Callable[[], Any]:
        me = Actor(
            kind=ActorKind.MEMBER,
            user_id=who.user_id,
            membership_id=who.id,
            organization_id=acme.id,
            role=Role.LEARNER,
        )
        return lambda: join_run(actor=me, run_id=run_id).outcome

    def leave(enrollment_id: uuid.UUID) -> Callable[[], Any]:
        return lambda: withdraw_enrollment(actor=actor, enrollment_id=enrollment_id)

    results = in_parallel(acme, [leave(each) for each in [*holders, *late]] + [join(who) for who in joining])

    assert len(results) == 2 * people
    assert set(results) <= {None, "waiting", "enrolled"}
    with in_organization(acme):
        inside = _inside(acme, run_id)
        listed = list(WaitingPlace.objects.order_by("created_at", "id").values_list("member_id", flat=True))
        granted = AccessGrant.objects.filter(enrollment__run_id=run_id, enrollment__state="active").count()
    assert len(inside) == places == granted
    # Everybody is in or waits, nobody both, and those who had waited before went first, in their order.
    assert inside == {who.id for who in waiting[:places]}
    assert listed[: people - 2 * places] == [who.id for who in waiting[places:]]
    assert set(listed) | inside == {who.id for who in [*waiting, *joining]}
    assert len(listed) == len(waiting) + len(joining) - places
    assert OutboxMessage.objects.filter(payload__template="runs/promoted").count() == places
