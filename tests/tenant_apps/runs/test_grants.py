"""Access is any live grant: added by every way in, taken away one by one, ended in time."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.models import Course
from tenant_apps.runs.enums import (
    ENROLLMENT_MOVES,
    OCCUPYING,
    STATE_WITHOUT_GRANT,
    EnrollmentSource,
    EnrollmentState,
)
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment
from tenant_apps.runs.services.enrolling import EnrollRow, Paid, do_enroll
from tenant_apps.runs.services.expiring import expire_enrollments
from tenant_apps.runs.tasks import expire
from tenants.context import in_organization
from tenants.models import Organization
from tenants.timers import all_timers
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel, statements

Make = Callable[..., Membership]
Sign = Callable[..., Any]


def _enrol(
    acme: Organization, run_id: uuid.UUID, people: list[uuid.UUID], source: EnrollmentSource, **more: Any
) -> list[EnrollRow]:
    with in_organization(acme), entry_transaction():
        return do_enroll(
            actor=system_actor("test", acme.id), run_id=run_id, member_ids=people, source=source, **more
        )


def _row(acme: Organization, enrollment_id: Any) -> Enrollment:
    with in_organization(acme):
        return Enrollment.objects.get(pk=enrollment_id)


@pytest.mark.feature("ENR-03")
@pytest.mark.parametrize("source", list(EnrollmentSource))
def test_the_type_and_the_grant_are_those_of_the_path_taken(
    acme: Organization, member: Make, source: EnrollmentSource
) -> None:
    run_id, learner = make_run(acme, make_published_course(acme)), member(acme)
    ends_at = clock.now() + timedelta(days=9)

    [row] = _enrol(acme, run_id, [learner.id], source, reference="line 7", expires_at=ends_at)
    [again] = _enrol(acme, run_id, [learner.id], source, reference="line 7", expires_at=ends_at)

    assert (row.outcome, again.outcome, again.enrollment) == ("enrolled", "already", row.enrollment)
    assert (row.enrollment["source"], row.enrollment["expires_at"]) == (source, ends_at)
    with in_organization(acme):
        [grant] = AccessGrant.objects.values("source", "reference", "ends_at", "revoked_at")
    assert grant == {"source": source, "reference": "line 7", "ends_at": ends_at, "revoked_at": None}


@pytest.mark.feature("ENR-06")
def test_what_was_paid_stays_as_it_was(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner, order = make_published_course(acme), member(acme), uuid.uuid4()
    run_id, admin = make_run(acme, course, price_minor=4900, currency="eur"), sign_in(acme, Role.ADMIN)

    [row] = _enrol(acme, run_id, [learner.id], EnrollmentSource.PAID, paid=Paid(4900, "eur", order))
    path = f"/api/v1/enrollments/{row.enrollment['id']}"
    admin.patch(f"/api/v1/runs/{run_id}", {"price_override": {"amount_minor": 9900, "currency": "USD"}})
    with in_organization(acme):
        Course.objects.update(price_type="paid", price_minor=100, currency="gbp")
    admin.post(f"{path}/withdraw")
    admin.post(f"{path}/reactivate")
    _enrol(acme, run_id, [learner.id], EnrollmentSource.COHORT)

    found = admin.get(path).json()
    assert found["price_paid"] == {"amount_minor": 4900, "currency": "EUR"}
    assert (found["order_id"], found["source"]) == (str(order), "paid")
    # Bought anew after it was over, it is the new order's.
    admin.post(f"{path}/withdraw")
    _enrol(acme, run_id, [learner.id], EnrollmentSource.PAID, paid=Paid(100, "gbp", uuid.uuid4()))
    assert admin.get(path).json()["price_paid"] == {"amount_minor": 100, "currency": "GBP"}


@pytest.mark.feature("CRS-05")
@pytest.mark.parametrize(("days", "wanted"), [(None, None), (30, timedelta(days=30))])
def test_access_ends_where_the_course_s_terms_say(
    acme: Organization, member: Make, sign_in: Sign, days: int | None, wanted: timedelta | None
) -> None:
    course, now = make_published_course(acme), clock.now()
    with in_organization(acme):
        Course.objects.update(access_type="limited" if days else "lifetime", access_days=days)
    path = f"/api/v1/runs/{make_run(acme, course)}/enrollments"
    admin, own = sign_in(acme, Role.ADMIN), now + timedelta(days=3)

    with clock.frozen_at(now):
        by_terms = admin.post(path, {"member_id": str(member(acme).id)}).json()
        by_hand = admin.post(path, {"member_id": str(member(acme).id), "expires_at": own}).json()

    assert by_terms["expires_at"] == (_text(now + wanted) if wanted else None)
    assert by_hand["expires_at"] == _text(own)


@pytest.mark.feature("ENR-04")
def test_taking_one_grant_away_never_cuts_another(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, learner, now = make_run(acme, make_published_course(acme)), member(acme), clock.now()
    admin, soon, late = sign_in(acme, Role.ADMIN), now + timedelta(days=10), now + timedelta(days=90)
    [row] = _enrol(acme, run_id, [learner.id], EnrollmentSource.COHORT, reference="c1", expires_at=soon)
    path = f"/api/v1/enrollments/{row.enrollment['id']}"

    more = admin.post(f"{path}/grants", {"source": "paid", "reference": "o1", "ends_at": late})
    same = admin.post(f"{path}/grants", {"source": "paid", "reference": "o1", "ends_at": soon})

    assert (more.status_code, same.status_code) == (201, 200)
    assert more["Location"] == f"{path}/grants"
    assert same.json() == more.json()
    assert admin.get(path).json()["expires_at"] == _text(late)
    by_cohort, paid = admin.get(f"{path}/grants").json()
    assert (by_cohort["source"], paid["source"], paid["is_live"]) == ("cohort", "paid", True)
    assert admin.delete(f"{path}/grants/{paid['id']}").status_code == 204
    assert admin.delete(f"{path}/grants/{paid['id']}").status_code == 204
    found = admin.get(path).json()
    assert (found["state"], found["expires_at"]) == ("active", _text(soon))
    admin.delete(f"{path}/grants/{by_cohort['id']}")
    gone = admin.get(path).json()
    assert (gone["state"], [each["is_live"] for each in admin.get(f"{path}/grants").json()]) == (
        "withdrawn",
        [False, False],
    )
    assert gone["expires_at"] is not None
    # A new reason opens it again, with its own end.
    admin.post(f"{path}/grants", {"source": "gifted", "ends_at": late})
    back = admin.get(path).json()
    assert (back["state"], back["expires_at"]) == ("active", _text(late))


@pytest.mark.feature("ENR-04")
@pytest.mark.parametrize("source", list(EnrollmentSource))
def test_without_its_last_grant_an_enrollment_is_over_as_its_path_says(
    acme: Organization, member: Make, sign_in: Sign, source: EnrollmentSource
) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    run_id, learner, finished = make_run(acme, course), member(acme), member(acme)
    _enrol(acme, run_id, [learner.id, finished.id], source)
    with in_organization(acme):
        rows = {row.member_id: row for row in Enrollment.objects.prefetch_related("grants")}
        Enrollment.objects.filter(member_id=finished.id).update(state=EnrollmentState.COMPLETED)

    for row in rows.values():
        admin.delete(f"/api/v1/enrollments/{row.id}/grants/{row.grants.all()[0].id}")

    wanted = STATE_WITHOUT_GRANT[source]
    kept = wanted if wanted in ENROLLMENT_MOVES[EnrollmentState.COMPLETED] else EnrollmentState.COMPLETED
    assert _row(acme, rows[learner.id].id).state == wanted
    done = _row(acme, rows[finished.id].id)
    assert (done.state, done.expires_at is not None) == (kept, True)


@pytest.mark.feature("ENR-02")
@pytest.mark.feature("ENR-04")
@pytest.mark.parametrize(
    "state", [EnrollmentState.WITHDRAWN, EnrollmentState.EXPIRED, EnrollmentState.REFUNDED]
)
def test_enrolling_again_brings_back_whoever_was_out(
    acme: Organization, member: Make, sign_in: Sign, state: EnrollmentState
) -> None:
    run_id, learner = make_run(acme, make_published_course(acme)), member(acme)
    past = clock.now() - timedelta(days=1)
    enrollment_id = make_enrollment(
        acme, run_id, learner.id, state=state, expires_at=past, source="paid", price_paid_minor=7
    )

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(learner.id)}
    )

    assert (answer.status_code, answer.json()["id"]) == (201, str(enrollment_id))
    found = answer.json()
    assert (found["state"], found["source"], found["expires_at"]) == ("active", "admin", None)
    with in_organization(acme):
        assert AccessGrant.objects.filter(enrollment_id=enrollment_id).count() == 2


@pytest.mark.feature("ENR-02")
def test_the_moves_are_data_and_every_state_has_a_way_on(acme: Organization) -> None:
    assert set(ENROLLMENT_MOVES) == set(EnrollmentState)
    for state, following in ENROLLMENT_MOVES.items():
        assert following
        assert state not in following
    # Only what holds a place can be completed, suspended or expire.
    for wanted in (EnrollmentState.COMPLETED, EnrollmentState.SUSPENDED, EnrollmentState.EXPIRED):
        assert {state for state, following in ENROLLMENT_MOVES.items() if wanted in following} <= OCCUPYING


@pytest.mark.feature("ENR-05")
def test_the_end_can_be_set_for_all_grants_at_once(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, learner, now = make_run(acme, make_published_course(acme)), member(acme), clock.now()
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/enrollments/{enrollment_id}"
    admin.post(f"{path}/grants", {"source": "paid", "reference": "o1"})

    shorter = admin.patch(path, {"expires_at": now + timedelta(days=5)}).json()
    ends = {each["ends_at"] for each in admin.get(f"{path}/grants").json()}
    over = admin.patch(path, {"expires_at": now - timedelta(days=1)}).json()
    longer = admin.patch(path, {"expires_at": now + timedelta(days=50)}).json()
    ever = admin.patch(path, {"expires_at": None}).json()

    assert (shorter["expires_at"], ends) == (
        _text(now + timedelta(days=5)),
        {_text(now + timedelta(days=5))},
    )
    assert (over["state"], over["expires_at"]) == ("expired", _text(now - timedelta(days=1)))
    assert (longer["state"], longer["expires_at"]) == ("active", _text(now + timedelta(days=50)))
    assert (ever["state"], ever["expires_at"]) == ("active", None)
    past = admin.post(f"{path}/grants", {"source": "paid", "reference": "o2", "ends_at": now})
    assert (past.status_code, past.json()["code"]) == (400, "grant_ends_in_the_past")


@pytest.mark.feature("ENR-05")
def test_the_job_ends_what_is_over_and_nothing_else(
    acme: Organization, globex: Organization, member: Make
) -> None:
    now, second = clock.now(), timedelta(seconds=1)
    facts: dict[str, dict[str, Any]] = {
        "active": {"expires_at": now},
        "pending": {"expires_at": now - second, "state": EnrollmentState.PENDING},
        "suspended": {"expires_at": now - second, "state": EnrollmentState.SUSPENDED},
        "later": {"expires_at": now + second},
        "never": {},
        "done": {"expires_at": now - second, "state": EnrollmentState.COMPLETED},
        "out": {"expires_at": now - second, "state": EnrollmentState.WITHDRAWN},
    }
    run_id = make_run(acme, make_published_course(acme))
    ids = {name: make_enrollment(acme, run_id, member(acme).id, **each) for name, each in facts.items()}
    foreign = make_enrollment(
        globex, make_run(globex, make_published_course(globex)), member(globex).id, expires_at=now
    )

    with clock.frozen_at(now), in_organization(acme):
        first, again = expire_enrollments(), expire_enrollments()
        states = {name: Enrollment.objects.get(pk=key).state for name, key in ids.items()}

    assert (first, again) == (3, 0)
    assert states == {
        "active": "expired",
        "pending": "expired",
        "suspended": "expired",
        "later": "active",
        "never": "active",
        "done": "completed",
        "out": "withdrawn",
    }
    assert _row(globex, foreign).state == "active"
    [event] = AuditEvent.objects.filter(action="runs.expire")
    assert event.changes["count"] == 3


@pytest.mark.feature("ENR-05")
@pytest.mark.parametrize("people", [3, 60])
def test_the_job_takes_as_many_statements_for_many_as_for_few(
    acme: Organization, member: Make, people: int
) -> None:
    now = clock.now()
    for _ in range(3):
        run_id = make_run(acme, make_published_course(acme))
        for _ in range(people // 3):
            make_enrollment(acme, run_id, member(acme).id, expires_at=now)

    with in_organization(acme), statements() as seen:
        assert expire_enrollments() == people

    assert len(seen) == 6


@pytest.mark.feature("ENR-05")
def test_access_is_refused_at_the_instant_before_the_job_ran(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner, now = make_published_course(acme), member(acme), clock.now()
    enrollment_id = make_enrollment(
        acme, make_run(acme, course), learner.id, expires_at=now + timedelta(hours=1)
    )
    caller = sign_in(acme, learner)
    path = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"

    assert caller.get(path).status_code == 200
    with in_organization(acme):
        Enrollment.objects.update(expires_at=now)
        AccessGrant.objects.update(ends_at=now)
    refused = caller.get(path)

    assert (refused.status_code, refused.json()["code"]) == (403, "enrollment_expired")
    assert _row(acme, enrollment_id).state == "active"
    with in_organization(acme):
        assert expire_enrollments() == 1
    assert caller.get(path).status_code == 403


@pytest.mark.feature("ENR-05")
def test_every_organization_has_its_moment_of_the_quarter(
    acme: Organization, globex: Organization, member: Make
) -> None:
    now = clock.now()
    for each in (acme, globex):
        make_enrollment(each, make_run(each, make_published_course(each)), member(each).id, expires_at=now)
    [timer] = [each for each in all_timers() if each.task == "runs.expire"]

    called = [each for each in (acme, globex) if timer.is_due(each.id, now, now + timedelta(minutes=15))]
    ended = [expire(organization_id=str(each.id)) for each in called]

    assert (called, ended) == ([acme, globex], [1, 1])


def test_expiring_and_more_time_at_once_end_in_one_of_the_two(
    committed: None, acme: Organization, member: Make
) -> None:
    run_id, now = make_run(acme, make_published_course(acme), capacity=50), clock.now()
    for _ in range(5):
        make_enrollment(acme, run_id, member(acme).id, expires_at=now)

    results = in_parallel(acme, [expire_enrollments] * 6)

    assert sorted(results) == [0] * 5 + [5]
    assert AuditEvent.objects.filter(action="runs.expire").count() == 1


def test_another_way_in_is_another_reason_and_cohorts_take_only_theirs(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, admin = make_run(acme, make_published_course(acme)), sign_in(acme, Role.ADMIN)
    both, only = member(acme), member(acme)
    make_enrollment(acme, run_id, both.id)
    cohorts = [
        admin.post("/api/v1/cohorts", {"name": name, "run_id": str(run_id), "leave_rule": "withdraw"}).json()
        for name in ("May", "June")
    ]
    everybody = {"member_ids": [str(both.id), str(only.id)]}
    for each in cohorts:
        assert admin.post(f"/api/v1/cohorts/{each['id']}/members", everybody).status_code == 200

    def states() -> dict[uuid.UUID, str]:
        with in_organization(acme):
            return dict(Enrollment.objects.values_list("member_id", "state"))

    admin.post(f"/api/v1/cohorts/{cohorts[0]['id']}/members/leave", everybody)
    assert states() == {both.id: "active", only.id: "active"}
    admin.post(f"/api/v1/cohorts/{cohorts[1]['id']}/members/leave", everybody)
    assert states() == {both.id: "active", only.id: "withdrawn"}


def test_grants_are_for_those_who_enrol_people_and_seen_by_their_owner(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, learner = make_run(acme, make_published_course(acme)), member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    path = f"/api/v1/enrollments/{enrollment_id}/grants"
    teacher, enroller = member(acme, Role.INSTRUCTOR), member(acme, Role.INSTRUCTOR)
    for who, right in ((teacher, "teach_run"), (enroller, "enrol_run")):
        body = {"member_id": str(who.id), "rights": [right]}
        sign_in(acme, Role.ADMIN).put(f"/api/v1/runs/{run_id}/staff", body)

    assert sign_in(acme, learner).get(path).status_code == 200
    assert sign_in(acme, learner).post(path, {"source": "gifted"}).status_code == 403
    assert sign_in(acme, member(acme)).get(path).status_code == 404
    assert sign_in(acme, teacher).get(path).status_code == 200
    assert sign_in(acme, teacher).post(path, {"source": "gifted"}).status_code == 403
    assert sign_in(acme, enroller).post(path, {"source": "gifted"}).status_code == 201


def test_a_role_that_is_taken_ends_the_rights_with_the_next_request(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, teacher, admin = (
        make_run(acme, make_published_course(acme)),
        member(acme, Role.INSTRUCTOR),
        sign_in(acme, Role.ADMIN),
    )
    enrollment_id = make_enrollment(acme, run_id, member(acme).id)
    staff = {"member_id": str(teacher.id), "rights": ["teach_run", "enrol_run"]}
    admin.put(f"/api/v1/runs/{run_id}/staff", staff)
    caller, path = sign_in(acme, teacher), f"/api/v1/enrollments/{enrollment_id}"
    assert caller.get(path).json()["can"]["suspend"] is True
    assert caller.get(f"/api/v1/runs/{run_id}").json()["can"]["dates"] is True

    assert admin.post(f"/api/v1/members/{teacher.id}/role", {"role": "learner"}).status_code == 200
    assert caller.get(path).status_code == 404
    assert caller.get(f"/api/v1/runs/{run_id}").status_code == 404
    assert admin.post(f"/api/v1/members/{teacher.id}/role", {"role": "instructor"}).status_code == 200
    assert caller.post(f"{path}/suspend").status_code == 200
    admin.put(f"/api/v1/runs/{run_id}/staff", {**staff, "rights": ["teach_run"]})
    assert caller.get(path).json()["can"]["reactivate"] is False
    assert caller.post(f"{path}/reactivate").status_code == 403


def test_ten_thousand_take_the_statements_of_one(acme: Organization, member: Make) -> None:
    run_id = make_run(acme, make_published_course(acme))
    people = [member(acme).id for _ in range(30)]
    invited = member(acme, status=MembershipStatus.INVITED)

    with in_organization(acme), entry_transaction(), statements() as seen:
        rows = do_enroll(
            actor=system_actor("test", acme.id),
            run_id=run_id,
            member_ids=[*people, invited.id],
            source=EnrollmentSource.COHORT,
        )

    assert len(seen) == 3
    assert [row.enrollment["state"] for row in rows] == ["active"] * 30 + ["pending"]
    with in_organization(acme):
        assert AccessGrant.objects.count() == 31
        assert CourseRun.objects.get(pk=run_id).enrollments.count() == 31


def _text(instant: Any) -> str:
    return str(instant.isoformat().replace("+00:00", "Z"))
