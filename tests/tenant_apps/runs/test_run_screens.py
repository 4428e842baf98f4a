"""What screens of runs ask for: one call each, filters and sorts, counts, and what the caller can do."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import WaitingPlace
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Make = Callable[..., Membership]
Sign = Callable[..., Any]


def _titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


def test_the_page_of_a_run_is_one_call(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, admin = make_run(acme, make_published_course(acme), capacity=9), sign_in(acme, Role.ADMIN)
    teacher = member(acme, Role.INSTRUCTOR, first_name="Ada", last_name="Byron")
    admin.put(f"/api/v1/runs/{run_id}/staff", {"member_id": str(teacher.id), "rights": ["teach_run"]})
    for state in (EnrollmentState.ACTIVE, EnrollmentState.ACTIVE, EnrollmentState.COMPLETED):
        make_enrollment(acme, run_id, member(acme).id, state=state)
    waiting = member(acme)
    with in_organization(acme):
        WaitingPlace.objects.create(run_id=run_id, member_id=waiting.id)

    by_admin = admin.get(f"/api/v1/runs/{run_id}").json()
    by_teacher = sign_in(acme, teacher).get(f"/api/v1/runs/{run_id}").json()
    by_waiting = sign_in(acme, waiting).get(f"/api/v1/runs/{run_id}").json()

    assert by_admin["state_counts"] == {state.value: 0 for state in EnrollmentState} | {
        "active": 2,
        "completed": 1,
    }
    assert (by_admin["enrolled_count"], by_admin["completed_count"], by_admin["waiting_count"]) == (3, 1, 1)
    assert [(each["name"], each["rights"]) for each in by_admin["staff"]] == [("Ada Byron", ["teach_run"])]
    assert by_admin["can"] == {
        "edit": True,
        "close": True,
        "reopen": False,
        "cancel": True,
        "staff": True,
        "dates": True,
        "see_roster": True,
        "enrol": True,
        "join": False,
        "leave": False,
    }
    assert {act for act, may in by_teacher["can"].items() if may} == {"dates", "see_roster"}
    assert by_teacher["state_counts"]["active"] == 2
    assert {act for act, may in by_waiting["can"].items() if may} == {"leave"}
    assert (by_waiting["state_counts"], by_waiting["staff"]) == (None, None)
    assert by_waiting["mine"]["waiting_since"] is not None


@pytest.mark.parametrize("act", ["edit", "close", "reopen", "cancel"])
@pytest.mark.parametrize("state", list(RunState))
def test_what_a_run_can_is_what_the_service_does(
    acme: Organization, sign_in: Sign, state: RunState, act: str
) -> None:
    run_id, admin = make_run(acme, make_published_course(acme), state=state), sign_in(acme, Role.ADMIN)
    path = f"/api/v1/runs/{run_id}"
    can = admin.get(path).json()["can"][act]

    answer = admin.patch(path, {"title": "New"}) if act == "edit" else admin.post(f"{path}/{act}")

    done = {"close": RunState.CLOSED, "reopen": RunState.OPEN, "cancel": RunState.CANCELLED}.get(act)
    # Doing again what is done is no refusal, and nothing to offer either.
    assert (answer.status_code == 200) is (can or done is state)


def test_runs_are_filtered_searched_and_sorted(acme: Organization, member: Make, sign_in: Sign) -> None:
    day, now = timedelta(days=1), clock.now()
    security, baking = (make_published_course(acme, title=title) for title in ("Security", "Baking"))
    autumn = make_run(acme, security, title="autumn", starts_at=now + 9 * day)
    make_run(acme, security, title="Spring", starts_at=now - 9 * day, state=RunState.CLOSED)
    make_run(acme, baking, title="Bread 100%", starts_at=now + day, is_open_to_members=True)
    teacher, admin = member(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    admin.put(f"/api/v1/runs/{autumn}/staff", {"member_id": str(teacher.id), "rights": ["enrol_run"]})

    def listed(query: str, caller: Any = admin) -> list[str]:
        return _titles(caller.get(f"/api/v1/runs?{query}"))

    assert listed("") == ["Bread 100%", "Spring", "autumn"]
    assert listed("sort=oldest") == ["autumn", "Spring", "Bread 100%"]
    assert listed("sort=title") == ["autumn", "Bread 100%", "Spring"]
    assert listed("sort=-title") == ["Spring", "Bread 100%", "autumn"]
    assert listed("sort=starts") == ["Spring", "Bread 100%", "autumn"]
    assert listed("state=closed") == ["Spring"]
    assert listed(f"course_id={security.course_id}&sort=title") == ["autumn", "Spring"]
    assert listed("search=SECUR&sort=title") == ["autumn", "Spring"]
    assert listed("search=100%25") == ["Bread 100%"]
    assert listed("joinable=true") == ["Bread 100%"]
    assert listed("taught_by_me=true") == []
    assert listed("taught_by_me=true", sign_in(acme, teacher)) == ["autumn"]
    assert admin.get("/api/v1/runs?sort=colour").status_code == 400


@pytest.mark.parametrize("order", ["newest", "oldest", "starts", "-starts", "title", "-title"])
def test_pages_of_every_order_hold_each_run_once(acme: Organization, sign_in: Sign, order: str) -> None:
    course, now, admin = make_published_course(acme), clock.now(), sign_in(acme, Role.ADMIN)
    made = {
        # Equal titles and starts, and runs without a start, sort as well.
        str(make_run(acme, course, title=f"T{n % 3}", starts_at=now if n % 2 else None))
        for n in range(7)
    }
    seen: list[str] = []
    following: str | None = f"/api/v1/runs?limit=2&sort={order}"
    while following:
        page = admin.get(following).json()
        seen += [row["id"] for row in page["results"]]
        following = page["next"]

    assert len(seen) == 7
    assert set(seen) == made


def test_people_of_a_run_are_filtered_searched_and_sorted(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, admin = make_run(acme, make_published_course(acme)), sign_in(acme, Role.ADMIN)
    names = [("Ada", "Byron"), ("Grace", "Hopper"), ("Alan", "Turing")]
    people = [member(acme, first_name=first, last_name=last) for first, last in names]
    with in_organization(acme):
        Member.objects.filter(pk=people[0].id).update(department="Engines")
    for who, facts in zip(people, ({}, {"source": "self"}, {"state": "suspended"}), strict=True):
        make_enrollment(acme, run_id, who.id, **facts)

    def listed(query: str, path: str = f"/api/v1/runs/{run_id}/enrollments") -> list[str]:
        answer = admin.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["member_name"] for row in answer.json()["results"]]

    assert listed("sort=name") == ["Ada Byron", "Grace Hopper", "Alan Turing"]
    assert listed("sort=-name") == ["Alan Turing", "Grace Hopper", "Ada Byron"]
    assert listed("") == ["Alan Turing", "Grace Hopper", "Ada Byron"]
    assert listed("source=self") == ["Grace Hopper"]
    assert listed("state=suspended") == ["Alan Turing"]
    assert listed("department=Engines") == ["Ada Byron"]
    assert listed("search=hop%20gra") == ["Grace Hopper"]
    assert listed(f"search={people[2].user.email}") == ["Alan Turing"]
    assert listed(f"member_id={people[1].id}", "/api/v1/enrollments") == ["Grace Hopper"]
    assert listed("search=turing&sort=updated", "/api/v1/enrollments") == ["Alan Turing"]


def test_each_row_says_what_its_reader_can_do(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, manager, admin = (
        make_run(acme, make_published_course(acme)),
        member(acme, Role.MANAGER),
        sign_in(acme, Role.ADMIN),
    )
    report, done, learner = member(acme), member(acme), member(acme)
    with in_organization(acme):
        Member.objects.filter(pk=report.id).update(manager_id=manager.id)
    make_enrollment(acme, run_id, report.id)
    make_enrollment(acme, run_id, done.id, state=EnrollmentState.COMPLETED)
    make_enrollment(acme, run_id, learner.id)

    def acts(caller: Any, who: Membership) -> set[str]:
        [row] = caller.get(f"/api/v1/enrollments?member_id={who.id}").json()["results"]
        return {act for act, may in row["can"].items() if may}

    assert acts(admin, report) == {"withdraw", "suspend", "set_expiry", "grants"}
    assert acts(admin, done) == {"set_expiry", "grants"}
    assert acts(sign_in(acme, manager), report) == {"withdraw", "suspend", "set_expiry", "grants"}
    assert sign_in(acme, manager).get(f"/api/v1/enrollments?member_id={done.id}").json()["results"] == []
    assert acts(sign_in(acme, learner), learner) == set()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.INSTRUCTOR, Role.MANAGER])
@pytest.mark.parametrize("rows", [2, 15])
def test_screens_take_as_many_statements_for_many_rows_as_for_few(
    acme: Organization, member: Make, sign_in: Sign, rows: int, role: Role
) -> None:
    course, reader, admin = make_published_course(acme), member(acme, role), sign_in(acme, Role.ADMIN)
    runs = [make_run(acme, course, capacity=rows, has_waiting_list=True) for _ in range(rows)]
    for each in runs:
        body = {"member_id": str(reader.id), "rights": ["teach_run", "enrol_run"]}
        if role is not Role.ADMIN:
            admin.put(f"/api/v1/runs/{each}/staff", body)
    for _ in range(rows):
        make_enrollment(acme, runs[0], member(acme).id)
        admin.post(f"/api/v1/runs/{runs[0]}/enrollments", {"member_id": str(member(acme).id)})
    caller = sign_in(acme, reader)
    caller.get("/api/v1/auth/me")

    found = {}
    for name in ("", f"/{runs[0]}", f"/{runs[0]}/enrollments", f"/{runs[0]}/waiting"):
        with statements() as seen:
            assert caller.get(f"/api/v1/runs{name}").status_code == 200
        found[name.rsplit("/", 1)[-1] if name.count("/") > 1 else name[:1]] = len(seen)

    wanted = {"": 2, "/": 4, "enrollments": 3, "waiting": 4}
    # Who is no administrator is asked for their rights on the run besides.
    more = {"": 0, "/": 0, "enrollments": int(role is Role.INSTRUCTOR), "waiting": 1}
    if role is Role.MANAGER:
        more["waiting"] = 1
    assert found == {key: wanted[key] + (0 if role is Role.ADMIN else more[key]) for key in wanted}


def test_another_organization_s_runs_do_not_exist(
    acme: Organization, globex: Organization, member: Make, sign_in: Sign
) -> None:
    foreign: uuid.UUID = make_run(globex, make_published_course(globex), is_open_to_members=True)
    admin = sign_in(acme, Role.ADMIN)

    for path in ("", "/dates", "/waiting", "/enrollments"):
        assert admin.get(f"/api/v1/runs/{foreign}{path}").status_code == 404
    for path in ("join", "leave", "reopen"):
        assert admin.post(f"/api/v1/runs/{foreign}/{path}").status_code == 404
