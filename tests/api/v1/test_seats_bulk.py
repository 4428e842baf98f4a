"""Acts on many seats over HTTP: one call, a summary, an undo; and the history as a file."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import SeatAct, SeatAssignment, Subscription
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_public
from tenants.models import Organization
from tests.support.client import Caller
from tests.support.subscriptions import make_plan, make_subscription

SignIn = Callable[..., Caller]
Members = Callable[..., Membership]
ASSIGN, REVOKE, ACTS = "/api/v1/seats/bulk-assign", "/api/v1/seats/bulk-revoke", "/api/v1/seats/acts"


def ids(*people: Membership) -> list[str]:
    return [str(person.id) for person in people]


def done(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.feature("SEA-02")
def test_many_seats_are_given_taken_and_given_back(
    acme: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 5)
    admin = sign_in(acme, Role.BILLING_ADMIN)
    first, second, third = (member(acme) for _ in range(3))
    trial = done(admin.post(ASSIGN, {"member_ids": ids(first, second, third), "dry_run": True}))
    assert trial == {
        "act_id": None,
        "undo_until": None,
        "changed": 3,
        "unchanged": 0,
        "free": 2,
        "refused": [],
        "growth": None,
    }
    assert SeatAssignment.objects.count() == 0
    given = done(admin.post(ASSIGN, {"member_ids": ids(first, second, third), "reason": "onboarding"}))
    assert (given["changed"], given["free"]) == (3, 2)
    taken = done(admin.post(REVOKE, {"member_ids": ids(first, second), "reason": "by mistake"}))
    assert (taken["changed"], taken["free"]) == (2, 4)
    again = done(admin.post(REVOKE, {"member_ids": ids(first)}))
    assert (again["act_id"], again["changed"]) == (None, 0)
    assert again["refused"] == [
        {"member_id": str(first.id), "code": "seat_not_held", "facts": {"member": str(first.id)}}
    ]
    undone = done(admin.post(f"{ACTS}/{taken['act_id']}/undo"))
    assert (undone["changed"], undone["free"], undone["undo_until"] is not None) == (2, 2, True)
    twice = admin.post(f"{ACTS}/{taken['act_id']}/undo")
    assert (twice.status_code, twice.json()["code"]) == (409, "seat_act_undone")
    listed = admin.get(ACTS).json()["results"]
    assert [(act["kind"], act["seats"], act["reason"]) for act in listed] == [
        ("undo", 2, "by mistake"),
        ("revoke", 2, "by mistake"),
        ("assign", 3, "onboarding"),
    ]
    assert (listed[0]["undoes_id"], listed[1]["undone_at"] is not None) == (taken["act_id"], True)
    assert [act["id"] for act in admin.get(f"{ACTS}?kind=assign").json()["results"]] == [given["act_id"]]
    assert Subscription.objects.get().used == 3


def test_everyone_is_meant_by_a_word(acme: Organization, sign_in: SignIn, member: Members) -> None:
    make_subscription(acme, 9)
    admin = sign_in(acme, Role.ADMIN)
    for _ in range(3):
        member(acme)
    everyone = Membership.objects.filter(organization=acme).count()
    assert done(admin.post(ASSIGN, {"everyone_without_seat": True}))["changed"] == everyone
    assert done(admin.post(REVOKE, {"everyone_with_seat": True}))["changed"] == everyone


def test_too_many_are_refused_whole_and_strangers_named(
    acme: Organization, globex: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 1)
    admin = sign_in(acme, Role.ADMIN)
    refused = admin.post(ASSIGN, {"member_ids": ids(member(acme), member(acme))})
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_exhausted")
    assert refused.json()["facts"] == {"seats_free": 1, "seats_needed": 2}
    stranger = member(globex)
    foreign = admin.post(ASSIGN, {"member_ids": ids(stranger)})
    assert (foreign.status_code, foreign.json()["facts"]["members"]) == (404, ids(stranger))
    assert (SeatAssignment.objects.count(), SeatAct.objects.count()) == (0, 0)


@pytest.mark.parametrize("path", [ASSIGN, REVOKE])
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"member_ids": []},
        {"member_ids": ["x"]},
        {"member_ids": [str(uuid.uuid4())] * 5001},
        {"member_ids": [str(uuid.uuid4())], "reason": "x" * 201},
        {"member_ids": [str(uuid.uuid4())], "reason": "\x00"},
        {"member_ids": [str(uuid.uuid4())], "everyone_without_seat": True, "everyone_with_seat": True},
        {"everyone_without_seat": False, "everyone_with_seat": False},
    ],
)
def test_bodies_of_a_wrong_shape_change_nothing(
    path: str, body: object, acme: Organization, sign_in: SignIn
) -> None:
    make_subscription(acme, 1)
    assert sign_in(acme, Role.ADMIN).post(path, body).status_code == 400
    assert SeatAct.objects.count() == 0


def test_a_repeated_key_gives_the_same_answer_and_no_second_act(
    acme: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 5)
    admin, body = sign_in(acme, Role.ADMIN), {"member_ids": ids(member(acme), member(acme))}
    answers = [admin.post(ASSIGN, body, HTTP_IDEMPOTENCY_KEY="bulk-of-today-0001") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert SeatAct.objects.count() == 1


def test_others_may_look_or_not_and_foreign_acts_are_not_there(
    acme: Organization, globex: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 5)
    act = done(sign_in(acme, Role.ADMIN).post(ASSIGN, {"member_ids": ids(member(acme))}))["act_id"]
    manager, learner = sign_in(acme, Role.MANAGER), sign_in(acme, Role.LEARNER)
    assert manager.get(ACTS).status_code == 200
    assert learner.get(ACTS).status_code == learner.get("/api/v1/seats/history.csv").status_code == 403
    for low in (manager, learner):
        assert low.post(f"{ACTS}/{act}/undo").status_code == 403
        assert low.post(ASSIGN, {"everyone_without_seat": True}).status_code == 403
        assert low.post(REVOKE, {"everyone_with_seat": True}).status_code == 403
    stranger = sign_in(globex, Role.OWNER)
    assert stranger.post(f"{ACTS}/{act}/undo").status_code == 404
    assert stranger.get(ACTS).json()["results"] == []
    assert SeatAct.objects.get().undone_at is None


@pytest.mark.feature("SEA-03")
def test_the_history_is_a_file_that_runs_no_formula(
    acme: Organization, globex: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 5)
    make_subscription(globex, 5)
    sign_in(globex, Role.ADMIN).post(ASSIGN, {"member_ids": ids(member(globex))})
    admin = sign_in(acme, Role.ADMIN)
    first, second = member(acme, email="=cmd@acme.example"), member(acme)
    act = done(admin.post(ASSIGN, {"member_ids": ids(first, second)}))["act_id"]
    seat = SeatAssignment.objects.get(membership=second)
    admin.post(f"/api/v1/seats/{seat.id}/revoke", {"reason": '@SUM(1)*cmd|" \n,'})
    answer = admin.get("/api/v1/seats/history.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="seats-acme.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))
    assert [(row["email"], row["member_id"], row["given_in_id"]) for row in rows] == [
        ("'=cmd@acme.example", str(first.id), act),
        (second.user.email, str(second.id), act),
    ]
    assert (rows[0]["state"], rows[0]["revoked_at"], rows[0]["ending"]) == ("active", "", "")
    assert (rows[1]["state"], rows[1]["ending"]) == ("revoked", "moved")
    assert rows[1]["revoked_reason"] == "'@SUM(1)*cmd|\" \n,"
    seat.refresh_from_db()
    assert seat.revoked_at is not None
    assert rows[1]["revoked_at"] == f"{seat.revoked_at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.feature("SEA-03")
def test_a_long_history_comes_in_parts_and_whole(
    acme: Organization, sign_in: SignIn, member: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.v1.seats.history._ROWS_AT_ONCE", 2)
    make_subscription(acme, 5)
    admin, people = sign_in(acme, Role.ADMIN), [member(acme) for _ in range(5)]
    admin.post(ASSIGN, {"member_ids": ids(*people)})
    answer: Any = admin.get("/api/v1/seats/history.csv")
    parts = list(answer.streaming_content)
    assert len(parts) == 4
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode(), newline="")))
    assert [row["member_id"] for row in rows] == ids(*people)


@pytest.mark.feature("SEA-02", "P03")
def test_the_rules_are_shown_in_plain_words_before_somebody_moves_a_seat(
    acme: Organization, sign_in: SignIn, member: Members
) -> None:
    plan = make_plan("strict", cooling_hours=48, moves_percent=25)
    subscription = make_subscription(acme, 6, plan=plan)
    admin = sign_in(acme, Role.ADMIN)
    rules = done(admin.get("/api/v1/seats/rules"))
    renews = subscription.starts_at.replace(year=subscription.starts_at.year + 1)
    assert rules["moves"] == {
        "percent": 25,
        "allowed": 2,
        "used": 0,
        "left": 2,
        "renews_at": f"{renews:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    assert rules["words"] == [
        "Somebody who uses a seat keeps it for 2 days at least before it moves to somebody else.",
        "2 seats of those bought can move in a year of the subscription (25 %). 0 did, 2 still can."
        f" The count starts again on {renews:%Y-%m-%d}.",
        "A seat that an invited member has not used yet, and one whose member leaves the organization,"
        " is free at once and is no move.",
        "When more seats are assigned than are free, nothing is assigned.",
    ]
    seat = admin.post("/api/v1/seats/assign", {"member_ids": ids(member(acme))}).json()["results"][0]
    for act, body in (("revoke", {}), ("reassign", {"member_id": str(member(acme).id)})):
        refused = admin.post(f"/api/v1/seats/{seat['id']}/{act}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "seat_cooling")
        assert set(refused.json()["facts"]) == {"until", "cooling_hours"}
    plan.cooling_hours, plan.moves_percent = 0, 0
    plan.save_fields("cooling_hours", "moves_percent")
    for act, body in (("revoke", {}), ("reassign", {"member_id": str(member(acme).id)})):
        refused = admin.post(f"/api/v1/seats/{seat['id']}/{act}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "moves_exhausted")
        assert refused.json()["facts"]["allowance"] == refused.json()["facts"]["used"] == 0
    assert SeatAssignment.objects.get().state == "active"


def test_without_a_subscription_there_are_no_rules(acme: Organization, sign_in: SignIn) -> None:
    refused = sign_in(acme, Role.ADMIN).get("/api/v1/seats/rules")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_subscription")


@pytest.mark.feature("SEA-04")
def test_an_organization_says_how_its_seats_are_given(
    acme: Organization, globex: Organization, sign_in: SignIn
) -> None:
    path, admin = "/api/v1/seats/settings", sign_in(acme, Role.BILLING_ADMIN)
    usual = {"self_claim": True, "auto_assign": False, "growth": False, "growth_most": None}
    assert done(admin.get(path)) == usual
    assert done(admin.patch(path, {"auto_assign": True})) == {**usual, "auto_assign": True}
    unbounded = admin.patch(path, {"growth": True})
    assert (unbounded.status_code, unbounded.json()["code"]) == (400, "seat_growth_unbounded")
    for body in ({"growth_most": 0}, {"growth_most": 10**9}, {"growth": "perhaps"}):
        assert admin.patch(path, body).status_code == 400
    changed = done(admin.patch(path, {"growth": True, "growth_most": 20, "self_claim": False}))
    assert changed == {"self_claim": False, "auto_assign": True, "growth": True, "growth_most": 20}
    assert done(admin.get(path)) == changed
    assert sign_in(acme, Role.MANAGER).patch(path, {"auto_assign": False}).status_code == 403
    assert done(sign_in(globex, Role.ADMIN).get(path)) == usual
    refused = sign_in(acme, Role.LEARNER).post("/api/v1/seats/claim")
    assert (refused.status_code, refused.json()["code"]) == (403, "seat_self_claim_off")


@pytest.mark.feature("SEA-04")
def test_who_accepts_an_invitation_gets_a_seat_where_the_organization_wants_it(
    acme: Organization, sign_in: SignIn, anonymous: Callable[..., Caller]
) -> None:
    make_subscription(acme, 1)
    admin = sign_in(acme, Role.ADMIN)
    admin.patch("/api/v1/seats/settings", {"auto_assign": True})
    for address in ("ann@acme.example", "ben@acme.example"):
        admin.post("/api/v1/invitations", {"email": address, "first_name": "A", "last_name": "B"})
        answer = anonymous(acme).post(
            "/api/v1/invitations/accept",
            {"token": _mailed_token(address), "password": "correct-horse-battery"},
        )
        assert answer.status_code == 200, answer.content
    seat = SeatAssignment.objects.get()
    assert (seat.membership.user.email, seat.state) == ("ann@acme.example", "active")


def _mailed_token(address: str) -> str:
    with in_public():
        mail = OutboxMessage.objects.filter(topic="mail.send", payload__to=address).order_by("-id")[0]
    token: str = mail.payload["context"]["token"]
    return token
