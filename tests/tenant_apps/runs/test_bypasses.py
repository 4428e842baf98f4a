"""Ways around what staff decided: each is tried as the person it would help."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.people.models import Member
from tenant_apps.runs.models import Enrollment, WaitingPlace
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_run

Make = Callable[..., Membership]
Sign = Callable[..., Any]


@pytest.mark.feature("ENR-03")
def test_leaving_and_joining_again_lifts_no_suspension(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run = f"/api/v1/runs/{make_run(acme, make_published_course(acme), is_open_to_members=True)}"
    learner, admin = sign_in(acme, member(acme)), sign_in(acme, Role.ADMIN)
    enrollment = f"/api/v1/enrollments/{learner.post(f'{run}/join').json()['id']}"
    assert learner.get(run).json()["can"]["leave"] is True
    assert admin.post(f"{enrollment}/suspend", {"reason": "exam"}).status_code == 200

    refused = learner.post(f"{run}/leave")

    assert (refused.status_code, refused.json()["code"]) == (409, "enrollment_move_refused")
    assert learner.get(run).json()["can"]["leave"] is False
    assert learner.post(f"{run}/join").json()["state"] == "suspended"
    assert admin.post(f"{enrollment}/reactivate").status_code == 200
    assert learner.post(f"{run}/leave").status_code == 204


@pytest.mark.feature("ENR-03")
def test_a_manager_takes_only_reports_off_the_list(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id = make_run(acme, make_published_course(acme), capacity=1, has_waiting_list=True)
    boss, report, other, elsewhere = member(acme, Role.MANAGER), member(acme), member(acme), member(acme)
    with in_organization(acme):
        Member.objects.filter(pk=report.pk).update(manager_id=boss.pk)
        for each in (report, other):
            WaitingPlace.objects.create(run_id=run_id, member_id=each.pk)
    manager, waiting = sign_in(acme, boss), f"/api/v1/runs/{run_id}/waiting"

    refused = [manager.delete(f"{waiting}/{each.pk}") for each in (other, elsewhere)]

    # The same answer for somebody on the list and somebody who is not: it tells nothing of the list.
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(403, "not_your_report")] * 2
    assert manager.delete(f"{waiting}/{report.pk}").status_code == 204
    with in_organization(acme):
        left = WaitingPlace.objects.filter(run_id=run_id).values_list("member_id", flat=True)
        assert list(left) == [other.pk]


@pytest.mark.feature("PTH-02")
@pytest.mark.parametrize("ended_by", ["withdraw", "expire"])
def test_a_path_brings_nobody_back_whose_access_was_ended(
    ended_by: str, acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    run_id = make_run(acme, course)
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme, member(acme))
    start = _start_of_path(admin, learner, run_id, course.course_id)
    enrollment_id = learner.post(start).json()["course_enrollment_id"]
    enrollment = f"/api/v1/enrollments/{enrollment_id}"
    if ended_by == "withdraw":
        assert admin.post(f"{enrollment}/withdraw", {"reason": "out"}).status_code == 200
    else:
        assert admin.patch(enrollment, {"expires_at": "2026-01-01T00:00:00Z"}).status_code == 200

    refused = learner.post(start)

    assert (refused.status_code, refused.json()["code"]) == (409, "access_over")
    with in_organization(acme):
        state = Enrollment.objects.get(pk=enrollment_id).state
        assert state == {"withdraw": "withdrawn", "expire": "expired"}[ended_by]
    assert admin.post(f"{enrollment}/reactivate").status_code == 200
    assert learner.post(start).json()["course_enrollment_id"] == enrollment_id


def test_a_path_somebody_is_put_on_lets_them_in_once_more(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, who = make_published_course(acme), member(acme)
    run_id = make_run(acme, course)
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme, who)
    made = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(who.pk)}).json()
    enrollment = f"/api/v1/enrollments/{made['id']}"
    assert admin.post(f"{enrollment}/withdraw").status_code == 200
    start = _start_of_path(admin, learner, run_id, course.course_id, put_on=str(who.pk))

    assert learner.post(start).json()["course_enrollment_id"] == made["id"]
    assert learner.get(enrollment).json()["state"] == "active"

    assert admin.post(f"{enrollment}/withdraw").status_code == 200
    assert learner.post(start).json()["code"] == "access_over"


def _start_of_path(admin: Any, learner: Any, run_id: Any, course_id: Any, *, put_on: str = "") -> str:
    facts = {"slug": "path", "title": "A path", "is_open_to_members": True}
    path = f"/api/v1/paths/{admin.post('/api/v1/paths', facts).json()['id']}"
    step = {"kind": "course", "title": "Step", "course_id": str(course_id), "run_id": str(run_id)}
    assert admin.put(f"{path}/steps", {"steps": [step]}, HTTP_IF_MATCH="*").status_code == 200
    assert admin.post(f"{path}/publish").status_code == 200
    if put_on:
        assert admin.post(f"{path}/enrollments", {"member_ids": [put_on]}).status_code == 200
    place = f"/api/v1/my-paths/{learner.post(f'{path}/join').json()['enrollment_id']}"
    return f"{place}/steps/{learner.get(place).json()['steps'][0]['id']}/start"


@pytest.mark.feature("ENR-04")
def test_taking_a_reason_away_gives_nobody_access_back(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    who, admin = member(acme), sign_in(acme, Role.ADMIN)
    run_id = make_run(acme, make_published_course(acme))
    made = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(who.pk)}).json()
    enrollment = f"/api/v1/enrollments/{made['id']}"
    gift = admin.post(f"{enrollment}/grants", {"source": "gifted"}).json()["id"]
    assert admin.post(f"{enrollment}/withdraw", {"reason": "out"}).json()["state"] == "withdrawn"

    assert admin.delete(f"{enrollment}/grants/{gift}").status_code == 204

    seen = admin.get(enrollment).json()
    assert (seen["state"], seen["state_reason"]) == ("withdrawn", "out")
    # Giving a reason does, also one that the person still had.
    assert admin.post(f"{enrollment}/grants", {"source": "admin"}).status_code == 201
    assert admin.get(enrollment).json()["state"] == "active"
    assert admin.post(f"{enrollment}/grants", {"source": "admin"}).status_code == 200
