"""For every 403 that a learner can meet, `why` names the link that is closed."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from api.core import permissions as api_permissions
from billing import errors as billing_errors
from billing.models import SeatAssignment
from shared_apps.accounts.models import Membership, PersonalAccessToken
from shared_apps.accounts.tokens import PERSONAL_PREFIX, hash_secret, new_secret
from shared_apps.core import clock
from shared_apps.core import errors as core_errors
from shared_apps.core.actors import Role
from shared_apps.core.errors import DomainError, Kind
from tenant_apps.courses import errors as courses_errors
from tenant_apps.courses.models import Course
from tenant_apps.learning import errors as learning_errors
from tenant_apps.learning.policies import LinkName
from tenant_apps.learning.policies.refusals import REFUSALS
from tenant_apps.runs import errors as runs_errors
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.ruled_courses import LessonPlan, ModulePlan, make_ruled_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.client import Caller
from tests.support.measures import statements
from tests.support.subscriptions import make_subscription

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen_at(NOW):
        yield


@dataclass
class Scene:
    """A learner at the second lesson of a sequential course."""

    organization: Organization
    learner: Membership
    course: PublishedCourse
    run_id: uuid.UUID
    enrollment_id: uuid.UUID

    @property
    def lesson(self) -> str:
        return f"/api/v1/my-courses/{self.enrollment_id}/lessons/{self.course.lesson_ids[1]}"

    def change_run(self, **facts: Any) -> None:
        with in_organization(self.organization):
            CourseRun.objects.filter(pk=self.run_id).update(**facts)

    def change_enrollment(self, **facts: Any) -> None:
        with in_organization(self.organization):
            Enrollment.objects.filter(pk=self.enrollment_id).update(**facts)


@pytest.fixture
def scene(acme: Organization, member: Make) -> Callable[..., Scene]:
    def make(*, released: bool = True, sequential: bool = False) -> Scene:
        rule = {} if released else {"release": {"kind": "days", "days": 3}}
        plan = [ModulePlan([LessonPlan(), LessonPlan(rule)])]
        course = make_ruled_course(acme, plan, rules={"sequential": sequential})
        learner, run_id = member(acme), make_run(acme, course)
        enrollment = make_enrollment(acme, run_id, learner.id, activated_at=NOW)
        return Scene(acme, learner, course, run_id, enrollment)

    return make


def _close_enrollment(scene: Scene) -> None:
    scene.change_enrollment(state=EnrollmentState.SUSPENDED)


def _close_grant(scene: Scene) -> None:
    scene.change_enrollment(expires_at=NOW)


def _close_run(scene: Scene) -> None:
    scene.change_run(starts_at=NOW + timedelta(days=1))


def _close_seat(scene: Scene) -> None:
    make_subscription(scene.organization, 1)


def _close_subscription(scene: Scene) -> None:
    _close_organization(scene, closed_from=NOW)


def _close_organization(scene: Scene, **facts: Any) -> None:
    with in_public():
        for name, value in facts.items():
            setattr(scene.organization, name, value)
        scene.organization.save_fields(*facts)


def _nothing(scene: Scene) -> None:
    """Release and order are rules of the course, made with it."""


# In the order of the chain: what closes the link, its code, its name.
CLOSERS: list[tuple[Callable[[Scene], None], str, LinkName]] = [
    (_close_subscription, "organization_closed", LinkName.SUBSCRIPTION),
    (_close_enrollment, "enrollment_not_active", LinkName.ENROLLMENT),
    (_close_grant, "enrollment_expired", LinkName.GRANT),
    (_close_run, "run_not_open", LinkName.RUN),
    (_close_seat, "seat_needed", LinkName.SEAT),
    (_nothing, "lesson_not_released", LinkName.RELEASE),
    (_nothing, "lesson_locked", LinkName.PREREQUISITE),
]
COMBINED = [pair for size in (1, 2, 3) for pair in combinations(range(len(CLOSERS)), size)]


@pytest.mark.feature("M11")
@pytest.mark.feature("ENT-03")
@pytest.mark.parametrize("closed", COMBINED, ids=lambda places: "+".join(CLOSERS[each][1] for each in places))
def test_every_refusal_is_explained_by_the_link_that_closed(
    scene: Callable[..., Scene], sign_in: Sign, closed: tuple[int, ...]
) -> None:
    names = {CLOSERS[each][2] for each in closed}
    found = scene(released=LinkName.RELEASE not in names, sequential=LinkName.PREREQUISITE in names)
    caller = sign_in(found.organization, found.learner)
    for each in closed:
        CLOSERS[each][0](found)

    answers = [caller.get(found.lesson), caller.post(f"{found.lesson}/complete")]
    explained = [caller.get(answer.json()["why"]).json() for answer in answers]

    _, code, name = CLOSERS[closed[0]]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert [answer.json()["code"] for answer in answers] == [code, code]
    assert [each["code"] for each in explained] == [code, code]
    assert [each["closing"]["name"] for each in explained] == [name, name]
    # Every closed link is shown, not only the first.
    assert {link["name"] for link in explained[0]["links"] if not link["is_open"]} == names
    facts = answers[0].json().get("facts", {})
    if name is not LinkName.SUBSCRIPTION:
        assert facts == {key: explained[0]["closing"]["facts"][key] for key in facts}


@pytest.mark.feature("M11")
def test_an_open_lesson_is_explained_as_open(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene()
    caller = sign_in(found.organization, found.learner)

    why = caller.get(f"{found.lesson}/why").json()

    assert caller.get(found.lesson).status_code == 200
    assert (why["is_open"], why["code"], why["closing"]) == (True, None, None)
    assert [link["name"] for link in why["links"]] == [
        "membership",
        "role",
        "subscription",
        "enrollment",
        "grant",
        "run",
        "seat",
        "lesson",
        "release",
        "prerequisite",
    ]


@pytest.mark.feature("M11")
@pytest.mark.feature("P23")
def test_what_changes_by_itself_says_when_in_utc_and_on_the_learners_clock(
    scene: Callable[..., Scene], sign_in: Sign
) -> None:
    found = scene(released=False)
    with in_public():
        found.learner.user.timezone = "Europe/Berlin"
        found.learner.user.save(update_fields=["timezone"])

    closing = sign_in(found.organization, found.learner).get(f"{found.lesson}/why").json()["closing"]

    assert closing["by_itself"] is True
    assert closing["changes_at"] == "2026-12-04T12:00:00Z"
    assert closing["changes_local"] == "2026-12-04T13:00:00+01:00"


def _personal_token(found: Scene) -> Caller:
    token = new_secret(PERSONAL_PREFIX)
    with in_public():
        PersonalAccessToken.objects.create(
            user_id=found.learner.user_id,
            organization=found.organization,
            membership=found.learner,
            name="reads",
            prefix=token[:12],
            token_hash=hash_secret(token),
            scopes=["read"],
        )
    return Caller(host_of(found.organization.slug), token)


@pytest.mark.feature("M11")
def test_a_token_that_only_reads_is_named(scene: Callable[..., Scene]) -> None:
    found = scene()
    caller = _personal_token(found)

    answer = caller.post(f"{found.lesson}/complete")
    why = caller.get(answer.json()["why"]).json()

    assert (answer.status_code, answer.json()["code"]) == (403, "token_scope")
    assert (why["code"], why["closing"]["name"]) == ("token_scope", "role")


@pytest.mark.feature("M11")
def test_reading_goes_on_where_an_organization_is_read_only(
    scene: Callable[..., Scene], sign_in: Sign
) -> None:
    found = scene()
    _close_organization(found, read_only_from=NOW)
    caller = sign_in(found.organization, found.learner)

    assert caller.get(found.lesson).status_code == 200
    assert caller.get(f"{found.lesson}/why").json()["is_open"] is True
    answer = caller.post(f"{found.lesson}/complete")
    why = caller.get(answer.json()["why"]).json()
    assert (answer.status_code, answer.json()["code"]) == (403, "organization_read_only")
    assert (why["code"], why["closing"]["name"]) == ("organization_read_only", "subscription")


@pytest.mark.feature("M11")
def test_a_switch_is_named_for_notes_and_for_nothing_else(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene()
    with in_organization(found.organization):
        Course.objects.filter(pk=found.course.course_id).update(switches={"notes": False})
    caller = sign_in(found.organization, found.learner)

    reading = caller.get(f"{found.lesson}/marks")
    writing = caller.post(f"{found.lesson}/marks", {"kind": "bookmark"})

    for answer in (reading, writing):
        assert (answer.status_code, answer.json()["code"]) == (403, "switched_off")
        why = caller.get(answer.json()["why"]).json()
        assert (why["code"], why["closing"]["name"]) == ("switched_off", "switch")
    assert caller.get(f"{found.lesson}/why").json()["is_open"] is True


@pytest.mark.feature("M11")
@pytest.mark.parametrize(
    ("role", "path", "needed"),
    [
        (Role.LEARNER, "runs/{run}/progress", "runs.roster"),
        (Role.MANAGER, "enrollments/{enrollment}/restart", "learning.teach"),
        (Role.MANAGER, "enrollments/{enrollment}/complete", "learning.teach"),
    ],
)
def test_a_missing_right_is_named(
    scene: Callable[..., Scene], member: Make, sign_in: Sign, role: Role, path: str, needed: str
) -> None:
    found = scene()
    caller = sign_in(found.organization, found.learner)
    if role is Role.MANAGER:
        boss = member(found.organization, Role.MANAGER)
        with in_organization(found.organization):
            Enrollment.objects.get(pk=found.enrollment_id).member.__class__.objects.filter(
                pk=found.learner.id
            ).update(manager_id=boss.id)
        caller = sign_in(found.organization, boss)
    url = "/api/v1/" + path.format(run=found.run_id, enrollment=found.enrollment_id)

    answer = caller.get(url) if "progress" in path else caller.post(url, {"reason": "Again"})
    why = caller.get(answer.json()["why"]).json()

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (why["code"], why["closing"]["name"]) == ("forbidden", "role")
    assert why["closing"]["facts"]["needed"] == needed == answer.json()["facts"]["needed"]


@pytest.mark.feature("M11")
def test_somebody_outside_is_told_that_and_why_they_cannot_join(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, outsider = make_published_course(acme), member(acme)
    run_id = make_run(acme, course, is_open_to_members=True)
    caller = sign_in(acme, outsider)

    of_course = caller.get(f"/api/v1/courses/{course.course_id}/why").json()
    with in_organization(acme):
        CourseRun.objects.filter(pk=run_id).update(enrollment_closes_at=NOW)
    of_run = caller.get(f"/api/v1/runs/{run_id}/why").json()
    joining = caller.get(f"/api/v1/runs/{run_id}/why?act=join").json()

    assert (of_course["code"], of_course["closing"]["name"]) == ("not_enrolled", "enrollment")
    assert of_run["code"] == "not_enrolled"
    assert (joining["code"], joining["closing"]["name"]) == ("enrollment_window_closed", "offer")
    assert joining["closing"]["changes_at"] is None
    with in_organization(acme):
        window = {"enrollment_opens_at": NOW + timedelta(days=400), "enrollment_closes_at": None}
        CourseRun.objects.filter(pk=run_id).update(**window)
    later = caller.get(f"/api/v1/runs/{run_id}/why?act=join").json()["closing"]
    assert (later["code"], later["by_itself"]) == ("enrollment_window_closed", True)
    assert datetime.fromisoformat(later["changes_at"]) == NOW + timedelta(days=400)


@pytest.mark.feature("M11")
def test_a_place_that_costs_says_so_before_somebody_tries_to_join(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id = make_run(
        acme, make_published_course(acme), is_open_to_members=True, price_minor=4900, currency="eur"
    )
    caller = sign_in(acme, member(acme))

    why = caller.get(f"/api/v1/runs/{run_id}/why?act=join").json()["closing"]
    refused = caller.post(f"/api/v1/runs/{run_id}/join")

    assert (refused.status_code, refused.json()["code"]) == (402, "payment_needed")
    assert (why["name"], why["code"], why["facts"]) == ("offer", "payment_needed", refused.json()["facts"])


@pytest.mark.feature("M11")
def test_access_that_begins_later_says_when(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene()
    with in_organization(found.organization):
        AccessGrant.objects.filter(enrollment_id=found.enrollment_id).update(
            starts_at=NOW + timedelta(hours=1)
        )
    caller = sign_in(found.organization, found.learner)

    answer = caller.get(found.lesson)
    why = caller.get(answer.json()["why"]).json()

    assert answer.json()["code"] == why["code"] == "access_not_begun"
    assert why["closing"]["changes_at"] == "2026-12-01T13:00:00Z"
    assert len(why["closing"]["facts"]["grants"]) == 1


@pytest.mark.feature("M11")
def test_staff_ask_about_a_learner_and_others_learn_nothing(
    scene: Callable[..., Scene], member: Make, sign_in: Sign
) -> None:
    found = scene(sequential=True)
    with in_public():
        Membership.objects.filter(pk=found.learner.pk).update(status="suspended")
    path = f"/api/v1/enrollments/{found.enrollment_id}/why?lesson={found.course.lesson_ids[1]}"

    why = sign_in(found.organization, Role.ADMIN).get(path).json()

    assert (why["code"], why["closing"]["name"]) == ("membership_not_active", "membership")
    assert [link["name"] for link in why["links"] if not link["is_open"]] == ["membership", "prerequisite"]
    assert sign_in(found.organization, Role.MANAGER).get(path).status_code == 404
    assert sign_in(found.organization, Role.INSTRUCTOR).get(path).status_code == 404
    assert sign_in(found.organization, member(found.organization)).get(path).status_code == 404


@pytest.mark.feature("M11")
def test_an_explanation_takes_at_most_ten_statements(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene(sequential=True)
    learner, admin = sign_in(found.organization, found.learner), sign_in(found.organization, Role.ADMIN)
    counts = []
    for caller, path in [
        (learner, f"{found.lesson}/why"),
        (learner, f"/api/v1/my-courses/{found.enrollment_id}/why"),
        (learner, f"/api/v1/runs/{found.run_id}/why"),
        (learner, f"/api/v1/courses/{found.course.course_id}/why"),
        (admin, f"/api/v1/enrollments/{found.enrollment_id}/why?lesson={found.course.lesson_ids[1]}"),
    ]:
        with statements() as seen:
            assert caller.get(path).status_code == 200
        counts.append(len(seen))

    assert max(counts) <= 10, counts


@pytest.mark.feature("ENT-03")
def test_guessing_ids_tells_nothing(scene: Callable[..., Scene], member: Make, sign_in: Sign) -> None:
    found = scene()
    other = sign_in(found.organization, member(found.organization))
    unknown = uuid.uuid4()
    own = sign_in(found.organization, found.learner)

    for path in (found.lesson, f"{found.lesson}/why", f"/api/v1/my-courses/{found.enrollment_id}/why"):
        assert other.get(path).status_code == 404
    for path in (
        f"/api/v1/my-courses/{unknown}/why",
        f"/api/v1/my-courses/{found.enrollment_id}/lessons/{unknown}/why",
        f"/api/v1/my-courses/{found.enrollment_id}/lessons/{unknown}",
        f"/api/v1/enrollments/{unknown}/why",
        f"/api/v1/runs/{unknown}/why",
        f"/api/v1/courses/{unknown}/why",
    ):
        assert own.get(path).status_code == 404, path
    assert own.post(f"/api/v1/my-courses/{found.enrollment_id}/lessons/{unknown}/complete").status_code == 404


def test_an_unknown_act_is_refused(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene()
    caller = sign_in(found.organization, found.learner)

    for act in ("dance", "courses.edit", "billing.manage"):
        answer = caller.get(f"{found.lesson}/why?act={act}")
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_act")


# Refusals of learners' routes stand in these modules; the ones below are not about learning.
_MODULES = (learning_errors, courses_errors, runs_errors, api_permissions, core_errors, billing_errors)
_ELSEWHERE = {
    "instructor_barred": "who may author; staff routes of courses",
    "self_approval": "publishing",
    "seat_self_claim_off": "taking a seat; what lacks of learning is then `seat_needed`",
    "not_your_report": "who may enrol whom; staff routes of runs",
    "not_yours_to_leave": "leaving what somebody else put one into; nothing is closed by it",
}


def _forbidden() -> Iterator[type[DomainError]]:
    for module in _MODULES:
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, DomainError) and each.kind is Kind.FORBIDDEN:
                yield each


@pytest.mark.feature("M11")
def test_no_refusal_is_without_a_link() -> None:
    codes = {each.code for each in _forbidden()}

    assert sorted(codes - set(REFUSALS) - set(_ELSEWHERE)) == []
    assert {"run_not_open", "lesson_locked", "token_scope", "switched_off"} <= codes


def test_seat_and_state_cannot_be_seen_from_outside(scene: Callable[..., Scene], sign_in: Sign) -> None:
    found = scene()
    subscription = make_subscription(found.organization, 1)
    with in_public():
        SeatAssignment.objects.create(
            subscription=subscription, organization_id=found.organization.id, membership=found.learner
        )
    found.change_run(state=RunState.CLOSED)

    assert sign_in(found.organization, found.learner).get(found.lesson).status_code == 200
