"""Courses over HTTP: who sees and does what, drafts and their edits, publishing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from shared_apps.outbox.services.delivery import relay
from tenant_apps.courses.models import Course, CourseRight, Lesson
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.support.client import Caller
from tests.support.measures import statements

Sign = Callable[..., Any]


def _make(caller: Any, slug: str = "first-aid", **facts: Any) -> dict[str, Any]:
    answer = caller.post("/api/v1/courses", {"slug": slug, "title": "First aid", **facts})
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def _draft_of(caller: Any, course_id: str) -> str:
    return str(caller.get(f"/api/v1/courses/{course_id}/versions").json()["results"][0]["id"])


class Draft:
    """A draft under the hands of one caller, who always sends the revision last seen."""

    def __init__(self, caller: Any, version_id: str) -> None:
        self.caller, self.url, self.revision = caller, f"/api/v1/versions/{version_id}", "1"

    def call(self, method: str, path: str, body: Any = None, expect: int = 201) -> Any:
        answer = getattr(self.caller, method)(f"{self.url}{path}", body, HTTP_IF_MATCH=f'"{self.revision}"')
        assert answer.status_code == expect, answer.content
        self.revision = answer["ETag"].strip('"')
        return answer

    def module(self, title: str = "Module") -> str:
        return str(self.call("post", "/modules", {"title": title}).json()["id"])

    def lesson(self, module_id: str, **facts: Any) -> str:
        body = {"module_id": module_id, "title": "Lesson", "body": "Text", **facts}
        return str(self.call("post", "/lessons", body).json()["id"])

    def tree(self) -> Any:
        return self.caller.get(self.url).json()

    def shape(self) -> list[tuple[str, list[str]]]:
        return [(each["id"], [one["id"] for one in each["lessons"]]) for each in self.tree()["modules"]]


def _new_draft(caller: Any, slug: str = "first-aid") -> Draft:
    return Draft(caller, _draft_of(caller, _make(caller, slug)["id"]))


@pytest.mark.feature("CRS-01")
def test_a_new_course_has_a_draft_and_belongs_to_its_maker(acme: Organization, sign_in: Sign) -> None:
    instructor = sign_in(acme, Role.INSTRUCTOR)

    made = _make(instructor, summary="What to <b>do</b>", language="de")

    assert (made["state"], made["title"], made["summary"], made["language"]) == (
        "draft",
        "First aid",
        "What to do",
        "de",
    )
    assert made["can"] == {"edit": True, "publish": True, "delete": False}
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
    _make(admin, "taken")
    other = _make(admin, "other")

    again = admin.post("/api/v1/courses", {"slug": "taken", "title": "B"})
    renamed = admin.patch(f"/api/v1/courses/{other['id']}", {"slug": "taken"})

    assert (again.status_code, again.json()["code"]) == (409, "course_slug_taken")
    assert (renamed.status_code, renamed.json()["code"]) == (409, "course_slug_taken")
    _make(sign_in(globex, Role.ADMIN), "taken")


@pytest.mark.feature("INS-07")
@pytest.mark.feature("SEC-01")
def test_rights_on_one_course_say_who_works_on_it(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    course_id = _make(admin)["id"]
    draft = f"/api/v1/versions/{_draft_of(admin, course_id)}"
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
    assert caller.get(url).json()["can"] == {"edit": True, "publish": False, "delete": False}
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
    url = f"/api/v1/courses/{_make(admin)['id']}/rights"
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
    course_id = _make(sign_in(acme, Role.ADMIN))["id"]
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
    url = f"/api/v1/courses/{_make(admin)['id']}/rights"

    learner = admin.put(url, {"member_id": member(acme).id, "rights": ["edit_course"]})
    stranger = admin.put(url, {"member_id": member(globex).id, "rights": ["edit_course"]})

    assert (learner.status_code, learner.json()["code"]) == (409, "member_cannot_author")
    assert (stranger.status_code, stranger.json()["code"]) == (400, "unknown_member")
    assert admin.get(url).json() == []


@pytest.mark.feature("CAT-04")
def test_the_catalogue_shows_published_courses_to_everybody(acme: Organization, sign_in: Sign) -> None:
    make_published_course(acme, title="Published")
    admin = sign_in(acme, Role.ADMIN)
    _make(admin, "draft", title="Draft")

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
    assert refused.json()["facts"] == {"state": "published", "allowed": ["archived"]}
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
    url = f"/api/v1/courses/{_make(admin, 'slug')['id']}"
    admin.delete(url)
    _make(admin, "slug")

    answer = admin.post(f"{url}/restore")

    assert (answer.status_code, answer.json()["code"]) == (409, "course_slug_taken")
    assert admin.get(url).status_code == 404


def test_a_course_changes_hands(acme: Organization, member: Callable[..., Membership], sign_in: Sign) -> None:
    admin, heir = sign_in(acme, Role.ADMIN), member(acme, Role.INSTRUCTOR)
    made = _make(admin)

    answer = admin.post(f"/api/v1/courses/{made['id']}/transfer", {"member_id": heir.id})
    unknown = admin.post(f"/api/v1/courses/{made['id']}/transfer", {"member_id": uuid.uuid4()})

    assert answer.json()["owner_id"] == str(heir.id)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_member")
    event = AuditEvent.objects.get(action="courses.transfer", target_id=made["id"])
    assert event.changes == {"owner_id": [made["owner_id"], str(heir.id)]}


@pytest.mark.feature("CNT-01")
def test_a_draft_is_built_and_read_in_one_call(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.INSTRUCTOR))
    one, two = draft.module("One"), draft.module("Two")
    first = draft.lesson(one, title="First", body="# Hello", minutes=5)
    second = draft.lesson(two, title="Second", is_required=False)
    zeroth = draft.lesson(one, title="Zeroth", position=0)

    answer = draft.caller.get(draft.url)

    assert draft.shape() == [(one, [zeroth, first]), (two, [second])]
    tree = answer.json()
    assert answer["ETag"] == '"6"'
    assert tree["revision"] == 6
    lesson = tree["modules"][0]["lessons"][1]
    assert (lesson["title"], lesson["minutes"], lesson["position"]) == ("First", 5, 1)
    assert (lesson["body"], lesson["body_html"]) == ("# Hello", "<h1>Hello</h1>\n")
    assert tree["modules"][1]["lessons"][0]["is_required"] is False
    preview = draft.caller.get(f"{draft.url}/lessons/{first}").json()
    assert preview == lesson


@pytest.mark.feature("CNT-02")
def test_the_whole_tree_is_put_in_order_at_once(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    one, two = draft.module(), draft.module()
    lessons = [draft.lesson(one) for _ in range(3)]
    wanted = [(two, [lessons[2], lessons[0]]), (one, [lessons[1]])]

    body = {"modules": [{"id": module, "lesson_ids": ids} for module, ids in wanted]}
    answer = draft.call("put", "/order", body, expect=200)

    assert draft.shape() == wanted
    assert answer.json()["modules"][0]["id"] == two
    assert [each["position"] for each in answer.json()["modules"][0]["lessons"]] == [0, 1]


@pytest.mark.feature("CNT-02")
@pytest.mark.parametrize("fault", ["missing", "unknown", "repeated"])
def test_an_order_that_is_not_exactly_what_is_there_changes_nothing(
    acme: Organization, sign_in: Sign, fault: str
) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module()
    lessons = [draft.lesson(module) for _ in range(2)]
    before = draft.shape()
    wrong = {
        "missing": lessons[:1],
        "unknown": [*lessons, str(uuid.uuid4())],
        "repeated": [lessons[0], lessons[1], lessons[0]],
    }[fault]

    body = {"modules": [{"id": module, "lesson_ids": wrong}]}
    answer = draft.caller.put(f"{draft.url}/order", body, HTTP_IF_MATCH=f'"{draft.revision}"')

    assert (answer.status_code, answer.json()["code"]) == (400, "order_incomplete")
    assert len(answer.json()["facts"][fault]) == 1
    assert draft.shape() == before
    assert str(draft.tree()["revision"]) == draft.revision


def test_deleting_and_moving_leave_no_gap(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    one, two, three = draft.module(), draft.module(), draft.module()
    a, b, c = (draft.lesson(one) for _ in range(3))
    d = draft.lesson(three)

    draft.call("patch", f"/lessons/{a}", {"module_id": three}, expect=200)
    draft.call("delete", f"/lessons/{b}", expect=204)
    draft.call("delete", f"/modules/{two}", expect=204)

    assert draft.shape() == [(one, [c]), (three, [d, a])]
    modules = draft.tree()["modules"]
    assert [each["position"] for each in modules] == [0, 1]
    assert [[one["position"] for one in each["lessons"]] for each in modules] == [[0], [0, 1]]


@pytest.mark.feature("CNT-19")
def test_every_edit_names_the_revision_it_was_made_from(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module()
    lesson = draft.lesson(module)
    edits: list[tuple[str, str, Any]] = [
        ("post", "/modules", {"title": "New"}),
        ("patch", f"/modules/{module}", {"title": "New"}),
        ("delete", f"/modules/{module}", None),
        ("post", "/lessons", {"module_id": module, "title": "New"}),
        ("patch", f"/lessons/{lesson}", {"title": "New"}),
        ("delete", f"/lessons/{lesson}", None),
        ("put", "/order", {"modules": [{"id": module, "lesson_ids": [lesson]}]}),
        ("post", "/publish", None),
        ("delete", "", None),
    ]
    before = draft.tree()

    for method, path, body in edits:
        blind = getattr(draft.caller, method)(f"{draft.url}{path}", body)
        stale = getattr(draft.caller, method)(f"{draft.url}{path}", body, HTTP_IF_MATCH='"1"')
        assert (blind.status_code, blind.json()["code"]) == (428, "if_match_required"), path
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version"), path
        assert stale.json()["facts"] == {"revision": 3}

    assert draft.tree() == before


@pytest.mark.feature("SEC-02")
@pytest.mark.feature("CNT-05")
@pytest.mark.parametrize(
    ("body_format", "body", "html"),
    [
        ("html", "<p onclick='x()'>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
        ("html", "<img src=x onerror=alert(1)>", "<img>"),
        ("html", "<a href='javascript:alert(1)'>go</a>", '<a rel="noopener noreferrer">go</a>'),
        ("html", "<svg/onload=alert(1)>", ""),
        ("html", "<iframe src='https://evil.example'></iframe>ok", "ok"),
        ("markdown", "<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
    ],
)
def test_scripts_come_back_harmless(
    acme: Organization, sign_in: Sign, body_format: str, body: str, html: str
) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    lesson = draft.lesson(draft.module("<b>Bold</b> title"), body_format=body_format, body=body)

    found = draft.tree()["modules"][0]

    assert found["title"] == "Bold title"
    assert found["lessons"][0]["body_html"] == html
    draft.call("patch", f"/lessons/{lesson}", {"body": "plain"}, expect=200)
    assert "script" not in draft.tree()["modules"][0]["lessons"][0]["body_html"]


@pytest.mark.feature("CNT-08")
def test_embeds_come_from_allowed_hosts(
    acme: Organization, sign_in: Sign, operator: Caller, settings: Any
) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module()

    def add(url: str) -> Any:
        body = {"module_id": module, "title": "Film", "kind": "embed", "embed_url": url}
        return draft.caller.post(f"{draft.url}/lessons", body, HTTP_IF_MATCH="*")

    refused = add("https://evil.example/film")
    assert (refused.status_code, refused.json()["code"]) == (400, "lesson_content_refused")
    assert refused.json()["facts"]["reason"] == "embed_host"
    assert "only the platform's operators can add one" in refused.json()["detail"]
    assert add("http://player.vimeo.com/1").json()["facts"]["reason"] == "embed_scheme"
    assert add("https://PLAYER.vimeo.com/1").status_code == 201
    settings.EMBED_ALLOWED_HOSTS = ["films.example"]
    assert add("https://films.example/1").status_code == 201
    address = f"/api/v1/organizations/{acme.pk}"
    changed = operator.patch(address, {"settings": {"embed_allowed_hosts": ["own.acme.example"]}})
    assert changed.json()["settings"] == {"embed_allowed_hosts": ["own.acme.example"]}
    assert add("https://own.acme.example/1").status_code == 201
    urls = [lesson["embed_url"] for lesson in draft.tree()["modules"][0]["lessons"]]
    assert urls == ["https://player.vimeo.com/1", "https://films.example/1", "https://own.acme.example/1"]


@pytest.mark.feature("VER-01")
def test_publishing_freezes_the_draft(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.INSTRUCTOR))
    module = draft.module()
    lesson = draft.lesson(module)
    draft.lesson(module, is_required=False)
    draft.lesson(module, is_published=False)

    published = draft.call("post", "/publish", expect=200).json()
    again = draft.call("post", "/publish", expect=200).json()

    assert published == again
    assert (published["state"], published["lesson_count"], published["required_count"]) == ("published", 2, 1)
    assert len(published["content_hash"]) == 64
    course = draft.caller.get(f"/api/v1/courses/{published['course_id']}").json()
    assert (course["state"], course["current_version"]["id"]) == ("published", published["id"])
    edits: list[tuple[str, str, Any]] = [
        ("patch", f"/lessons/{lesson}", {"title": "New"}),
        ("delete", f"/modules/{module}", None),
        ("post", "/modules", {"title": "New"}),
        ("put", "/order", {"modules": []}),
        ("delete", "", None),
    ]
    for method, path, body in edits:
        answer = getattr(draft.caller, method)(f"{draft.url}{path}", body, HTTP_IF_MATCH="*")
        assert (answer.status_code, answer.json()["code"]) == (409, "version_frozen"), path
    assert draft.tree() == published
    assert AuditEvent.objects.filter(action="courses.publish", target_id=published["id"]).count() == 1


@pytest.mark.feature("VER-01")
def test_what_learners_could_not_use_is_not_published(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    empty = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")
    module = draft.module()
    text = draft.lesson(module, title="Empty", body=" ")
    document = draft.lesson(module, title="Paper", kind="document")
    draft.lesson(module, title="Hidden", kind="document", is_published=False)

    answer = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")

    assert empty.json()["facts"]["problems"] == [{"code": "no_published_lesson"}]
    assert (answer.status_code, answer.json()["code"]) == (409, "version_not_publishable")
    assert answer.json()["facts"]["problems"] == [
        {"lesson_id": text, "title": "Empty", "code": "body_empty"},
        {"lesson_id": document, "title": "Paper", "code": "document_missing"},
    ]
    assert draft.tree()["state"] == "draft"


@pytest.mark.feature("VER-03")
@pytest.mark.feature("VER-04")
def test_a_new_version_leaves_the_old_one_as_it_was(acme: Organization, sign_in: Sign) -> None:
    draft = _new_draft(sign_in(acme, Role.ADMIN))
    draft.lesson(draft.module("Kept"), title="Kept")
    first = draft.call("post", "/publish", expect=200).json()

    answer = draft.caller.post(f"{draft.url}/draft", {"note": "Better words"})
    assert answer.status_code == 201
    copy = Draft(draft.caller, answer.json()["id"])
    same = copy.tree()
    assert (same["number"], same["based_on_id"], same["note"]) == (2, first["id"], "Better words")
    assert same["modules"][0]["lineage"] == first["modules"][0]["lineage"]
    assert same["modules"][0]["id"] != first["modules"][0]["id"]
    lesson = same["modules"][0]["lessons"][0]
    assert lesson["lineage"] == first["modules"][0]["lessons"][0]["lineage"]
    copy.call("patch", f"/lessons/{lesson['id']}", {"title": "Changed"}, expect=200)
    second = copy.call("post", "/publish", expect=200).json()

    assert second["content_hash"] != first["content_hash"]
    assert draft.tree() == first
    course = draft.caller.get(f"/api/v1/courses/{first['course_id']}").json()
    assert course["current_version"]["number"] == 2


def test_a_draft_comes_from_any_version_of_its_own_course(acme: Organization, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    newer = publish_another_version(acme, course.course_id, modules=2, lessons=2)
    other = make_published_course(acme)
    admin, url = sign_in(acme, Role.ADMIN), f"/api/v1/courses/{course.course_id}/versions"

    newest = admin.post(url, {}).json()
    old = admin.post(url, {"based_on_id": course.version_id}).json()
    foreign = admin.post(url, {"based_on_id": other.version_id})

    assert (newest["number"], newest["based_on_id"]) == (3, str(newer.version_id))
    assert (old["number"], old["based_on_id"]) == (4, str(course.version_id))
    assert len(admin.get(f"/api/v1/versions/{old['id']}").json()["modules"]) == 1
    assert (foreign.status_code, foreign.json()["code"]) == (400, "unknown_version")
    gone = admin.delete(f"/api/v1/versions/{old['id']}", HTTP_IF_MATCH='"1"')
    assert gone.status_code == 204
    assert admin.get(f"/api/v1/versions/{old['id']}").status_code == 404
    with in_organization(acme):
        assert Lesson.objects.filter(version_id=old["id"]).count() == 0


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


@pytest.mark.feature("VER-02")
def test_a_tree_takes_the_same_number_of_statements_at_any_size(acme: Organization, sign_in: Sign) -> None:
    small = make_published_course(acme, modules=1, lessons=1)
    large = make_published_course(acme, modules=6, lessons=20)
    admin = sign_in(acme, Role.ADMIN)
    admin.get(f"/api/v1/versions/{small.version_id}")

    with statements() as few:
        admin.get(f"/api/v1/versions/{small.version_id}")
    with statements() as many:
        tree = admin.get(f"/api/v1/versions/{large.version_id}").json()

    assert sum(len(module["lessons"]) for module in tree["modules"]) == 120
    assert len(few) == len(many) == 3  # who calls, modules, lessons


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
