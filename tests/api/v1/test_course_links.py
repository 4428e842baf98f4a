"""Prerequisites and related courses over HTTP."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Course
from tenant_apps.courses.selectors.facts import prerequisites_of
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run

Sign = Callable[..., Any]


def make_courses(organization: Organization, *titles: str) -> list[str]:
    return [
        str(make_published_course(organization, modules=1, lessons=1, title=title).course_id)
        for title in titles
    ]


def put(caller: Any, course_id: str, what: str, *courses: tuple[str, str]) -> Any:
    body = {"courses": [{"course_id": key, "kind": kind} for key, kind in courses]}
    return caller.put(f"/api/v1/courses/{course_id}/{what}", body)


@pytest.mark.feature("CAT-12")
def test_prerequisites_say_what_was_completed(acme: Organization, sign_in: Sign, member: Any) -> None:
    admin, person = sign_in(acme, Role.ADMIN), member(acme)
    done = make_published_course(acme, title="Before")
    course, other = make_courses(acme, "Course", "Advised")
    run_id = make_run(acme, done)
    make_enrollment(acme, run_id, person.id, state="completed", completed_at=clock.now())

    answer = put(admin, course, "prerequisites", (other, "advised"), (str(done.course_id), "required"))

    assert [(each["title"], each["kind"], each["is_completed"]) for each in answer.json()] == [
        ("Before", "required", False),
        ("Advised", "advised", False),
    ]
    listed = sign_in(acme, person).get(f"/api/v1/courses/{course}/prerequisites").json()
    assert [(each["title"], each["is_completed"]) for each in listed] == [
        ("Before", True),
        ("Advised", False),
    ]
    # again: nothing changes
    put(admin, course, "prerequisites", (str(done.course_id), "required"), (other, "advised"))
    assert AuditEvent.objects.filter(action="courses.prerequisites").count() == 1
    assert admin.get(f"/api/v1/courses/{course}")["ETag"] == '"2"'
    # another kind is a change, an empty list takes all away
    assert put(admin, course, "prerequisites", (other, "required")).json()[0]["kind"] == "required"
    assert put(admin, course, "prerequisites").json() == []


@pytest.mark.feature("CAT-12")
def test_prerequisites_close_no_circle(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    a, b, c, d = make_courses(acme, *"ABCD")
    assert put(admin, b, "prerequisites", (a, "required")).status_code == 200
    assert put(admin, c, "prerequisites", (b, "advised"), (d, "required")).status_code == 200

    for start, needed in ((a, c), (b, c), (a, b)):
        refused = put(admin, start, "prerequisites", (d, "required"), (needed, "required"))
        assert (refused.status_code, refused.json()["code"]) == (409, "prerequisite_loop")
        assert refused.json()["facts"] == {"course_id": needed}
    assert admin.get(f"/api/v1/courses/{a}/prerequisites").json() == []
    # a deleted course closes the circle as well: it can come back
    admin.delete(f"/api/v1/courses/{b}")
    assert put(admin, a, "prerequisites", (c, "required")).json()["code"] == "prerequisite_loop"
    with in_organization(acme):
        assert [each.title for each in prerequisites_of(uuid.UUID(c))] == ["D"]
    # and the edge to it outlasts a list that cannot name it
    assert put(admin, c, "prerequisites").json() == []
    admin.post(f"/api/v1/courses/{b}/restore")
    assert [each["title"] for each in admin.get(f"/api/v1/courses/{c}/prerequisites").json()] == ["B"]


@pytest.mark.feature("CAT-11")
@pytest.mark.feature("CAT-12")
@pytest.mark.parametrize("what", ["prerequisites", "related"])
def test_what_cannot_be_linked_is_refused(
    acme: Organization, globex: Organization, sign_in: Sign, what: str
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    kind = "required" if what == "prerequisites" else "similar"
    course, other, gone = make_courses(acme, "A", "B", "C")
    [foreign] = make_courses(globex, "D")
    admin.delete(f"/api/v1/courses/{gone}")

    for named, code in (
        ([course], "course_links_to_itself"),
        ([other, other], "course_repeated"),
        ([str(uuid.UUID(int=9))], "unknown_course"),
        ([gone], "unknown_course"),
        ([foreign], "unknown_course"),
    ):
        refused = put(admin, course, what, *((each, kind) for each in named))
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert admin.get(f"/api/v1/courses/{course}/{what}").json() == []


@pytest.mark.parametrize("what", ["prerequisites", "related"])
@pytest.mark.parametrize(
    ("role", "status"), [(Role.LEARNER, 403), (Role.INSTRUCTOR, 403), (Role.MANAGER, 403)]
)
def test_only_who_edits_a_course_links_it(
    acme: Organization, sign_in: Sign, what: str, role: Role, status: int
) -> None:
    course, other = make_courses(acme, "A", "B")
    kind = "required" if what == "prerequisites" else "similar"
    caller = sign_in(acme, role)
    assert put(caller, course, what, (other, kind)).status_code == status
    assert caller.get(f"/api/v1/courses/{course}/{what}").json() == []


@pytest.mark.feature("CAT-11")
def test_related_courses_keep_their_order_and_kind(acme: Organization, sign_in: Sign) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)
    course, b, c = make_courses(acme, "A", "B", "C")
    url = f"/api/v1/courses/{course}/related"

    def listed(caller: Any) -> list[tuple[str, str]]:
        return [(each["title"], each["kind"]) for each in caller.get(url).json()]

    put(admin, course, "related", (c, "next_level"), (b, "similar"), (c, "complementary"))
    assert listed(admin) == [("C", "next_level"), ("B", "similar"), ("C", "complementary")]
    put(admin, course, "related", (b, "similar"), (c, "complementary"), (c, "next_level"))
    assert listed(learner) == [("B", "similar"), ("C", "complementary"), ("C", "next_level")]
    with in_organization(acme):
        Course.objects.filter(pk=c).update(state="draft")
    assert listed(learner) == [("B", "similar")]
    assert len(listed(admin)) == 3
