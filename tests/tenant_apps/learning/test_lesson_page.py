"""Everything a lesson's page shows, in one call; in the language that is wanted."""

from collections.abc import Callable
from typing import Any

import pytest

from api.v1.learning.serializers import LessonOut, MyCourseTreeOut
from shared_apps.accounts.models import Membership, User
from shared_apps.core.ids import new_id
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonResource, Module, Translation
from tenant_apps.media.models import StoredFile
from tenant_apps.people.models import Member
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_text, publish_another_version
from tests.factories.ruled_courses import LessonPlan, ModulePlan, make_ruled_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements
from tests.tenant_apps.learning.test_library import _fits

Sign = Callable[..., Any]
Make = Callable[..., Membership]


def _translated(organization: Organization) -> PublishedCourse:
    """A course written in German with one lesson in English and, as far as the title, in Swiss German."""
    with in_organization(organization):
        owner = Member.objects.order_by("created_at")[0]
        course = Course.objects.create(
            slug="brandschutz",
            title="Brandschutz",
            language="de",
            owner=owner,
            translations={"en": {"title": "Fire safety"}},
        )
    made = publish_another_version(organization, course.id, modules=1, lessons=2, published=False)
    with in_organization(organization):
        lesson = Lesson.objects.get(pk=made.lesson_ids[0])
        text = make_text("Run!", "<p>Run!</p>")
        text.save()
        Translation.objects.create(
            version_id=made.version_id,
            lineage=lesson.lineage,
            language="en",
            title="Escape routes",
            text=text,
        )
        Translation.objects.create(
            version_id=made.version_id, lineage=lesson.lineage, language="de-CH", title="Fluchtwäg"
        )
        CourseVersion.objects.filter(pk=made.version_id).update(state="published")
    return made


# label, asked for, the account's language, the company's; title, body, language served
LANGUAGES = [
    ("as it was written", "de", "en", "", "Lesson 1", "<p>Text 1</p>", "de"),
    ("asked for", "en", "de", "", "Escape routes", "<p>Run!</p>", "en"),
    ("asked for with a region", "en-GB", "de", "", "Escape routes", "<p>Run!</p>", "en"),
    ("a title alone", "de-CH", "en", "", "Fluchtwäg", "<p>Text 1</p>", "de-CH"),
    ("none such", "fr", "en", "", "Lesson 1", "<p>Text 1</p>", "de"),
    ("the learner's own", "", "en", "", "Escape routes", "<p>Run!</p>", "en"),
    ("the company's", "", "de", "en", "Escape routes", "<p>Run!</p>", "en"),
]


@pytest.mark.feature("CNT-21")
@pytest.mark.parametrize(
    ("label", "asked", "own", "company", "title", "body", "served"),
    LANGUAGES,
    ids=[each[0] for each in LANGUAGES],
)
def test_a_lesson_comes_in_the_language_wanted_else_as_it_was_written(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    label: str,
    asked: str,
    own: str,
    company: str,
    title: str,
    body: str,
    served: str,
) -> None:
    course, learner = _translated(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    User.objects.filter(pk=learner.user_id).update(language=own)
    with in_organization(acme):
        Member.objects.filter(pk=learner.id).update(language=company)
    caller, query = sign_in(acme, learner), {"language": asked} if asked else {}
    base = f"/api/v1/my-courses/{enrollment_id}"

    lesson = caller.get(f"{base}/lessons/{course.lesson_ids[0]}", query).json()
    tree = caller.get(base, query).json()
    untranslated = caller.get(f"{base}/lessons/{course.lesson_ids[1]}", query).json()

    assert (lesson["title"], lesson["body_html"], lesson["language"]) == (title, body, served)
    assert tree["modules"][0]["lessons"][0]["title"] == title
    assert tree["course"]["title"] == ("Fire safety" if served == "en" else "Brandschutz")
    assert (untranslated["title"], untranslated["body_html"]) == ("Lesson 2", "<p>Text 2</p>")


def test_a_language_that_is_none_is_refused(acme: Organization, member: Make, sign_in: Sign) -> None:
    learner = member(acme)
    course = make_ruled_course(acme, [ModulePlan([LessonPlan()])])
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)

    answer = sign_in(acme, learner).get(f"/api/v1/my-courses/{enrollment_id}", {"language": "../x"})

    assert answer.status_code == 400


