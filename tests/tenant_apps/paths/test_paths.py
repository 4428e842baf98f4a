"""Paths: made and changed over the API, begun, followed to their end, paused."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.relaying import relay_until_empty
from tenant_apps.paths.models import PathEnrollment, StepRecord
from tenant_apps.people.models import Member
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.client import Caller, caller_as

Sign = Callable[..., Caller]


@pytest.fixture
def admin(acme: Organization, sign_in: Sign) -> Caller:
    return sign_in(acme, Role.ADMIN)


@pytest.fixture
def learner(acme: Organization, member: Callable[..., Membership]) -> Membership:
    return member(acme, Role.LEARNER)


@pytest.fixture
def ada(acme: Organization, learner: Membership) -> Caller:
    return caller_as(learner, acme)


def make_path(caller: Caller, steps: list[dict[str, Any]], **facts: Any) -> Any:
    made = caller.post("/api/v1/paths", {"slug": "first-year", "title": "First year", **facts})
    assert made.status_code == 201, made.content
    path = made.json()
    answer = caller.put(f"/api/v1/paths/{path['id']}/steps", {"steps": steps}, HTTP_IF_MATCH=made["ETag"])
    assert answer.status_code == 200, answer.content
    published = caller.post(f"/api/v1/paths/{path['id']}/publish")
    assert published.status_code == 200, published.content
    return published.json()


def put_on(caller: Caller, path: Any, who: Membership) -> str:
    answer = caller.post(f"/api/v1/paths/{path['id']}/enrollments", {"member_ids": [str(who.id)]})
    assert answer.status_code == 200, answer.content
    return str(answer.json()["results"][0]["enrollment_id"])


def course_step(course: PublishedCourse, run_id: uuid.UUID | None = None, **facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "course", "title": "A course", "course_id": str(course.course_id)}
    return {**found, **({"run_id": str(run_id)} if run_id else {}), **facts}


PROJECT = {"kind": "project", "title": "Plan your first week"}
QUIZ = {"kind": "quiz", "title": "What do you know", "pass_percent": 70}
MILESTONE = {"kind": "milestone", "title": "Settled in"}


def complete_all(caller: Caller, course: PublishedCourse, enrollment_id: str) -> None:
    for lesson_id in course.lesson_ids:
        done = caller.post(f"/api/v1/my-courses/{enrollment_id}/lessons/{lesson_id}/complete")
        assert done.status_code == 200, done.content


def steps_seen(caller: Caller, place: str) -> dict[str, Any]:
    return {step["title"]: step for step in caller.get(f"/api/v1/my-paths/{place}").json()["steps"]}


@pytest.mark.feature("PTH-01")
@pytest.mark.feature("PTH-02")
def test_a_path_is_followed_step_by_step_to_its_end(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership
) -> None:
    course = make_published_course(acme, modules=1, lessons=2)
    run = make_run(acme, course)
    path = make_path(
        admin,
        [course_step(course, run), MILESTONE, QUIZ, PROJECT],
        level="beginner",
        hours=12,
        outcomes=["Works safely"],
    )
    place = put_on(admin, path, learner)

    seen = steps_seen(ada, place)
    assert [step["access"] for step in seen.values()] == ["open", *["step_not_reached"] * 3]
    assert seen["What do you know"]["access_facts"]["missing"][0]["title"] == "A course"
    late = ada.post(f"/api/v1/my-paths/{place}/steps/{seen[PROJECT['title']]['id']}/submit", {"text": "Done"})
    assert (late.status_code, late.json()["code"]) == (403, "step_not_reached")

    started = ada.post(f"/api/v1/my-paths/{place}/steps/{seen['A course']['id']}/start")
    again = ada.post(f"/api/v1/my-paths/{place}/steps/{seen['A course']['id']}/start")
    assert started.json() == again.json()
    course_enrollment = started.json()["course_enrollment_id"]
    complete_all(ada, course, course_enrollment)
    with in_public():
        relay_until_empty()

    seen = steps_seen(ada, place)
    assert [step["state"] for step in seen.values()] == ["completed", "completed", None, None]
    decide = f"/api/v1/path-enrollments/{place}/steps/{seen['What do you know']['id']}/decide"
    assert admin.post(decide, {"score_percent": 69}).json()["percent"] == 50
    passed = admin.post(decide, {"score_percent": 70}).json()
    assert (passed["percent"], passed["state"]) == (75, "active")

    project = seen[PROJECT["title"]]["id"]
    decide = f"/api/v1/path-enrollments/{place}/steps/{project}/decide"
    assert admin.post(decide, {"passed": True}).status_code == 409  # nothing was handed in
    ada.post(f"/api/v1/my-paths/{place}/steps/{project}/submit", {"text": "A thin plan"})
    sent_back = admin.post(decide, {"passed": False, "reason": "Say when."})
    assert sent_back.json()["steps"][3]["reason"] == "Say when."
    ada.post(f"/api/v1/my-paths/{place}/steps/{project}/submit", {"text": "A plan with dates"})
    done = admin.post(decide, {"passed": True}).json()

    assert (done["state"], done["percent"], done["current_step_id"]) == ("completed", 100, None)
    with in_public():
        sent = OutboxMessage.objects.filter(organization_id=acme.id, topic="event.path_completed")
        assert sent.count() == 1


@pytest.mark.feature("PTH-01")
def test_without_an_order_any_step_comes_first_and_a_locked_one_waits(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership
) -> None:
    path = make_path(admin, [PROJECT, {**QUIZ, "is_locked": True}], is_sequential=False)
    place = put_on(admin, path, learner)
    assert [step["access"] for step in steps_seen(ada, place).values()] == ["open", "step_locked"]
    steps = [{**step, "is_locked": False} for step in _sent(path["steps"])]
    etag = admin.get(f"/api/v1/paths/{path['id']}")["ETag"]
    stale = admin.put(f"/api/v1/paths/{path['id']}/steps", {"steps": steps}, HTTP_IF_MATCH='"1"')
    assert stale.status_code == 412
    assert admin.put(f"/api/v1/paths/{path['id']}/steps", {"steps": steps}).status_code == 428
    admin.put(f"/api/v1/paths/{path['id']}/steps", {"steps": steps}, HTTP_IF_MATCH=etag)
    assert [step["access"] for step in steps_seen(ada, place).values()] == ["open", "open"]


def _sent(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("id", "kind", "title", "is_required", "is_locked", "due_days", "pass_percent", "is_by_hand")
    return [{name: step[name] for name in names} for step in steps]


@pytest.mark.feature("PTH-03")
def test_a_pause_stops_deadlines_and_closes_steps(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership
) -> None:
    with in_organization(acme):
        Member.objects.filter(pk=learner.id).update(timezone="Europe/Berlin")
    path = make_path(admin, [{**PROJECT, "due_days": 10}, QUIZ])
    # given a start before the clocks go forward on 29 March
    start = datetime(2026, 3, 25, 8, 0, tzinfo=UTC)
    with clock.frozen_at(start):
        place = put_on(admin, path, learner)
    due = steps_seen(ada, place)[PROJECT["title"]]
    assert due["due_at"] == "2026-04-04T07:00:00Z"
    assert due["due_local"] == "2026-04-04T09:00:00+02:00"

    with clock.frozen_at(start + timedelta(days=2)):
        paused = ada.post(f"/api/v1/my-paths/{place}/pause").json()
        assert paused["state"] == "paused"
        assert paused["next_due"] is None
        assert ada.post(f"/api/v1/my-paths/{place}/pause").status_code == 200
        project = paused["steps"][0]
        assert (project["access"], project["due_at"]) == ("path_paused", None)
        refused = ada.post(f"/api/v1/my-paths/{place}/steps/{project['id']}/submit", {"text": "Now"})
        assert (refused.status_code, refused.json()["code"]) == (403, "path_paused")
    with clock.frozen_at(start + timedelta(days=5)):
        resumed = ada.post(f"/api/v1/my-paths/{place}/resume").json()

    assert resumed["state"] == "active"
    assert resumed["next_due"]["at"] == "2026-04-07T07:00:00Z"
    assert (
        ada.post(f"/api/v1/my-paths/{place}/steps/{project['id']}/submit", {"text": "Now"}).status_code == 200
    )


def test_a_course_step_without_a_run_uses_the_always_open_one_once(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership, sign_in: Sign, member: Any
) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    path = make_path(admin, [course_step(course)])
    step = path["steps"][0]["id"]
    bob = member(acme, Role.LEARNER)
    for caller, who in ((ada, learner), (caller_as(bob, acme), bob)):
        place = put_on(admin, path, who)
        assert caller.post(f"/api/v1/my-paths/{place}/steps/{step}/start").status_code == 200
        assert caller.get("/api/v1/my-courses").json()["results"][0]["course"]["id"] == str(course.course_id)
    with in_organization(acme):
        made = CourseRun.objects.filter(course_id=course.course_id)
        assert list(made.values_list("is_always_open", flat=True)) == [True]


def test_what_was_completed_before_counts_and_what_is_taken_out_counts_no_more(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership
) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    before = make_enrollment(acme, make_run(acme, course), learner.id)
    complete_all(ada, course, str(before))
    path = make_path(admin, [course_step(course), PROJECT, QUIZ])
    place = put_on(admin, path, learner)
    assert ada.get(f"/api/v1/my-paths/{place}").json()["percent"] == 33
    # when the quiz goes, with what was recorded there
    etag = admin.get(f"/api/v1/paths/{path['id']}")["ETag"]
    rest = _sent(path["steps"])[:2]
    rest[0]["course_id"] = str(course.course_id)
    assert (
        admin.put(f"/api/v1/paths/{path['id']}/steps", {"steps": rest}, HTTP_IF_MATCH=etag).json()[
            "step_count"
        ]
        == 2
    )
    assert ada.get(f"/api/v1/my-paths/{place}").json()["percent"] == 50


def test_whoever_completed_a_path_stays_so_when_steps_are_added(
    acme: Organization, admin: Caller, learner: Membership
) -> None:
    path = make_path(admin, [{**MILESTONE, "is_by_hand": True}])
    place = put_on(admin, path, learner)
    step = path["steps"][0]["id"]
    done = admin.post(f"/api/v1/path-enrollments/{place}/steps/{step}/decide", {"passed": True})
    assert done.json()["state"] == "completed"
    etag = admin.get(f"/api/v1/paths/{path['id']}")["ETag"]
    steps = [*_sent(path["steps"]), PROJECT]
    admin.put(f"/api/v1/paths/{path['id']}/steps", {"steps": steps}, HTTP_IF_MATCH=etag)
    seen = admin.get(f"/api/v1/path-enrollments/{place}").json()
    assert (seen["state"], seen["percent"]) == ("completed", 100)
    assert admin.post(f"/api/v1/path-enrollments/{place}/pause").status_code == 409


def test_members_begin_free_paths_by_themselves_and_priced_ones_not(
    acme: Organization, admin: Caller, ada: Caller
) -> None:
    closed = make_path(admin, [PROJECT])
    free = make_path(admin, [PROJECT], slug="free", is_open_to_members=True)
    priced = make_path(
        admin,
        [PROJECT],
        slug="priced",
        is_open_to_members=True,
        price_type="paid",
        price_minor=4900,
        currency="EUR",
    )
    assert ada.post(f"/api/v1/paths/{closed['id']}/join").json()["code"] == "path_not_open_to_members"
    joined, again = (ada.post(f"/api/v1/paths/{free['id']}/join").json() for _ in range(2))
    assert (joined["outcome"], again["outcome"]) == ("enrolled", "already")
    refused = ada.post(f"/api/v1/paths/{priced['id']}/join")
    assert (refused.status_code, refused.json()["facts"]["amount_minor"]) == (402, 4900)
    listed = {path["slug"]: path for path in ada.get("/api/v1/paths").json()["results"]}
    assert listed["free"]["my_enrollment"]["state"] == "active"
    assert listed["priced"]["price"] == {"amount_minor": 4900, "currency": "EUR"}
    assert not listed["free"]["can"]["edit"]


@pytest.mark.parametrize(
    ("price", "field"),
    [
        ({"price_type": "paid"}, "price_minor"),
        ({"price_type": "paid", "price_minor": 4900, "currency": "XQX"}, "currency"),
        ({"price_type": "paid", "price_minor": -1, "currency": "EUR"}, "price_minor"),
        ({"price_minor": 4900, "currency": "EUR"}, "price_minor"),
    ],
)
def test_prices_that_cannot_be_charged_are_refused(admin: Caller, price: dict[str, Any], field: str) -> None:
    answer = admin.post("/api/v1/paths", {"slug": "priced", "title": "Priced", **price})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"kind": "course", "title": "No course"}, "course_id"),
        ({"kind": "course", "title": "Unknown", "course_id": str(uuid.uuid4())}, "course_id"),
        ({"kind": "quiz", "title": "No score"}, "pass_percent"),
        ({"kind": "project", "title": "Scored", "pass_percent": 3}, "pass_percent"),
        ({"kind": "quiz", "title": "By hand", "pass_percent": 3, "is_by_hand": True}, "is_by_hand"),
        ({"kind": "project", "title": "Foreign", "id": str(uuid.uuid4())}, "id"),
        ({"kind": "project", "title": "<b></b>"}, "title"),
    ],
)
def test_steps_that_make_no_sense_are_refused_by_field(
    admin: Caller, step: dict[str, Any], field: str
) -> None:
    made = admin.post("/api/v1/paths", {"slug": "odd", "title": "Odd"})
    answer = admin.put(
        f"/api/v1/paths/{made.json()['id']}/steps", {"steps": [PROJECT, step]}, HTTP_IF_MATCH="*"
    )
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert admin.get(f"/api/v1/paths/{made.json()['id']}").json()["steps"] == []


def test_paths_are_managed_by_whoever_holds_the_right(
    acme: Organization, sign_in: Sign, member: Callable[..., Membership], learner: Membership
) -> None:
    anna, boris = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.INSTRUCTOR)
    path = make_path(anna, [PROJECT])
    assert path["can"]["edit"]
    assert not boris.get(f"/api/v1/paths/{path['id']}").json()["can"]["edit"]
    assert boris.post(f"/api/v1/paths/{path['id']}/archive").status_code == 403
    draft = anna.post("/api/v1/paths", {"slug": "draft", "title": "Draft"}).json()
    assert boris.get(f"/api/v1/paths/{draft['id']}").status_code == 404
    place = put_on(anna, path, learner)
    assert boris.get(f"/api/v1/path-enrollments/{place}").status_code == 404
    assert boris.get(f"/api/v1/my-paths/{place}").status_code == 404
    assert boris.post(f"/api/v1/my-paths/{place}/pause").status_code == 404


def test_nobody_decides_on_their_own_place(
    acme: Organization, sign_in: Sign, member: Callable[..., Membership]
) -> None:
    owner = member(acme, Role.ADMIN)
    admin = caller_as(owner, acme)
    path = make_path(admin, [{**MILESTONE, "is_by_hand": True}])
    place = put_on(admin, path, owner)
    step = path["steps"][0]["id"]
    answer = admin.post(f"/api/v1/path-enrollments/{place}/steps/{step}/decide", {"passed": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "step_act_refused")


def test_another_organizations_paths_do_not_exist(
    acme: Organization, globex: Organization, admin: Caller, sign_in: Sign, learner: Membership
) -> None:
    path = make_path(admin, [PROJECT])
    place = put_on(admin, path, learner)
    stranger = sign_in(globex, Role.ADMIN)
    assert stranger.get("/api/v1/paths").json()["results"] == []
    for address in (f"paths/{path['id']}", f"path-enrollments/{place}", f"my-paths/{place}"):
        assert stranger.get(f"/api/v1/{address}").status_code == 404, address


def test_the_same_course_told_twice_and_a_second_enrolment_change_nothing(
    acme: Organization, admin: Caller, ada: Caller, learner: Membership
) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    path = make_path(admin, [course_step(course, make_run(acme, course)), PROJECT])
    place = put_on(admin, path, learner)
    assert put_on(admin, path, learner) == place
    step = path["steps"][0]["id"]
    started = ada.post(f"/api/v1/my-paths/{place}/steps/{step}/start").json()
    complete_all(ada, course, started["course_enrollment_id"])
    with in_public():
        relay_until_empty()
        OutboxMessage.objects.filter(topic="event.course_completed").update(delivered_at=None)
        relay_until_empty()
    with in_organization(acme):
        assert StepRecord.objects.filter(enrollment_id=uuid.UUID(place), state="completed").count() == 1
        assert PathEnrollment.objects.get(pk=place).percent == 50


def test_twelve_people_beginning_at_once_and_one_person_twelve_times(
    committed: None, acme: Organization, sign_in: Sign, member: Callable[..., Membership]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    path = make_path(admin, [PROJECT], is_open_to_members=True)
    ada = member(acme, Role.LEARNER)
    callers = [caller_as(ada, acme) for _ in range(12)]
    answers: list[int] = []
    barrier = threading.Barrier(len(callers))

    def join(caller: Caller) -> None:
        try:
            barrier.wait()
            answers.append(caller.post(f"/api/v1/paths/{path['id']}/join").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    with in_organization(acme):
        assert PathEnrollment.objects.filter(path_id=path["id"]).count() == 1


@pytest.mark.feature("PTH-01")
def test_nobody_finds_out_who_is_on_a_path(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    who, admin = member(acme), sign_in(acme, Role.ADMIN)
    path = f"/api/v1/paths/{admin.post('/api/v1/paths', {'slug': 'p', 'title': 'P'}).json()['id']}"
    steps = {"steps": [{"kind": "project", "title": "Hand in"}]}
    step_id = admin.put(f"{path}/steps", steps, HTTP_IF_MATCH="*").json()["steps"][0]["id"]
    admin.post(f"{path}/publish")
    rows = admin.post(f"{path}/enrollments", {"member_ids": [str(who.pk)]}).json()["results"]
    place_id = rows[0]["enrollment_id"]

    for stranger in (sign_in(acme, member(acme)), sign_in(acme, Role.INSTRUCTOR)):
        seen = []
        for known in (place_id, str(uuid.uuid4())):
            place, own = f"/api/v1/path-enrollments/{known}", f"/api/v1/my-paths/{known}/steps/{step_id}"
            answers = [
                stranger.get(place),
                stranger.post(f"{place}/pause"),
                stranger.post(f"{place}/withdraw"),
                stranger.post(f"{own}/submit", {"text": "Mine"}),
            ]
            seen.append([answer.status_code for answer in answers])
        # What the role may do nowhere is 403 for any id.
        assert seen[0] == seen[1]
        assert seen[0][3] == 404
    assert admin.get(f"/api/v1/path-enrollments/{place_id}").status_code == 200


@pytest.mark.feature("PTH-01")
@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.MANAGER])
def test_a_path_gives_away_only_what_its_maker_may_give(
    role: Role, acme: Organization, admin: Caller, member: Callable[..., Membership]
) -> None:
    maker, course = member(acme, role), make_published_course(acme)
    run_id, caller = make_run(acme, course), caller_as(maker, acme)
    path = caller.post("/api/v1/paths", {"slug": "gift", "title": "Gift"}).json()["id"]

    def set_step(**facts: Any) -> tuple[int, list[dict[str, Any]]]:
        answer = caller.put(
            f"/api/v1/paths/{path}/steps", {"steps": [course_step(course, **facts)]}, HTTP_IF_MATCH="*"
        )
        return answer.status_code, answer.json().get("errors", [])

    # Free for every member who finds it: no secret is given away, but a run closed to members would be.
    assert set_step()[0] == 200
    assert caller.put(f"/api/v1/paths/{path}/steps", {"steps": []}, HTTP_IF_MATCH="*").status_code == 200
    status, errors = set_step(run_id=run_id)
    assert status == 400
    for facts in (
        {"price_type": "paid", "price_minor": 9900, "currency": "EUR"},
        {"price_type": "free", "switches": {"self_enrollment": False}},
        {"switches": {"self_enrollment": True}, "is_listed": False},
    ):
        assert admin.patch(f"/api/v1/courses/{course.course_id}", facts).status_code == 200
        status, errors = set_step()
        assert (status, errors[0]["field"]) == (400, "course_id")
    rights = {"member_id": str(maker.pk), "rights": ["enrol_run"]}
    assert admin.put(f"/api/v1/runs/{run_id}/staff", rights).status_code == 200
    assert set_step(run_id=run_id)[0] == 200
    # What is there stays, also when the right is gone.
    step = caller.get(f"/api/v1/paths/{path}").json()["steps"][0]
    assert admin.put(f"/api/v1/runs/{run_id}/staff", {**rights, "rights": []}).status_code == 200
    assert set_step(run_id=run_id, id=step["id"])[0] == 200
    assert set_step(run_id=run_id)[0] == 200
