"""When lessons open, in which order, and what completes them."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.courses.models import Course
from tenant_apps.learning.models import CourseProgress, LessonRecord
from tenant_apps.learning.services.completing import do_complete_linked
from tenant_apps.learning.services.recounting import recount_progress
from tenant_apps.runs.models import RunDate
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse
from tests.factories.ruled_courses import LessonPlan, ModulePlan, make_ruled_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Place:
    """A learner in a run of the course."""

    def __init__(
        self,
        organization: Organization,
        member: Make,
        sign_in: Sign,
        course: PublishedCourse,
        *,
        zone: str = "UTC",
        begun: str = "2026-01-01T00:00Z",
        run_zone: str = "UTC",
    ) -> None:
        self.organization, self.course = organization, course
        self.learner = member(organization)
        User.objects.filter(pk=self.learner.user_id).update(timezone=zone)
        self.run_id = make_run(organization, course, timezone=run_zone)
        self.enrollment_id = make_enrollment(
            organization, self.run_id, self.learner.id, activated_at=_at(begun), started_at=_at(begun)
        )
        self.caller = sign_in(organization, self.learner)

    def path(self, place: int) -> str:
        return f"/api/v1/my-courses/{self.enrollment_id}/lessons/{self.course.lesson_ids[place]}"

    def code(self, place: int, at: str | None = None) -> str:
        """Return "open", or the code that opening meets; the tree, and completing, must say the same."""
        with clock.frozen_at(_at(at) if at else clock.now()):
            answer = self.caller.get(self.path(place))
            shown = self.line(place)["access"]
        found = "open" if answer.status_code == 200 else answer.json()["code"]
        assert shown == found
        return str(found)

    def complete(self, place: int, at: str | None = None) -> Any:
        with clock.frozen_at(_at(at) if at else clock.now()):
            return self.caller.post(f"{self.path(place)}/complete")

    def line(self, place: int) -> dict[str, Any]:
        tree = self.caller.get(f"/api/v1/my-courses/{self.enrollment_id}").json()
        lessons = [lesson for module in tree["modules"] for lesson in module["lessons"]]
        lines = [line for lesson in lessons for line in (lesson, *lesson["topics"])]
        wanted = str(self.course.lesson_ids[place])
        return next(line for line in lines if line["id"] == wanted)


# label, learner's zone, start of the attempt, rule, the instant it opens at
DRIPS = [
    (
        "days at the same time of day, over the change to summer time",
        "Europe/Berlin",
        "2026-03-27T08:30Z",
        {"kind": "days", "days": 3},
        "2026-03-30T07:30Z",
    ),
    (
        "days at a wall time, back to winter time",
        "Europe/Berlin",
        "2026-10-23T20:00Z",
        {"kind": "days", "days": 3, "at": "09:00"},
        "2026-10-26T08:00Z",
    ),
    (
        "the learner's day, not the server's",
        "America/New_York",
        "2026-03-07T03:00Z",
        {"kind": "days", "days": 2, "at": "09:00"},
        "2026-03-08T13:00Z",
    ),
    (
        "a wall time that the night skips",
        "America/New_York",
        "2026-03-07T12:00Z",
        {"kind": "days", "days": 1, "at": "02:30"},
        "2026-03-08T07:00Z",
    ),
    (
        "half an hour of summer time",
        "Australia/Lord_Howe",
        "2026-10-02T00:00Z",
        {"kind": "date", "local": "2026-10-04T02:15"},
        "2026-10-03T15:30Z",
    ),
    (
        "a midnight that does not exist",
        "America/Santiago",
        "2026-09-01T00:00Z",
        {"kind": "date", "local": "2026-09-06T00:00"},
        "2026-09-06T04:00Z",
    ),
    (
        "an hour that comes twice opens the first time",
        "Africa/Casablanca",
        "2026-02-01T00:00Z",
        {"kind": "date", "local": "2026-02-15T02:30"},
        "2026-02-15T01:30Z",
    ),
    (
        "a date in the run's zone",
        "Asia/Tokyo",
        "2026-03-01T00:00Z",
        {"kind": "date", "local": "2026-03-29T09:00", "zone": "run"},
        "2026-03-29T07:00Z",
    ),
]


@pytest.mark.feature("CNT-14")
@pytest.mark.feature("CNT-15")
@pytest.mark.feature("P23")
@pytest.mark.parametrize("of_module", [False, True], ids=["lesson", "module"])
@pytest.mark.parametrize(("label", "zone", "begun", "rule", "opens"), DRIPS, ids=[each[0] for each in DRIPS])
def test_it_opens_at_the_right_instant_for_each_learner(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    label: str,
    zone: str,
    begun: str,
    rule: dict[str, Any],
    opens: str,
    of_module: bool,
) -> None:
    release = {"release": rule}
    lesson = LessonPlan({} if of_module else release)
    course = make_ruled_course(acme, [ModulePlan([lesson], release if of_module else {})])
    place = Place(acme, member, sign_in, course, zone=zone, begun=begun, run_zone="Europe/Berlin")
    instant = _at(opens)
    before = (instant - timedelta(microseconds=1)).isoformat()

    assert place.code(0, before) == "lesson_not_released"
    assert place.complete(0, before).status_code == 403
    with clock.frozen_at(_at(before)):
        line = place.line(0)
        refusal = place.caller.get(place.path(0)).json()
    assert _at(line["opens_at"]) == instant == _at(line["opens_local"])
    assert _at(refusal["facts"]["opens_at"]) == instant
    assert place.code(0, opens) == "open"
    assert place.complete(0, opens).status_code == 200


@pytest.mark.feature("CNT-14")
@pytest.mark.feature("CNT-15")
def test_after_a_unit_counts_from_its_completion(acme: Organization, member: Make, sign_in: Sign) -> None:
    first, second = LessonPlan(), LessonPlan()
    opening = ModulePlan([first, second])
    next_day = LessonPlan({"release": {"kind": "after", "unit": str(first.lineage), "days": 1}})
    closing = ModulePlan(
        [next_day, LessonPlan({"release": {"kind": "after", "unit": str(opening.lineage), "days": 0}})]
    )
    place = Place(acme, member, sign_in, make_ruled_course(acme, [opening, closing]), zone="Europe/Berlin")

    assert place.code(2) == "lesson_not_released"
    refusal = place.caller.get(place.path(2)).json()["facts"]
    assert (refusal["opens_at"], refusal["waits_for"][0]["title"]) == (None, "Lesson 1")
    place.complete(0, "2026-03-28T10:00Z")
    # A day over the change to summer time has 23 hours.
    assert place.code(2, "2026-03-29T08:59:59Z") == "lesson_not_released"
    assert place.code(2, "2026-03-29T09:00Z") == "open"
    assert place.code(3, "2026-03-29T09:00Z") == "lesson_not_released"
    place.complete(1, "2026-03-30T10:00Z")
    assert place.code(3, "2026-03-30T10:00Z") == "open"


@pytest.mark.feature("CNT-15")
@pytest.mark.feature("P23")
def test_dates_of_the_run_stand_before_those_of_the_version(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    far = {"kind": "date", "local": "2030-01-01T09:00"}
    plan = LessonPlan({"release": far, "due": far})
    place = Place(
        acme, member, sign_in, make_ruled_course(acme, [ModulePlan([plan])]), run_zone="America/New_York"
    )
    assert place.code(0) == "lesson_not_released"

    with in_organization(acme):
        RunDate.objects.create(
            run_id=place.run_id,
            lineage=plan.lineage,
            opens_local="2026-03-08T02:30",
            due_local="2026-11-01T01:30",
        )

    assert place.code(0, "2026-03-08T06:59:59Z") == "lesson_not_released"
    assert place.code(0, "2026-03-08T07:00Z") == "open"
    assert place.line(0)["due_at"] == "2026-11-01T05:30:00Z"
    assert place.line(0)["due_local"] == "2026-11-01T05:30:00+00:00"


@pytest.mark.feature("CNT-14")
def test_a_course_that_switches_drip_off_opens_everything(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = LessonPlan({"release": {"kind": "days", "days": 3_000}})
    place = Place(acme, member, sign_in, make_ruled_course(acme, [ModulePlan([plan])]))
    assert place.code(0) == "lesson_not_released"

    with in_organization(acme):
        Course.objects.filter(pk=place.course.course_id).update(switches={"drip": False})

    assert place.code(0) == "open"


@pytest.mark.feature("CNT-12")
@pytest.mark.feature("CNT-19")
@pytest.mark.feature("PRG-02")
def test_in_a_sequence_the_next_lesson_opens_with_the_one_before(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = [ModulePlan([LessonPlan(), LessonPlan({"is_required": False})]), ModulePlan([LessonPlan()])]
    place = Place(acme, member, sign_in, make_ruled_course(acme, plan, rules={"sequential": True}))

    assert [place.code(each) for each in range(3)] == ["open", "lesson_locked", "lesson_locked"]
    refused = place.complete(2)
    assert (refused.status_code, refused.json()["code"]) == (403, "lesson_locked")
    assert [each["title"] for each in refused.json()["facts"]["requires"]] == ["Lesson 1"]
    with in_organization(acme):
        assert LessonRecord.objects.filter(completed_at__isnull=False).count() == 0
    place.complete(0)
    # What is not required holds nobody up.
    assert [place.code(each) for each in range(3)] == ["open", "open", "open"]
    assert place.complete(2).json()["state"] == "completed"


@pytest.mark.feature("CNT-12")
def test_what_is_required_first_may_be_a_lesson_or_a_module(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    basics = ModulePlan([LessonPlan(), LessonPlan()])
    single = LessonPlan()
    last = LessonPlan({"requires": [str(single.lineage), str(basics.lineage)]})
    place = Place(acme, member, sign_in, make_ruled_course(acme, [basics, ModulePlan([single, last])]))

    def missing() -> list[str]:
        answer = place.caller.get(place.path(3)).json()
        return [each["title"] for each in answer["facts"]["requires"]] if "facts" in answer else []

    assert missing() == ["Lesson 3", "Module 1"]
    place.complete(2)
    place.complete(0)
    assert missing() == ["Module 1"]
    place.complete(1)
    assert place.code(3) == "open"


@pytest.mark.feature("CNT-03")
@pytest.mark.feature("PRG-01")
def test_a_lesson_with_required_topics_completes_with_the_last_of_them(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    topics = [LessonPlan(), LessonPlan({"is_required": False}), LessonPlan()]
    course = make_ruled_course(acme, [ModulePlan([LessonPlan(topics=topics), LessonPlan()])])
    place = Place(acme, member, sign_in, course)

    by_hand = place.complete(0)
    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "topics_open")
    assert [each["title"] for each in by_hand.json()["facts"]["requires"]] == ["Lesson 2", "Lesson 4"]
    assert place.complete(1).json()["completed"] == 0
    done = place.complete(3).json()
    assert (done["completed"], done["total"], done["percent"]) == (1, 2, 50)
    assert place.line(0)["is_completed"] is True
    assert place.complete(0).status_code == 200
    with in_organization(acme):
        assert recount_progress() == []


@pytest.mark.feature("PRG-03")
def test_by_percent_the_course_completes_when_enough_weight_is_done(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = [ModulePlan([LessonPlan({"weight": 5}), LessonPlan({"weight": 3}), LessonPlan({"weight": 2})])]
    rules = {"completion": {"kind": "percent", "percent": 80}}
    place = Place(acme, member, sign_in, make_ruled_course(acme, plan, rules=rules))

    answers = [place.complete(each).json() for each in (0, 2, 1)]

    assert [(each["percent"], each["state"]) for each in answers] == [
        (50, "active"),
        (70, "active"),
        (100, "completed"),
    ]
    assert OutboxMessage.objects.filter(topic="event.course_completed").count() == 1


@pytest.mark.feature("PRG-03")
def test_by_hand_only_who_teaches_says_that_it_is_complete(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    rules = {"completion": {"kind": "manual"}}
    place = Place(acme, member, sign_in, make_ruled_course(acme, [ModulePlan([LessonPlan()])], rules=rules))
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/enrollments/{place.enrollment_id}/complete"

    assert place.complete(0).json()["state"] == "active"
    assert place.caller.post(path).status_code == 403
    answers = [admin.post(path), admin.post(path)]

    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].json()["attempts"][0]["state"] == "completed"
    assert OutboxMessage.objects.filter(topic="event.course_completed").count() == 1


def test_nobody_completes_their_own_course_by_hand(acme: Organization, member: Make, sign_in: Sign) -> None:
    rules = {"completion": {"kind": "manual"}}
    place = Place(acme, member, sign_in, make_ruled_course(acme, [ModulePlan([LessonPlan()])], rules=rules))
    boss = member(acme, Role.ADMIN)
    own = make_enrollment(acme, place.run_id, boss.id)

    answer = sign_in(acme, boss).post(f"/api/v1/enrollments/{own}/complete")

    assert (answer.status_code, answer.json()["code"]) == (409, "own_completion")


@pytest.mark.feature("PRG-03")
def test_a_course_with_a_rule_is_not_completed_by_hand(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    place = Place(acme, member, sign_in, make_ruled_course(acme, [ModulePlan([LessonPlan()])]))

    answer = sign_in(acme, Role.ADMIN).post(f"/api/v1/enrollments/{place.enrollment_id}/complete")

    assert (answer.status_code, answer.json()["code"]) == (409, "course_completes_by_rule")


@pytest.mark.feature("CNT-10")
def test_a_linked_lesson_is_completed_by_its_object_alone(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    quiz = LessonPlan({"kind": "quiz"})
    place = Place(acme, member, sign_in, make_ruled_course(acme, [ModulePlan([quiz])]))

    by_hand = place.complete(0)
    with in_organization(acme):
        done = [
            do_complete_linked(
                member_id=place.learner.id, enrollment_id=place.enrollment_id, lineage=quiz.lineage
            )
            for _ in range(2)
        ]
        unknown = do_complete_linked(
            member_id=place.learner.id, enrollment_id=place.enrollment_id, lineage=uuid.uuid4()
        )

    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "lesson_completes_by_itself")
    assert [each.state for each in done if each] == ["completed", "completed"]
    assert unknown is None
    assert OutboxMessage.objects.filter(topic="event.course_completed").count() == 1


@pytest.mark.feature("CNT-12")
def test_flags_of_a_tree_with_every_rule_take_no_statement_more(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    rule = {"release": {"kind": "days", "days": 1}, "due": {"kind": "days", "days": 9}}
    plan = [
        ModulePlan([LessonPlan(dict(rule), [LessonPlan()]) for _ in range(5)], dict(rule)) for _ in range(3)
    ]
    place = Place(acme, member, sign_in, make_ruled_course(acme, plan, rules={"sequential": True}))
    path = f"/api/v1/my-courses/{place.enrollment_id}"
    place.caller.get(path)

    with statements() as seen:
        place.caller.get(path)

    assert len(seen) == 2


@pytest.mark.feature("PRG-01")
@pytest.mark.parametrize("seed", range(4))
def test_counters_equal_a_recount_and_are_mended_when_they_do_not(
    acme: Organization, member: Make, sign_in: Sign, seed: int
) -> None:
    chance = random.Random(seed)
    plan = [
        ModulePlan(
            [
                LessonPlan(
                    {"weight": chance.randint(0, 4), "is_required": chance.random() < 0.7},
                    [LessonPlan({"is_required": chance.random() < 0.7}) for _ in range(chance.randint(0, 2))],
                )
                for _ in range(3)
            ]
        )
        for _ in range(2)
    ]
    place = Place(acme, member, sign_in, make_ruled_course(acme, plan))
    admin = sign_in(acme, Role.ADMIN)

    for step in chance.choices(range(len(place.course.lesson_ids)), k=15):
        if chance.random() < 0.1:
            admin.post(f"/api/v1/enrollments/{place.enrollment_id}/restart", {"reason": "Again"})
        (place.caller.get(place.path(step)) if chance.random() < 0.3 else place.complete(step))
        with in_organization(acme):
            assert recount_progress() == []
            stored = CourseProgress.objects.filter(pk=place.enrollment_id).first()
        shown = place.caller.get(f"/api/v1/my-courses/{place.enrollment_id}").json()["progress"]
        assert shown["completed"] == (stored.completed_count if stored else 0)

    with in_organization(acme):
        CourseProgress.objects.get_or_create(pk=place.enrollment_id)
        right = _counters(place.enrollment_id)
        CourseProgress.objects.filter(pk=place.enrollment_id).update(completed_count=99, completed_weight=0)
        assert recount_progress(run_id=place.run_id) == [place.enrollment_id]
        assert _counters(place.enrollment_id) == right
        assert recount_progress() == []


def _counters(enrollment_id: uuid.UUID) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT completed_count, required_completed_count, completed_weight"
            "  FROM learning_courseprogress WHERE enrollment_id = %s",
            [enrollment_id],
        )
        return tuple(cursor.fetchone())


def test_days_count_from_the_start_of_the_run_at_the_earliest(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = LessonPlan({"release": {"kind": "days", "days": 1}})
    course = make_ruled_course(acme, [ModulePlan([plan])])
    learner = member(acme)
    starts = datetime(2026, 5, 4, 12, tzinfo=UTC)
    enrollment_id = make_enrollment(
        acme,
        make_run(acme, course, starts_at=starts),
        learner.id,
        activated_at=starts - timedelta(days=30),
    )
    path = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"

    caller = sign_in(acme, learner)

    with clock.frozen_at(starts):
        answer = caller.get(path)

    assert answer.json()["facts"]["opens_at"] == "2026-05-05T12:00:00Z"


@pytest.mark.feature("P23")
@pytest.mark.parametrize(
    ("label", "zone", "begun", "rule", "instant"), DRIPS, ids=[each[0] for each in DRIPS]
)
def test_a_deadline_comes_as_an_instant_and_as_the_learners_clock_shows_it(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    label: str,
    zone: str,
    begun: str,
    rule: dict[str, Any],
    instant: str,
) -> None:
    # The module's deadline holds for its topics too; a lesson's own stands before it.
    own = LessonPlan({"due": {"kind": "date", "local": "2030-06-01T12:00"}})
    module = ModulePlan([LessonPlan(topics=[LessonPlan()]), own], {"due": rule})
    course = make_ruled_course(acme, [module])
    place = Place(acme, member, sign_in, course, zone=zone, begun=begun, run_zone="Europe/Berlin")

    due = _at(instant)

    for number in (0, 1):
        line = place.line(number)
        assert _at(line["due_at"]) == due
        assert line["due_at"].endswith("Z")
        assert line["due_local"] == due.astimezone(ZoneInfo(zone)).isoformat()
    assert place.line(2)["due_local"].startswith("2030-06-01T12:00:00")
    assert place.code(0) == "open", "a deadline closes nothing"
