"""Courses over HTTP: who sees and does what, drafts and their edits, publishing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from shared_apps.outbox.services.delivery import relay
from tenant_apps.courses.models import Course, CourseRight
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.support.course_drafts import draft_of, make_course
from tests.support.measures import statements

Sign = Callable[..., Any]


@pytest.mark.feature("CRS-01")
def test_a_new_course_has_a_draft_and_belongs_to_its_maker(acme: Organization, sign_in: Sign) -> None:
    instructor = sign_in(acme, Role.INSTRUCTOR)

    made = make_course(instructor, summary="What to <b>do</b>", language="de")

    assert (made["state"], made["title"], made["summary"], made["language"]) == (
        "draft",
        "First aid",
        "What to do",
        "de",
    )
    assert [name for name, is_open in made["can"].items() if is_open] == [
        "edit",
        "submit",
        "publish",
        "archive",
        "create_draft",
    ]
    [version] = instructor.get(f"/api/v1/courses/{made['id']}/versions").json()["results"]
    assert (version["number"], version["state"], version["revision"]) == (1, "draft", 1)
    assert AuditEvent.objects.filter(action="courses.create", target_id=made["id"]).count() == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.OWNER, 201),
        (Role.ADMIN, 201),
        (Role.INSTRUCTOR, 201),
        (Role.MANAGER, 403),
        (Role.BILLING_ADMIN, 403),
        (Role.LEARNER, 403),
    ],
)
def test_who_makes_courses(acme: Organization, sign_in: Sign, role: Role, status: int) -> None:
    answer = sign_in(acme, role).post("/api/v1/courses", {"slug": "a", "title": "A"})
    assert answer.status_code == status
    with in_organization(acme):
        assert Course.objects.count() == (status == 201)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"title": "<script>x()</script>"}, "text_empty"),
        ({"title": "a\x00b"}, "invalid_input"),
        ({"slug": "no slug"}, "invalid_input"),
        ({"language": "english!"}, "invalid_input"),
        ({"title": ["a"]}, "invalid_input"),
    ],
)
def test_wrong_facts_are_refused(acme: Organization, sign_in: Sign, body: dict[str, Any], code: str) -> None:
    answer = sign_in(acme, Role.ADMIN).post("/api/v1/courses", {"slug": "a", "title": "A"} | body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_slug_is_one_live_courses(acme: Organization, globex: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    make_course(admin, "taken")
    other = make_course(admin, "other")

    again = admin.post("/api/v1/courses", {"slug": "taken", "title": "B"})
    renamed = admin.patch(f"/api/v1/courses/{other['id']}", {"slug": "taken"})

    assert (again.status_code, again.json()["code"]) == (409, "course_slug_taken")
    assert (renamed.status_code, renamed.json()["code"]) == (409, "course_slug_taken")
    make_course(sign_in(globex, Role.ADMIN), "taken")


@pytest.mark.feature("INS-07")
@pytest.mark.feature("SEC-01")
def test_rights_on_one_course_say_who_works_on_it(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    course_id = make_course(admin)["id"]
    draft = f"/api/v1/versions/{draft_of(admin, course_id)}"
    author = member(acme, Role.INSTRUCTOR)
    caller = sign_in(acme, author)
    url = f"/api/v1/courses/{course_id}"
    # not visible without a right
    assert caller.get(url).status_code == 404
    assert caller.patch(url, {"title": "Mine"}).status_code == 404
    assert caller.get(draft).status_code == 404

    answer = admin.put(f"{url}/rights", {"member_id": author.id, "rights": ["edit_course"]})

    assert [(each["member_id"], each["rights"]) for each in answer.json()] == [
        (str(author.id), ["edit_course"])
    ]
    can = caller.get(url).json()["can"]
    assert [name for name, is_open in can.items() if is_open] == ["edit", "submit", "create_draft"]
    assert caller.patch(url, {"title": "Mine"}).status_code == 200
    # visible but forbidden
    assert caller.post(f"{draft}/publish", HTTP_IF_MATCH='"1"').status_code == 403
    assert caller.post(f"{url}/archive").status_code == 403
    assert caller.delete(url).status_code == 403
    assert caller.put(f"{url}/rights", {"member_id": author.id, "rights": []}).status_code == 403
    # and taken away again
    admin.put(f"{url}/rights", {"member_id": author.id, "rights": []})
    assert caller.get(url).status_code == 404
    assert AuditEvent.objects.filter(action="courses.grant", target_id=course_id).count() == 2


def test_whoever_is_removed_comes_back_without_rights_on_courses(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = f"/api/v1/courses/{make_course(admin)['id']}/rights"
    leaver, stays, back = (member(acme, Role.INSTRUCTOR) for _ in range(3))
    for each in (leaver, stays, back):
        assert admin.put(url, {"member_id": each.id, "rights": ["edit_course"]}).status_code == 200

    for each in (leaver, back):
        assert admin.delete(f"/api/v1/members/{each.id}").status_code == 204
    # One is taken back before anything hears of it, the other only afterwards.
    admin.post("/api/v1/invitations", {"email": back.user.email, "role": "instructor"})
    with in_public():
        relay()
        relay()
    admin.post("/api/v1/invitations", {"email": leaver.user.email, "role": "instructor"})

    with in_organization(acme):
        held = CourseRight.objects.values_list("user_id", flat=True)
        assert sorted(held) == sorted([stays.user_id, back.user_id])
    [event] = AuditEvent.objects.filter(action="courses.end_rights_of_departed")
    assert (event.target_id, event.changes) == (str(leaver.id), {"rights": 1})


@pytest.mark.feature("SEC-01")
def test_a_superuser_flag_gives_no_right_inside_an_organization(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    course_id = make_course(sign_in(acme, Role.ADMIN))["id"]
    author = member(acme, Role.INSTRUCTOR)
    User.objects.filter(pk=author.user_id).update(is_superuser=True, is_staff=True)
    caller = sign_in(acme, author)

    assert caller.get(f"/api/v1/courses/{course_id}").status_code == 404
    assert caller.patch(f"/api/v1/courses/{course_id}", {"title": "X"}).status_code == 404
    assert caller.get("/api/v1/courses").json()["results"] == []


def test_rights_go_to_members_who_can_hold_them(
    acme: Organization, globex: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = f"/api/v1/courses/{make_course(admin)['id']}/rights"

    learner = admin.put(url, {"member_id": member(acme).id, "rights": ["edit_course"]})
    stranger = admin.put(url, {"member_id": member(globex).id, "rights": ["edit_course"]})

    assert (learner.status_code, learner.json()["code"]) == (409, "member_cannot_author")
    assert (stranger.status_code, stranger.json()["code"]) == (400, "unknown_member")
    assert admin.get(url).json() == []


@pytest.mark.feature("CAT-04")
def test_the_catalogue_shows_published_courses_to_everybody(acme: Organization, sign_in: Sign) -> None:
    make_published_course(acme, title="Published")
    admin = sign_in(acme, Role.ADMIN)
    make_course(admin, "draft", title="Draft")

    for role in (Role.LEARNER, Role.MANAGER, Role.BILLING_ADMIN, Role.INSTRUCTOR):
        titles = [row["title"] for row in sign_in(acme, role).get("/api/v1/courses").json()["results"]]
        assert titles == ["Published"], role
    assert [row["title"] for row in admin.get("/api/v1/courses").json()["results"]] == ["Draft", "Published"]
    assert [row["title"] for row in admin.get("/api/v1/courses?search=UBLI").json()["results"]] == [
        "Published"
    ]
    assert [row["title"] for row in admin.get("/api/v1/courses?state=draft").json()["results"]] == ["Draft"]


def test_learners_read_no_content_outside_an_enrollment(acme: Organization, sign_in: Sign) -> None:
    course = make_published_course(acme)
    learner = sign_in(acme, Role.LEARNER)

    assert learner.get(f"/api/v1/courses/{course.course_id}").status_code == 200
    draft = publish_another_version(acme, course.course_id, published=False)
    lesson = f"/versions/{course.version_id}/lessons/{course.lesson_ids[0]}"
    versions = f"/courses/{course.course_id}/versions"
    for path in (f"/versions/{course.version_id}", f"/versions/{draft.version_id}", lesson, versions):
        assert learner.get(f"/api/v1{path}").status_code == 403, path
    assert sign_in(acme, Role.MANAGER).get(f"/api/v1/versions/{course.version_id}").status_code == 200
    assert sign_in(acme, Role.MANAGER).get(f"/api/v1/versions/{draft.version_id}").status_code == 404


@pytest.mark.feature("CRS-02")
def test_the_states_of_a_course(acme: Organization, sign_in: Sign) -> None:
    course = make_published_course(acme)
    admin, url = sign_in(acme, Role.ADMIN), f"/api/v1/courses/{course.course_id}"

    refused = admin.post(f"{url}/unarchive")
    archived = admin.post(f"{url}/archive")
    again = admin.post(f"{url}/archive")

    assert (refused.status_code, refused.json()["code"]) == (409, "course_move_refused")
    assert refused.json()["facts"] == {"state": "published", "allowed": ["archived", "unpublished"]}
    assert (archived.json()["state"], again.json()["state"]) == ("archived", "archived")
    assert sign_in(acme, Role.LEARNER).get(url).status_code == 404
    draft = admin.post(f"{url}/versions", {})
    assert (draft.status_code, draft.json()["code"]) == (409, "course_archived")
    assert admin.post(f"{url}/unarchive").json()["state"] == "published"
    assert AuditEvent.objects.filter(action="courses.archive", target_id=course.course_id).count() == 2


@pytest.mark.feature("CRS-08")
def test_a_deleted_course_is_nowhere_and_comes_back_whole(acme: Organization, sign_in: Sign) -> None:
    course = make_published_course(acme, title="Gone")
    admin, url = sign_in(acme, Role.ADMIN), f"/api/v1/courses/{course.course_id}"
    before = admin.get(f"/api/v1/versions/{course.version_id}").json()

    assert admin.delete(url).status_code == 204

    for method, path in [
        ("get", url),
        ("patch", url),
        ("delete", url),
        ("post", f"{url}/archive"),
        ("get", f"{url}/versions"),
        ("post", f"{url}/versions"),
        ("get", f"{url}/rights"),
        ("get", f"/api/v1/versions/{course.version_id}"),
        ("post", f"/api/v1/versions/{course.version_id}/draft"),
        ("get", f"/api/v1/versions/{course.version_id}/lessons/{course.lesson_ids[0]}"),
    ]:
        assert getattr(admin, method)(path).status_code == 404, (method, path)
    assert admin.get("/api/v1/courses").json()["results"] == []
    assert [row["title"] for row in admin.get("/api/v1/courses?deleted=true").json()["results"]] == ["Gone"]
    assert sign_in(acme, Role.INSTRUCTOR).get("/api/v1/courses?deleted=true").status_code == 403
    assert sign_in(acme, Role.INSTRUCTOR).post(f"{url}/restore").status_code == 403

    assert admin.post(f"{url}/restore").json()["state"] == "published"
    assert admin.get(f"/api/v1/versions/{course.version_id}").json() == before
    again = admin.post(f"{url}/restore")
    assert (again.status_code, again.json()["code"]) == (409, "course_not_deleted")


@pytest.mark.feature("CRS-08")
def test_a_restore_whose_slug_is_taken_is_refused(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = f"/api/v1/courses/{make_course(admin, 'slug')['id']}"
    admin.delete(url)
    make_course(admin, "slug")

    answer = admin.post(f"{url}/restore")

    assert (answer.status_code, answer.json()["code"]) == (409, "course_slug_taken")
    assert admin.get(url).status_code == 404


def test_a_course_changes_hands(acme: Organization, member: Callable[..., Membership], sign_in: Sign) -> None:
    admin, heir = sign_in(acme, Role.ADMIN), member(acme, Role.INSTRUCTOR)
    made = make_course(admin)

    answer = admin.post(f"/api/v1/courses/{made['id']}/transfer", {"member_id": heir.id})
    unknown = admin.post(f"/api/v1/courses/{made['id']}/transfer", {"member_id": uuid.uuid4()})

    assert answer.json()["owner_id"] == str(heir.id)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_member")
    event = AuditEvent.objects.get(action="courses.transfer", target_id=made["id"])
    assert event.changes == {"owner_id": [made["owner_id"], str(heir.id)]}


def test_nothing_of_another_organization_exists(
    acme: Organization, globex: Organization, sign_in: Sign
) -> None:
    theirs = make_published_course(globex)
    draft = publish_another_version(globex, theirs.course_id, published=False)
    admin = sign_in(acme, Role.ADMIN)

    for path in (
        f"/courses/{theirs.course_id}",
        f"/courses/{theirs.course_id}/versions",
        f"/courses/{theirs.course_id}/rights",
        f"/versions/{theirs.version_id}",
        f"/versions/{theirs.version_id}/lessons/{theirs.lesson_ids[0]}",
    ):
        assert admin.get(f"/api/v1{path}").status_code == 404, path
    edit = admin.post(f"/api/v1/versions/{draft.version_id}/modules", {"title": "X"}, HTTP_IF_MATCH="*")
    assert edit.status_code == 404


@pytest.mark.parametrize("role", [Role.ADMIN, Role.INSTRUCTOR])
def test_lists_and_details_take_the_same_number_of_statements_at_any_size(
    acme: Organization, sign_in: Sign, role: Role
) -> None:
    course = make_published_course(acme)
    caller = sign_in(acme, role)
    paths = ("/courses", f"/courses/{course.course_id}", f"/courses/{course.course_id}/versions")
    counts: list[list[int]] = []
    for _ in range(2):
        for path in paths:
            caller.get(f"/api/v1{path}")
        counts.append([])
        for path in paths:
            with statements() as found:
                assert caller.get(f"/api/v1{path}").status_code == 200
            counts[-1].append(len(found))
        for _ in range(6):
            make_published_course(acme)
            publish_another_version(acme, course.course_id)

    assert counts[0] == counts[1]
    assert len(caller.get("/api/v1/courses").json()["results"]) == 13
