"""What players tell: late, twice, out of order, or wrong; the server's clock bounds it."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from tenant_apps.courses.enums import LessonKind, VersionState
from tenant_apps.courses.models import CourseVersion, Lesson
from tenant_apps.learning.content.watching import Report, fold
from tenant_apps.learning.models import CourseProgress, LessonRecord
from tenant_apps.learning.services.reports import report_watching, report_watching_later
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel, statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _actor(membership: Membership) -> Actor:
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=Role.LEARNER,
    )


def _video(organization: Organization, *, seconds: int = 600) -> PublishedCourse:
    """A course whose first lesson is a video of that length."""
    first = make_published_course(organization)
    course = publish_another_version(organization, first.course_id, published=False)
    with in_organization(organization):
        Lesson.objects.filter(pk=course.lesson_ids[0]).update(
            kind=LessonKind.VIDEO, duration_seconds=seconds, media_url="https://cdn.example/a.mp4"
        )
        CourseVersion.objects.filter(pk=course.version_id).update(
            state=VersionState.PUBLISHED, published_at=clock.now(), lesson_count=6, required_count=6
        )
    return course


def _learner(
    organization: Organization, member: Make, course: PublishedCourse
) -> tuple[Membership, uuid.UUID]:
    learner = member(organization)
    return learner, make_enrollment(organization, make_run(organization, course), learner.id)


def _path(enrollment_id: uuid.UUID, course: PublishedCourse, place: int = 0) -> str:
    return f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}"


def _told(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["position_seconds"], body["watched_seconds"], body["reached_percent"]


@pytest.mark.feature("PRG-04")
@pytest.mark.feature("CNT-06")
def test_a_learner_goes_on_where_the_player_was(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)

    with clock.frozen_at(NOON):
        first = caller.post(f"{path}/report", {"position_seconds": 0})
    with clock.frozen_at(_after(60)):
        second = caller.post(f"{path}/report", {"position_seconds": 90, "watched_seconds": 60})

    assert _told(first) == (0, 0, 0)
    assert second.json() == {
        "lesson_id": str(course.lesson_ids[0]),
        "position_seconds": 90,
        "watched_seconds": 60,
        "reached_percent": 15,
        "view_count": 1,
        "completed_at": None,
    }


@pytest.mark.feature("PRG-04")
def test_watched_time_grows_no_faster_than_the_servers_clock(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)
    lie = {"position_seconds": 5, "watched_seconds": 1_000_000}

    found = []
    for seconds in (0, 10, 10, 10.9, 70, 70):
        with clock.frozen_at(_after(seconds)):
            found.append(_told(caller.post(f"{path}/report", lie))[1])

    assert found == [0, 10, 10, 10, 69, 69]


@pytest.mark.feature("PRG-04")
def test_a_report_from_the_future_or_the_stone_age_buys_no_time(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)
    lies = [
        {"at": "2099-01-01T00:00:00Z"},
        {"at": "1970-01-01T00:00:00Z"},
        {"at": "0001-01-01T00:00:00Z", "sent_at": "9999-12-31T23:59:59Z"},
        {"at": "9999-12-31T23:59:59Z", "sent_at": "0001-01-01T00:00:00Z"},
    ]

    found = []
    for seconds in (0, 10, 20):
        for lie in lies:
            with clock.frozen_at(_after(seconds)):
                answer = caller.post(f"{path}/report", {"position_seconds": 1, "watched_seconds": 9999} | lie)
            found.append(_told(answer)[1])

    assert found == [0] * 4 + [10] * 4 + [20] * 4


@pytest.mark.feature("PRG-04")
def test_an_older_report_moves_nothing_back(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)

    def report(received: float, at: float, position: int, watched: int) -> tuple[int, int, int]:
        body = {"position_seconds": position, "watched_seconds": watched, "at": _after(at).isoformat()}
        with clock.frozen_at(_after(received)):
            return _told(caller.post(f"{path}/report", body))

    assert report(0, 0, 0, 0) == (0, 0, 0)
    assert report(100, 100, 300, 100) == (300, 100, 50)
    assert report(101, 40, 540, 40) == (300, 100, 90)  # late: its place is old, its furthest point is not
    assert report(102, 100, 300, 100) == (300, 100, 90)  # twice
    assert report(130, 130, 60, 130) == (60, 130, 90)  # seeking back is no older report


@pytest.mark.feature("PRG-04")
def test_a_players_wrong_clock_does_no_harm_where_it_says_so(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)
    wrong = timedelta(hours=-5)

    for seconds in (0, 30, 60):
        body = {
            "position_seconds": seconds,
            "watched_seconds": seconds,
            "at": (_after(seconds) + wrong).isoformat(),
            "sent_at": (_after(seconds) + wrong).isoformat(),
        }
        with clock.frozen_at(_after(seconds)):
            found = _told(caller.post(f"{path}/report", body))

    assert found == (60, 60, 10)


@pytest.mark.feature("PRG-04")
@pytest.mark.parametrize(("duration", "kept"), [(600, (600, 0, 100)), (0, (10_000, 0, 42))])
def test_position_and_percent_stay_within_the_lesson(
    acme: Organization, member: Make, sign_in: Sign, duration: int, kept: tuple[int, int, int]
) -> None:
    course = _video(acme, seconds=duration)
    learner, enrollment_id = _learner(acme, member, course)

    answer = sign_in(acme, learner).post(
        f"{_path(enrollment_id, course)}/report", {"position_seconds": 10_000, "percent": 42}
    )

    assert _told(answer) == kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"position_seconds": -1},
        {"position_seconds": 2**40},
        {"position_seconds": 1, "percent": 101},
        {"position_seconds": 1, "watched_seconds": -1},
        {"position_seconds": 1, "watched_seconds": 2**40},
        {"position_seconds": 1, "at": "yesterday"},
    ],
)
def test_figures_that_no_player_has_are_refused(
    acme: Organization, member: Make, sign_in: Sign, body: dict[str, Any]
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)

    assert sign_in(acme, learner).post(f"{_path(enrollment_id, course)}/report", body).status_code == 400
    with in_organization(acme):
        assert not LessonRecord.objects.exists()


@pytest.mark.feature("PRG-04")
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_told_time_and_position_hold(acme: Organization, member: Make, seed: int) -> None:
    """Any sequence: watched within the clock and what was told, percent never falls, position newest."""
    chance = random.Random(seed)
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    actor, lesson_id = _actor(learner), course.lesson_ids[0]
    instant, newest, told, before = 0.0, None, 0, (0, 0)

    with in_organization(acme):
        for _ in range(40):
            instant += chance.choice((0, 0.3, 5, 60))
            at = chance.choice((None, instant, instant - chance.random() * 200, instant + 50))
            report = Report(
                lesson_id=lesson_id,
                position_seconds=chance.randrange(700),
                watched_seconds=chance.choice((0, int(instant), 10**6, chance.randrange(400))),
                at=None if at is None else _after(at),
            )
            with clock.frozen_at(_after(instant)):
                found = report_watching(actor=actor, enrollment_id=enrollment_id, report=report)
            stands = min(instant if at is None else at, instant)
            if newest is None or stands >= newest[0]:
                newest = (stands, min(report.position_seconds, 600))
            told = max(told, report.watched_seconds)
            assert found.position_seconds == newest[1]
            assert found.watched_seconds <= min(instant, told)
            assert before[0] <= found.watched_seconds
            assert before[1] <= found.reached_percent <= 100
            before = found.watched_seconds, found.reached_percent
    assert before[0] > 0


@pytest.mark.feature("PRG-04")
def test_reports_gathered_offline_count_in_any_order(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller = sign_in(acme, learner)
    video, text = (str(course.lesson_ids[place]) for place in (0, 1))
    reports = [
        {"lesson_id": video, "position_seconds": 120, "watched_seconds": 100, "at": _after(100).isoformat()},
        {"lesson_id": text, "position_seconds": 0, "percent": 80, "at": _after(200).isoformat()},
        {"lesson_id": video, "position_seconds": 20, "watched_seconds": 20, "at": _after(20).isoformat()},
        {"lesson_id": video, "position_seconds": 90, "watched_seconds": 60, "at": _after(60).isoformat()},
        {"lesson_id": str(uuid.uuid4()), "position_seconds": 1},
    ]
    with clock.frozen_at(NOON):
        caller.post(f"{_path(enrollment_id, course)}/report", {"position_seconds": 0})

    with clock.frozen_at(_after(300)):
        answer = caller.post(f"/api/v1/my-courses/{enrollment_id}/reports", {"reports": reports})
        again = caller.post(f"/api/v1/my-courses/{enrollment_id}/reports", {"reports": reports[::-1]})

    assert answer.status_code == 200
    found = {row["lesson_id"]: row for row in answer.json()["lessons"]}
    assert (found[video]["position_seconds"], found[video]["watched_seconds"]) == (120, 100)
    assert found[text]["reached_percent"] == 80
    assert answer.json()["refused"] == [{"lesson_id": reports[4]["lesson_id"], "code": "not_found"}]
    assert {row["lesson_id"]: row for row in again.json()["lessons"]} == found


def test_too_many_reports_at_once_are_refused(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), f"/api/v1/my-courses/{enrollment_id}/reports"
    one = {"lesson_id": str(course.lesson_ids[0]), "position_seconds": 1}

    assert caller.post(path, {"reports": [one] * 200}).status_code == 200
    assert caller.post(path, {"reports": [one] * 201}).status_code == 400
    assert caller.post(path, {"reports": []}).status_code == 400


@pytest.mark.feature("PRG-04")
def test_a_report_takes_two_statements_beside_the_sign_in(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller = sign_in(acme, learner)
    reports = [{"lesson_id": str(each), "position_seconds": 1} for each in course.lesson_ids]
    caller.get(f"/api/v1/my-courses/{enrollment_id}")

    with statements() as one:
        caller.post(f"{_path(enrollment_id, course)}/report", {"position_seconds": 1})
    with statements() as many:
        caller.post(f"/api/v1/my-courses/{enrollment_id}/reports", {"reports": reports})

    assert (len(one), len(many)) == (3, 3)


@pytest.mark.feature("PRG-04")
@pytest.mark.feature("ENT-03")
def test_reports_need_what_learning_needs(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    path, body = f"{_path(enrollment_id, course)}/report", {"position_seconds": 1}
    batch = f"/api/v1/my-courses/{enrollment_id}/reports"
    many = {"reports": [body | {"lesson_id": str(course.lesson_ids[0])}]}

    for role in (Role.LEARNER, Role.ADMIN):
        assert sign_in(acme, role).post(path, body).status_code == 404
        assert sign_in(acme, role).post(batch, many).status_code == 404
    with in_organization(acme):
        Enrollment.objects.filter(pk=enrollment_id).update(state=EnrollmentState.SUSPENDED)
    own = sign_in(acme, learner)
    answers = [own.post(path, body), own.post(batch, many)]

    assert [each.status_code for each in answers] == [403, 403]
    assert [each.json()["code"] for each in answers] == ["enrollment_not_active"] * 2
    with in_organization(acme):
        assert not LessonRecord.objects.exists()


@pytest.mark.feature("PRG-04")
def test_thirty_two_reports_at_once_keep_the_highest_and_the_newest(
    committed: None, acme: Organization, member: Make
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    actor, begun = _actor(learner), clock.now()
    with in_organization(acme):
        LessonRecord.objects.create(
            enrollment_id=enrollment_id,
            lesson_id=course.lesson_ids[0],
            lineage=Lesson.objects.get(pk=course.lesson_ids[0]).lineage,
            opened_at=begun - timedelta(seconds=100),
            view_count=1,
        )

    def tell(number: int) -> Callable[[], int]:
        report = Report(
            lesson_id=course.lesson_ids[0],
            position_seconds=number,
            watched_seconds=10**6,
            at=begun - timedelta(seconds=32 - number),
        )
        both = [report, Report(lesson_id=course.lesson_ids[number % 6], position_seconds=number)]
        if number % 2:
            return lambda: len(
                report_watching_later(actor=actor, enrollment_id=enrollment_id, reports=both).lessons
            )
        return lambda: (
            report_watching(actor=actor, enrollment_id=enrollment_id, report=report).position_seconds
        )

    results = in_parallel(acme, [tell(number) for number in range(32)])

    assert len(results) == 32
    assert all(isinstance(each, int) for each in results)
    with in_organization(acme):
        found = LessonRecord.objects.get(enrollment_id=enrollment_id, lesson_id=course.lesson_ids[0])
        assert found.reached_percent == 31 * 100 // 600
        assert found.opened_at is not None
        assert found.watched_seconds <= (clock.now() - found.opened_at).total_seconds()
        assert found.watched_seconds >= 90
        assert LessonRecord.objects.values("lineage").distinct().count() == LessonRecord.objects.count()


def test_watching_keeps_the_last_access_alive_to_the_minute(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = _video(acme)
    learner, enrollment_id = _learner(acme, member, course)
    caller, path = sign_in(acme, learner), _path(enrollment_id, course)
    seen = []
    with clock.frozen_at(NOON):
        caller.get(path)
    for seconds in (30, 61, 90):
        with clock.frozen_at(_after(seconds)):
            caller.post(f"{path}/report", {"position_seconds": 1})
        with in_organization(acme):
            seen.append(CourseProgress.objects.get(pk=enrollment_id).last_accessed_at)

    assert seen == [NOON, _after(61), _after(61)]


@pytest.mark.parametrize("seed", range(5))
def test_folding_does_not_depend_on_the_order(seed: int) -> None:
    chance = random.Random(seed)
    lessons = [uuid.UUID(int=number) for number in range(3)]
    reports = [
        Report(
            lesson_id=chance.choice(lessons),
            position_seconds=chance.randrange(500),
            watched_seconds=chance.randrange(500),
            percent=chance.randrange(101),
            at=_after(chance.randrange(-5, 5)),
        )
        for _ in range(30)
    ]
    first = fold(reports, now=NOON, sent_at=None)

    for _ in range(5):
        chance.shuffle(reports)
        assert fold(reports + reports[:7], now=NOON, sent_at=None) == first
