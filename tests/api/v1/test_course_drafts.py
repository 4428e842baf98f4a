"""Drafts: built, ordered, edited by revision, published and frozen, copied into new versions."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Lesson
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.support.client import Caller
from tests.support.course_drafts import Draft, new_draft
from tests.support.measures import statements

Sign = Callable[..., Any]


@pytest.mark.feature("CNT-01")
def test_a_draft_is_built_and_read_in_one_call(acme: Organization, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.INSTRUCTOR))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.INSTRUCTOR))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    draft = new_draft(sign_in(acme, Role.ADMIN))
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
    # who calls, modules, lessons, resources, translations, what the caller may do
    assert len(few) == len(many) == 6