def _with_resources(organization: Organization) -> PublishedCourse:
    with in_organization(organization):
        owner = Member.objects.order_by("created_at")[0]
        course = Course.objects.create(slug="files", title="Files", owner=owner)
        version = CourseVersion.objects.create(course=course, number=1)
        module = Module.objects.create(version=version, title="One", position=0)
        file = StoredFile.objects.create(
            name="plan.pdf", content_type="application/pdf", size=4, sha256="0" * 64, storage_key="plan"
        )
        lesson = Lesson.objects.create(
            version=version,
            module=module,
            title="Plan",
            position=0,
            kind="document",
            document=file,
            is_downloadable=False,
            lineage=new_id(),
        )
        resources: dict[str, dict[str, Any]] = {
            "Kept": {"file": file, "is_downloadable": False},
            "Given": {"file": file},
            "Elsewhere": {"url": "https://example.com/more"},
        }
        for position, (title, facts) in enumerate(resources.items()):
            LessonResource.objects.create(
                version=version, lesson=lesson, title=title, position=position, **facts
            )
        CourseVersion.objects.filter(pk=version.pk).update(state="published")
        return PublishedCourse(course.id, version.id, [module.id], [lesson.id])


@pytest.mark.feature("CNT-13")
@pytest.mark.feature("CNT-16")
def test_resources_come_in_order_and_what_is_not_downloadable_without_address(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = _with_resources(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)

    answer = sign_in(acme, learner).get(f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}")

    page = answer.json()
    assert [each["title"] for each in page["resources"]] == ["Kept", "Given", "Elsewhere"]
    assert page["document"]["url"] is None
    assert page["resources"][0]["file"]["url"] is None
    assert page["resources"][1]["file"]["url"].startswith("/api/v1/files/")
    assert page["resources"][2]["url"] == "https://example.com/more"
    assert answer.content.count(b"/download?sig=") == 1
    _fits(LessonOut(), page)


@pytest.mark.feature("CNT-03")
@pytest.mark.feature("CNT-19")
def test_topics_are_listed_below_their_lesson_and_read_in_turn(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = [ModulePlan([LessonPlan(topics=[LessonPlan(), LessonPlan()]), LessonPlan()])]
    course, learner = make_ruled_course(acme, plan, rules={"sequential": True}), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, base = sign_in(acme, learner), f"/api/v1/my-courses/{enrollment_id}"
    pages = [f"{base}/lessons/{each}" for each in course.lesson_ids]

    tree = caller.get(base).json()
    first = caller.get(pages[0]).json()

    _fits(MyCourseTreeOut(), tree)
    _fits(LessonOut(), first)
    assert tree["progress"]["total"] == 2
    assert [each["title"] for each in first["topics"]] == ["Lesson 2", "Lesson 3"]
    assert [each["access"] for each in first["topics"]] == ["open", "lesson_locked"]
    assert (first["next_lesson"]["title"], first["next_lesson"]["access"]) == ("Lesson 2", "open")
    assert caller.get(pages[2]).json()["code"] == "lesson_locked"
    caller.post(f"{pages[1]}/complete")
    assert caller.get("/api/v1/my-courses").json()["results"][0]["next_lesson"]["title"] == "Lesson 3"
    topic = caller.get(pages[2]).json()
    _fits(LessonOut(), topic)
    assert (topic["parent_id"], topic["previous_lesson_id"]) == (first["id"], str(course.lesson_ids[1]))
    assert caller.get(pages[3]).json()["code"] == "lesson_locked"
    assert caller.post(f"{pages[2]}/complete").json()["completed"] == 1
    assert caller.get(pages[3]).status_code == 200


@pytest.mark.feature("PRG-05")
def test_a_page_takes_two_statements_and_counts_its_visits(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = _with_resources(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, path = (
        sign_in(acme, learner),
        f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}",
    )

    counts = [caller.get(path).json()["view_count"] for _ in range(3)]
    with statements() as seen:
        caller.get(path)

    assert counts == [0, 1, 2]
    # Beside the sign-in: the page, and the visit.
    assert len(seen) == 3


@pytest.mark.feature("VER-04")
def test_a_page_that_was_open_while_the_run_moved_goes_on_working(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    kept, gone = LessonPlan(), LessonPlan()
    old, learner = make_ruled_course(acme, [ModulePlan([kept, gone])]), member(acme)
    run_id = make_run(acme, old)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    new = make_ruled_course(acme, [ModulePlan([LessonPlan(), kept])], course_id=old.course_id)
    with in_organization(acme):
        CourseRun.objects.filter(pk=run_id).update(version_id=new.version_id)
    caller = sign_in(acme, learner)
    pages = [f"/api/v1/my-courses/{enrollment_id}/lessons/{each}" for each in old.lesson_ids]

    read, done, why = caller.get(pages[0]), caller.post(f"{pages[0]}/complete"), caller.get(f"{pages[0]}/why")

    assert read.json()["id"] == done.json()["lesson_id"] == str(new.lesson_ids[1])
    assert why.json()["is_open"] is True
    assert [caller.get(pages[1]).status_code, caller.post(f"{pages[1]}/complete").status_code] == [404, 404]
