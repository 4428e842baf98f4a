"""The catalogue over HTTP: what is in it, how it is found and sorted, what a course's page shows."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import (
    Category,
    Course,
    CourseInstructor,
    CourseVersion,
    InstructorProfile,
    Lesson,
    LessonResource,
)
from tenant_apps.courses.selectors.counts import counts_of
from tenant_apps.courses.selectors.outline import get_outline
from tenant_apps.media.models import StoredFile
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Sign = Callable[..., Any]
URL = "/api/v1/catalogue"


def make(organization: Organization, title: str, **facts: Any) -> PublishedCourse:
    made = make_published_course(organization, modules=1, lessons=1, title=title)
    if facts:
        with in_organization(organization):
            Course.objects.filter(pk=made.course_id).update(**facts)
    return made


def titles(caller: Any, url: str = URL, **query: Any) -> list[str]:
    answer = caller.get(url, query)
    assert answer.status_code == 200, answer.json()
    return [each["title"] for each in answer.json()["results"]]


def enrol(
    organization: Organization, course: PublishedCourse, member: Any, number: int, **facts: Any
) -> None:
    run_id = make_run(organization, course)
    for _ in range(number):
        make_enrollment(organization, run_id, member(organization).id, **facts)


@pytest.mark.feature("CAT-04")
@pytest.mark.feature("CAT-05")
def test_only_published_and_listed_courses_are_in_the_catalogue(acme: Organization, sign_in: Sign) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)
    make(acme, "Shown")
    hidden = make(acme, "Unlisted", is_listed=False)
    for state in ("draft", "pending_review", "rejected", "unpublished", "archived"):
        make(acme, state, state=state)
    gone = make(acme, "Gone", deleted_at=clock.now())

    for caller in (admin, learner):
        assert titles(caller) == ["Shown"]
        for course in (hidden, gone):
            assert caller.get(f"{URL}/{course.course_id}").status_code == 404
    # the workbench lists it for those who work on it; others reach it by its address alone
    assert titles(admin, "/api/v1/courses", listed=False) == ["Unlisted"]
    assert titles(learner, "/api/v1/courses") == ["Shown"]
    assert learner.get(f"/api/v1/courses/{hidden.course_id}").status_code == 200


@pytest.mark.feature("CAT-04")
@pytest.mark.feature("CAT-02")
@pytest.mark.feature("CAT-10")
def test_courses_are_found_by_what_they_are(acme: Organization, sign_in: Sign, member: Any) -> None:
    teacher, other = member(acme, Role.INSTRUCTOR), member(acme, Role.INSTRUCTOR)
    with in_organization(acme):
        top = Category.objects.create(slug="top", name="Top")
        below = Category.objects.create(slug="below", name="Below", parent=top)
        deep = Category.objects.create(slug="deep", name="Deep", parent=below)
    a = make(
        acme,
        "Alpha",
        category_id=top.id,
        tags=["first aid", "safety"],
        level="beginner",
        language="de",
        caption_languages=["fr"],
        price_type="paid",
        summary="Breathing",
    )
    make(acme, "Beta", category_id=below.id, subcategory_id=deep.id, tags=["safety"], language="de-AT")
    make(acme, "Gamma", category_id=below.id, owner_id=other.id, slug="odd-words")
    with in_organization(acme):
        CourseInstructor.objects.create(course_id=a.course_id, member_id=teacher.id, role="primary")
    caller = sign_in(acme)

    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["Alpha", "Beta", "Gamma"]),
        ({"category": top.id}, ["Alpha", "Beta", "Gamma"]),
        ({"category": below.id}, ["Beta", "Gamma"]),
        ({"category": deep.id}, ["Beta"]),
        ({"category": uuid.UUID(int=9)}, []),
        ({"tag": "#First  AID"}, ["Alpha"]),
        ({"tag": "safety"}, ["Alpha", "Beta"]),
        ({"tag": "safe"}, []),
        ({"level": "beginner"}, ["Alpha"]),
        ({"level": "all"}, ["Beta", "Gamma"]),
        ({"taught_in": "de"}, ["Alpha", "Beta"]),
        ({"taught_in": "de-AT"}, ["Beta"]),
        ({"caption": "fr"}, ["Alpha"]),
        ({"price_type": "paid"}, ["Alpha"]),
        ({"instructor": teacher.id}, ["Alpha"]),
        ({"instructor": other.id}, ["Gamma"]),
        ({"search": "breath"}, ["Alpha"]),
        ({"search": "odd-w"}, ["Gamma"]),
        ({"search": "safety bet"}, ["Beta"]),
        ({"search": "100%"}, []),
        ({"tag": "safety", "taught_in": "de", "level": "all"}, ["Beta"]),
    ]
    for query, found in asked:
        assert titles(caller, **query) == found, query
        assert titles(caller, "/api/v1/courses", **query) == found, query
        counted = caller.get(f"{URL}/facets", query)
        assert counted.json()["total"] == len(found), query


@pytest.mark.parametrize(
    "query",
    [
        {"category": "top"},
        {"level": "hard"},
        {"flag": "best"},
        {"sort": "price"},
        {"taught_in": "x!"},
        {"enrolled": "perhaps"},
        {"language": "x!"},
        {"search": "a\x00b"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    acme: Organization, sign_in: Sign, query: dict[str, str]
) -> None:
    caller = sign_in(acme)
    for url in (URL, "/api/v1/courses"):
        answer = caller.get(url, query)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.feature("CAT-04")
def test_courses_one_is_in_are_told_apart(acme: Organization, sign_in: Sign, member: Any) -> None:
    person = member(acme)
    a, b = make(acme, "Alpha"), make(acme, "Beta")
    make(acme, "Gamma")
    make_enrollment(acme, make_run(acme, a), person.id)
    make_enrollment(acme, make_run(acme, b), person.id, state="withdrawn")
    caller = sign_in(acme, person)
    assert titles(caller, enrolled=True) == ["Alpha"]
    assert titles(caller, enrolled=False) == ["Beta", "Gamma"]
    assert [each["is_enrolled"] for each in caller.get(URL).json()["results"]] == [True, False, False]


@pytest.mark.feature("CAT-04")
@pytest.mark.parametrize("sort", ["title", "-title", "newest", "oldest", "most_enrolled"])
def test_every_sort_is_paged_without_gaps_or_doubles(
    acme: Organization, sign_in: Sign, member: Any, sort: str
) -> None:
    made = [make(acme, title) for title in ("beta", "Alpha", "alpha", "Gamma", "alpha", "beta", "Delta")]
    for course, number in zip(made, (1, 0, 2, 1, 0, 0, 2), strict=True):
        enrol(acme, course, member, number)
    numbers = {str(each.course_id): number for number, each in enumerate(made)}
    expected = {
        "title": [1, 2, 4, 0, 5, 6, 3],
        "-title": [3, 6, 5, 0, 4, 2, 1],
        "newest": [6, 5, 4, 3, 2, 1, 0],
        "oldest": [0, 1, 2, 3, 4, 5, 6],
        "most_enrolled": [6, 2, 3, 0, 5, 4, 1],
    }[sort]
    caller, seen, url = sign_in(acme), [], f"{URL}?sort={sort}&limit=2"
    pages = []
    while url:
        page = caller.get(url).json()
        pages.append([numbers[each["id"]] for each in page["results"]])
        seen += pages[-1]
        back, url = page["previous"], page["next"]
    assert seen == expected
    assert [numbers[each["id"]] for each in caller.get(back).json()["results"]] == pages[-2]


@pytest.mark.feature("CAT-06")
def test_flags_come_by_hand_and_by_rule(acme: Organization, sign_in: Sign, member: Any) -> None:
    long_ago = clock.now() - timedelta(days=31)
    plain, fresh, hot, best = (make(acme, title) for title in ("Plain", "Fresh", "Hot", "Best"))
    with in_organization(acme):
        # The trigger keeps published versions as they are, dates and all; a draft's date can be set.
        for course in (plain, hot, best):
            _publish_at(course, long_ago)
        Course.objects.filter(pk=plain.course_id).update(flags=["featured", "bestseller"])
    enrol(acme, hot, member, 5)
    enrol(acme, best, member, 10, created_at=long_ago)
    enrol(acme, fresh, member, 4)
    enrol(acme, fresh, member, 3, state="withdrawn")
    caller = sign_in(acme)

    shown = {each["title"]: each["flags"] for each in caller.get(URL).json()["results"]}
    assert shown == {
        "Plain": ["featured", "bestseller"],
        "Fresh": ["new"],
        "Hot": ["trending"],
        "Best": ["bestseller"],
    }
    assert titles(caller, flag="featured") == ["Plain"]
    assert titles(caller, flag="new") == ["Fresh"]
    assert titles(caller, flag="trending") == ["Hot"]
    assert titles(caller, flag="bestseller") == ["Best", "Plain"]
    assert caller.get(f"{URL}/facets").json()["flags"] == {
        "featured": 1,
        "bestseller": 2,
        "trending": 1,
        "new": 1,
    }
    # a deleted course leaves the ten
    with in_organization(acme):
        Course.objects.filter(pk=hot.course_id).update(deleted_at=clock.now())
    assert titles(caller, flag="trending") == []


def _publish_at(course: PublishedCourse, instant: Any) -> None:
    """Give the course a first version that was published then."""
    CourseVersion.objects.create(
        course_id=course.course_id, number=9, state="published", published_at=instant, content_hash="1" * 64
    )


@pytest.mark.feature("CAT-04")
def test_counts_stand_beside_the_filters(acme: Organization, sign_in: Sign) -> None:
    with in_organization(acme):
        top = Category.objects.create(slug="top", name="Top")
        below = Category.objects.create(slug="below", name="Below", parent=top)
        closed = Category.objects.create(slug="closed", name="Closed", is_active=False)
    make(acme, "A", category_id=top.id, tags=["x", "y"], level="beginner", caption_languages=["de", "fr"])
    make(acme, "B", category_id=top.id, subcategory_id=below.id, tags=["x"], price_type="paid")
    make(acme, "C", category_id=closed.id, tags=["x"], language="de", state="draft")
    make(acme, "D", tags=["x"], deleted_at=clock.now())
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)

    facets = learner.get(f"{URL}/facets").json()
    assert facets == {
        "total": 2,
        "state": {"published": 2},
        "level": {"all": 1, "beginner": 1},
        "language": {"en": 2},
        "price_type": {"free": 1, "paid": 1},
        "captions": {"de": 1, "fr": 1},
        "tags": {"x": 2, "y": 1},
        "flags": {"new": 2},
        "categories": {str(top.id): 2, str(below.id): 1},
    }
    all_of_them = admin.get("/api/v1/courses/facets").json()
    assert (all_of_them["total"], all_of_them["tags"]) == (3, {"x": 3, "y": 1})
    assert all_of_them["state"] == {"published": 2, "draft": 1}
    assert all_of_them["categories"] == {str(top.id): 2, str(below.id): 1, str(closed.id): 1}
    assert admin.get("/api/v1/courses/facets", {"deleted": True}).json()["total"] == 1
    assert learner.get("/api/v1/courses/facets", {"deleted": True}).status_code == 403


@pytest.mark.feature("CAT-02")
def test_tags_in_use_are_counted(acme: Organization, sign_in: Sign) -> None:
    make(acme, "A", tags=["first aid", "safety"])
    make(acme, "B", tags=["safety"])
    make(acme, "C", tags=["secret"], state="draft")
    make(acme, "D", tags=["gone"], deleted_at=clock.now())
    url = "/api/v1/courses/tags"
    assert sign_in(acme).get(url).json() == [
        {"tag": "safety", "courses": 2},
        {"tag": "first aid", "courses": 1},
    ]
    admin = sign_in(acme, Role.ADMIN)
    assert [each["tag"] for each in admin.get(url).json()] == ["safety", "first aid", "secret"]
    assert admin.get(url, {"search": "AID fir"}).json() == [{"tag": "first aid", "courses": 1}]


@pytest.mark.feature("CAT-04")
@pytest.mark.feature("CAT-07")
@pytest.mark.feature("CAT-11")
@pytest.mark.feature("CAT-12")
def test_a_page_shows_all_around_a_course_and_no_bodies(
    acme: Organization, sign_in: Sign, member: Any
) -> None:
    admin, person = sign_in(acme, Role.ADMIN), member(acme)
    teacher = member(acme, Role.INSTRUCTOR, first_name="Tess", last_name="Teach")
    course = make_published_course(acme, modules=2, lessons=2, hidden=frozenset({3}), title="Course")
    before, after = make(acme, "Before"), make(acme, "After")
    unseen = make(acme, "Unseen", is_listed=False)
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(
            outcomes=["To help"], seo={"meta_title": "Aid"}, switches={"qa": False}
        )
        CourseInstructor.objects.create(course_id=course.course_id, member_id=teacher.id, role="primary")
        InstructorProfile.objects.create(
            member_id=teacher.id, headline="Nurse", short_bio="Ten years", state="approved"
        )
    url = f"/api/v1/courses/{course.course_id}"
    admin.put(f"{url}/prerequisites", {"courses": [{"course_id": before.course_id}]})
    related = [{"course_id": each.course_id, "kind": "next_level"} for each in (after, unseen)]
    admin.put(f"{url}/related", {"courses": related})
    make_enrollment(acme, make_run(acme, before), person.id, state="completed", completed_at=clock.now())
    now = clock.now()
    joinable = make_run(
        acme, course, title="Open", is_open_to_members=True, capacity=3, ends_at=now + timedelta(days=9)
    )
    make_enrollment(acme, joinable, member(acme).id)
    closed: list[dict[str, Any]] = [
        {"is_open_to_members": False},
        {"state": "closed"},
        {"ends_at": now},
        {"enrollment_opens_at": now + timedelta(days=1)},
        {"enrollment_closes_at": now - timedelta(days=1)},
    ]
    for facts in closed:
        make_run(acme, course, **{"is_open_to_members": True} | facts)

    page = sign_in(acme, person).get(f"{URL}/{course.course_id}")

    assert b"Text 1" not in page.content
    shown = page.json()
    assert (shown["outcomes"], shown["seo"]["meta_title"], shown["switches"]["qa"]) == (
        ["To help"],
        "Aid",
        False,
    )
    assert [
        (module["title"], [(each["title"], each["minutes"]) for each in module["lessons"]])
        for module in shown["outline"]
    ] == [("Module 1", [("Lesson 1", 5), ("Lesson 2", 5)]), ("Module 2", [("Lesson 3", 5)])]
    assert shown["instructors"] == [
        {
            "member_id": str(teacher.id),
            "name": "Tess Teach",
            "role": "primary",
            "headline": "Nurse",
            "short_bio": "Ten years",
        }
    ]
    assert [(each["title"], each["is_completed"]) for each in shown["prerequisites"]] == [("Before", True)]
    assert [(each["title"], each["kind"]) for each in shown["related"]] == [("After", "next_level")]
    assert [(each["id"], each["free"], each["price"]) for each in shown["runs"]] == [(str(joinable), 2, None)]


@pytest.mark.feature("CRS-07")
def test_counters_are_equal_to_a_recount(acme: Organization, sign_in: Sign, member: Any) -> None:
    course = make_published_course(acme, modules=2, lessons=3, hidden=frozenset({5}), title="Course")
    with in_organization(acme):
        file = StoredFile.objects.create(
            name="a.pdf", content_type="application/pdf", size=4, sha256="0" * 64, storage_key="a"
        )
        draft = CourseVersion.objects.create(course_id=course.course_id, number=2)
        Course.objects.filter(pk=course.course_id).update(current_version=_with_topics(draft, file))
    enrol(acme, course, member, 3)
    enrol(acme, course, member, 2, state="completed", completed_at=clock.now())
    enrol(acme, course, member, 1, state="expired", completed_at=clock.now())
    enrol(acme, course, member, 1, state="withdrawn", completed_at=clock.now())
    enrol(acme, course, member, 1, state="refunded")
    first, second = sign_in(acme), sign_in(acme)
    for caller, looks in ((first, 3), (second, 1)):
        for _ in range(looks):
            caller.get(f"{URL}/{course.course_id}")

    expected = {
        "enrolments": 6,
        "completions": 3,
        "views": 4,
        "lectures": 2,
        "sections": 1,
        "resources": 1,
        "minutes": 7 + 3 + 4 + 6,
    }
    [listed] = first.get("/api/v1/courses").json()["results"]
    assert listed["counters"] == expected
    admin = sign_in(acme, Role.ADMIN)
    url = f"/api/v1/courses/{course.course_id}"
    assert admin.get(url).json()["counters"] == expected
    # deleted it leaves every count, restored it is back with its own
    admin.delete(url)
    assert titles(admin, "/api/v1/courses") == []
    assert admin.get(f"{URL}/facets").json()["total"] == 0
    admin.post(f"{url}/restore")
    assert admin.get(url).json()["counters"] == expected


def _with_topics(version: CourseVersion, file: StoredFile) -> CourseVersion:
    """Fill a version: lessons with topics, some of both not published, one resource shown and one not, and a
    module without lessons."""
    version.modules.create(title="Empty", position=1)
    module = version.modules.create(title="M", position=0)
    lessons = [
        Lesson.objects.create(version=version, module=module, title="L", position=place, **facts)
        for place, facts in enumerate([{"minutes": 7}, {}, {"minutes": 99, "is_published": False}])
    ]
    for parent, minutes, published in (
        (lessons[0], 3, True),
        (lessons[1], 4, True),
        (lessons[1], 6, True),
        (lessons[1], 50, False),
    ):
        Lesson.objects.create(
            version=version,
            module=module,
            parent=parent,
            title="T",
            position=minutes,
            minutes=minutes,
            is_published=published,
        )
    for lesson in (lessons[0], lessons[2]):
        LessonResource.objects.create(version=version, lesson=lesson, title="R", file=file, position=0)
    return version


@pytest.mark.feature("CRS-07")
def test_looks_of_authors_do_not_count(acme: Organization, sign_in: Sign, member: Any) -> None:
    admin = sign_in(acme, Role.ADMIN)
    owner, author, teacher = (member(acme, Role.INSTRUCTOR) for _ in range(3))
    course = make(acme, "Course", owner_id=owner.id)
    url = f"/api/v1/courses/{course.course_id}"
    admin.put(f"{url}/rights", {"member_id": author.id, "rights": ["edit_course"]})
    with in_organization(acme):
        CourseInstructor.objects.create(course_id=course.course_id, member_id=teacher.id, role="assistant")
    for person in (owner, author, teacher):
        assert sign_in(acme, person).get(f"{URL}/{course.course_id}").status_code == 200
    assert admin.get(url).json()["counters"]["views"] == 0
    # an administrator who makes no part of it looks like everybody else
    admin.get(f"{URL}/{course.course_id}")
    assert admin.get(url).json()["counters"]["views"] == 1


@pytest.mark.feature("CAT-04")
def test_statements_do_not_grow_with_the_catalogue(acme: Organization, sign_in: Sign, member: Any) -> None:
    caller = sign_in(acme)
    course = make(acme, "First", tags=["a"])
    enrol(acme, course, member, 1)
    urls = (URL, f"{URL}?sort=most_enrolled&flag=new", f"{URL}/facets", f"{URL}/{course.course_id}")

    def count() -> list[int]:
        counts = []
        for url in urls:
            with statements() as found:
                assert caller.get(url).status_code == 200
            counts.append(len(found))
        return counts

    few = count()
    for number in range(5):
        more = make(acme, f"More {number}", tags=[f"tag {number}"])
        enrol(acme, more, member, 1)
        with in_organization(acme):
            CourseRun.objects.filter(course_id=more.course_id).update(is_open_to_members=True)
    assert count() == few


@pytest.mark.feature("CRS-07")
def test_counters_say_what_publishing_counted(acme: Organization, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=2, lessons=2, hidden=frozenset({2, 3}))
    counters = sign_in(acme).get(f"{URL}/{course.course_id}").json()["counters"]
    with in_organization(acme):
        counted = counts_of(get_outline(course.version_id))
    assert {
        "sections": counted["module_count"],
        "lectures": counted["lesson_count"],
        "resources": counted["resource_count"],
        "minutes": counted["minutes"],
    } == {name: counters[name] for name in ("sections", "lectures", "resources", "minutes")}
    assert (counters["sections"], counters["lectures"], counters["minutes"]) == (1, 2, 10)
