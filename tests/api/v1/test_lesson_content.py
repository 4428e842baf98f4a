"""What belongs to lessons: kinds, topics, resources, flags, previews, translations, unsaved writing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.core.actors import Role
from tenant_apps.courses.content import kinds
from tenant_apps.courses.models import LessonText, WorkingCopy
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse
from tests.factories.runs import make_enrollment, make_run
from tests.support.client import Caller
from tests.support.course_drafts import Draft, new_draft

Sign = Callable[..., Any]
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def upload(caller: Any, name: str = "slides.pdf", content: bytes = PDF) -> str:
    file = SimpleUploadedFile(name, content)
    answer = caller.post("/api/v1/files", {"file": file}, format="multipart")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def lesson_of(draft: Draft, lesson_id: str) -> Any:
    return draft.caller.get(f"{draft.url}/lessons/{lesson_id}").json()


def learn(acme: Organization, draft: Draft, learner: Any) -> tuple[str, str]:
    """Publish the draft, enrol the learner; return the enrollment's address and the version's course."""
    draft.call("post", "/publish", expect=200)
    tree = draft.tree()
    course = PublishedCourse(uuid.UUID(tree["course_id"]), uuid.UUID(tree["id"]), [], [])
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    return f"/api/v1/my-courses/{enrollment_id}", tree["course_id"]


@pytest.mark.feature("CNT-06")
@pytest.mark.feature("CNT-05")
@pytest.mark.feature("CNT-08")
@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"kind": "text", "body": " "}, "body_empty"),
        ({"kind": "text", "body": "Words"}, None),
        ({"kind": "document"}, "document_missing"),
        ({"kind": "audio"}, "media_missing"),
        ({"kind": "audio", "media_url": "https://cdn.example/a.mp3"}, "duration_missing"),
        ({"kind": "audio", "media_url": "https://cdn.example/a.mp3", "duration_seconds": 90}, None),
        ({"kind": "video"}, "media_missing"),
        ({"kind": "video", "media_url": "https://cdn.example/v.mp4"}, None),
        ({"kind": "video", "embed_url": "https://player.vimeo.com/1"}, None),
        ({"kind": "embed"}, "embed_url_malformed"),
        ({"kind": "embed", "embed_url": "https://player.vimeo.com/1"}, None),
    ],
)
def test_each_kind_names_what_keeps_it_from_being_published(
    acme: Organization, sign_in: Sign, facts: dict[str, Any], code: str | None
) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    lesson = draft.lesson(draft.module(), **facts)

    answer = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")

    if code is None:
        assert answer.status_code == 200, answer.content
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "version_not_publishable")
        problems = answer.json()["facts"]["problems"]
        assert problems == [{"lesson_id": lesson, "title": "Lesson", "code": code}]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://cdn.example/a.mp3", "url_scheme"),
        ("javascript:alert(1)", "url_malformed"),
        ("https://user@cdn.example/a.mp3", "url_userinfo"),
        ("https://127.0.0.1/a.mp3", "url_ip_address"),
        ("https://cdn.example/" + "ü" * 200, "url_too_long"),
    ],
)
def test_media_lie_at_plain_https_addresses(acme: Organization, sign_in: Sign, url: str, reason: str) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    body = {"module_id": draft.module(), "title": "Song", "kind": "audio", "media_url": url}

    answer = draft.caller.post(f"{draft.url}/lessons", body, HTTP_IF_MATCH="*")

    assert (answer.status_code, answer.json()["code"]) == (400, "lesson_content_refused")
    assert answer.json()["facts"]["reason"] == reason
    assert [each["field"] for each in answer.json()["errors"]] == ["media_url"]


@pytest.mark.feature("CNT-10")
@pytest.mark.parametrize("kind", ["quiz", "assignment", "live_class", "scorm"])
def test_places_for_later_kinds_are_drafted_and_published_once_an_app_registers_them(
    acme: Organization, sign_in: Sign, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    lesson = draft.lesson(draft.module(), kind=kind, linked_id=str(uuid.uuid4()))
    refused = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")

    monkeypatch.setitem(
        kinds.KINDS,
        kind,
        kinds.Kind(kind, "linked", lambda lesson, _: None if lesson.linked_id else "linked_missing"),
    )
    without = draft.call("patch", f"/lessons/{lesson}", {"linked_id": None}, expect=200)
    missing = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")
    draft.call("patch", f"/lessons/{lesson}", {"linked_id": str(uuid.uuid4())}, expect=200)
    published = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")

    assert [each["code"] for each in refused.json()["facts"]["problems"]] == ["lesson_kind_not_available"]
    assert without.status_code == 200
    assert [each["code"] for each in missing.json()["facts"]["problems"]] == ["linked_missing"]
    assert published.status_code == 200
    assert kinds.is_completed_by_hand(kind) is False


@pytest.mark.feature("CNT-03")
def test_topics_stand_below_their_lesson_and_follow_it(acme: Organization, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    one, two = draft.module(), draft.module()
    lesson, other = draft.lesson(one), draft.lesson(two)

    def topic(title: str, **facts: Any) -> str:
        body = {"title": title, "body": title, **facts}
        return str(draft.call("post", f"/lessons/{lesson}/topics", body).json()["id"])

    a, b, c = topic("A"), topic("B"), topic("C", position=0)
    deeper = draft.caller.post(f"{draft.url}/lessons/{a}/topics", {"title": "No"}, HTTP_IF_MATCH="*")
    alone = draft.caller.patch(f"{draft.url}/lessons/{a}", {"module_id": two}, HTTP_IF_MATCH="*")
    draft.call("put", f"/lessons/{lesson}/topics/order", {"topic_ids": [b, a, c]}, expect=200)
    short = draft.caller.put(
        f"{draft.url}/lessons/{lesson}/topics/order", {"topic_ids": [b, a]}, HTTP_IF_MATCH="*"
    )
    draft.call("patch", f"/lessons/{lesson}", {"module_id": two}, expect=200)
    draft.call("delete", f"/lessons/{a}", expect=204)

    assert (deeper.status_code, deeper.json()["code"]) == (409, "topic_of_topic")
    assert (alone.status_code, alone.json()["code"]) == (409, "topic_stays_with_lesson")
    assert (short.status_code, short.json()["code"]) == (400, "order_incomplete")
    assert draft.shape() == [(one, []), (two, [other, lesson])]
    found = draft.tree()["modules"][1]["lessons"][1]["topics"]
    assert [(each["id"], each["position"]) for each in found] == [(b, 0), (c, 1)]
    order = {"modules": [{"id": one, "lesson_ids": [lesson]}, {"id": two, "lesson_ids": [other]}]}
    draft.call("put", "/order", order, expect=200)
    assert [each["id"] for each in draft.tree()["modules"][0]["lessons"][0]["topics"]] == [b, c]
    draft.call("delete", f"/lessons/{lesson}", expect=204)
    with in_organization(acme):
        assert LessonText.objects.count() == 1


@pytest.mark.feature("CNT-19")
def test_two_authors_edit_two_lessons_at_once_and_never_overwrite_each_other_on_one(
    acme: Organization, sign_in: Sign
) -> None:
    one, two = sign_in(acme, Role.ADMIN), sign_in(acme, Role.ADMIN)
    draft = new_draft(one)
    module = draft.module()
    first, second = draft.lesson(module), draft.lesson(module)
    etags = {each: one.get(f"{draft.url}/lessons/{each}")["ETag"] for each in (first, second)}

    def save(caller: Any, lesson: str, title: str, etag: str) -> Any:
        return caller.patch(f"{draft.url}/lessons/{lesson}", {"title": title}, HTTP_IF_MATCH=etag)

    mine = save(one, first, "Mine", etags[first])
    theirs = save(two, second, "Theirs", etags[second])
    late = save(two, first, "Late", etags[first])
    again = save(one, first, "Again", mine["ETag"])

    assert set(etags.values()) == {'"lesson-1"'}
    assert (mine.status_code, theirs.status_code, again.status_code) == (200, 200, 200)
    assert (mine["ETag"], again["ETag"]) == ('"lesson-2"', '"lesson-3"')
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")
    assert late.json()["facts"]["lesson_revision"] == 2
    titles = [each["title"] for each in draft.tree()["modules"][0]["lessons"]]
    assert titles == ["Again", "Theirs"]
    assert mine.json()["revision"] == 5


@pytest.mark.feature("CNT-16")
@pytest.mark.feature("CNT-13")
def test_resources_have_order_and_come_with_an_address_only_where_they_may_be_downloaded(
    acme: Organization, sign_in: Sign, member: Callable[..., Any], anonymous: Callable[..., Caller]
) -> None:
    draft, learner = new_draft(sign_in(acme, Role.ADMIN)), member(acme, Role.LEARNER)
    file_id = upload(draft.caller)
    lesson = draft.lesson(draft.module())

    def add(title: str, **facts: Any) -> str:
        made = draft.call("post", f"/lessons/{lesson}/resources", {"title": title, **facts})
        return str(made.json()["id"])

    slides = add("Slides", file_id=file_id)
    kept = add("Kept", file_id=file_id, is_downloadable=False)
    link = add("Elsewhere", url="https://docs.example/a", position=0)
    hidden = add("Hidden", url="https://docs.example/b", is_downloadable=False)
    base = f"{draft.url}/lessons/{lesson}/resources"
    both = draft.caller.post(
        base, {"title": "x", "file_id": file_id, "url": "https://a.example"}, HTTP_IF_MATCH="*"
    )
    bad = draft.caller.post(base, {"title": "x", "url": "javascript:alert(1)"}, HTTP_IF_MATCH="*")
    gone = draft.caller.post(base, {"title": "x", "file_id": str(uuid.uuid4())}, HTTP_IF_MATCH="*")
    wanted = [slides, link, kept, hidden]
    draft.call("put", f"/lessons/{lesson}/resources/order", {"resource_ids": wanted}, expect=200)
    draft.call("patch", f"/lessons/{lesson}/resources/{slides}", {"title": "The slides"}, expect=200)

    shown = lesson_of(draft, lesson)["resources"]
    mine, _ = learn(acme, draft, learner)
    found = sign_in(acme, learner).get(f"{mine}/lessons/{lesson}").json()["resources"]

    assert [(answer.status_code, answer.json()["code"]) for answer in (both, bad, gone)] == [
        (400, "resource_needs_one"),
        (400, "lesson_content_refused"),
        (400, "unknown_document"),
    ]
    assert [(each["title"], each["position"]) for each in shown] == [
        ("The slides", 0),
        ("Elsewhere", 1),
        ("Kept", 2),
        ("Hidden", 3),
    ]
    assert (shown[0]["file"]["size"], shown[0]["file"]["content_type"]) == (len(PDF), "application/pdf")
    assert [bool(each["file"] and each["file"]["url"]) for each in found] == [True, False, False, False]
    assert [each["url"] for each in found] == ["", "https://docs.example/a", "", ""]
    opened = anonymous(acme).get(found[0]["file"]["url"])
    assert opened.getvalue() == PDF
    refused = draft.caller.delete(f"{base}/{slides}", HTTP_IF_MATCH="*")
    assert (refused.status_code, refused.json()["code"]) == (409, "version_frozen")


@pytest.mark.feature("CNT-13")
@pytest.mark.feature("CNT-07")
def test_a_document_that_is_not_downloadable_can_be_looked_at_and_nothing_else(
    acme: Organization, sign_in: Sign, member: Callable[..., Any], anonymous: Callable[..., Caller]
) -> None:
    draft, learner = new_draft(sign_in(acme, Role.ADMIN)), member(acme, Role.LEARNER)
    module = draft.module()
    pdf, text = upload(draft.caller), upload(draft.caller, "list.txt", b"one\n")
    shown = draft.lesson(module, kind="document", document_id=pdf, is_downloadable=False)
    plain = draft.lesson(module, kind="document", document_id=text, is_downloadable=False)
    mine, _ = learn(acme, draft, learner)
    reader = sign_in(acme, learner)

    document = reader.get(f"{mine}/lessons/{shown}").json()["document"]
    view = document["view_url"]
    opened = anonymous(acme).get(view)

    assert document["url"] is None
    assert (opened.status_code, opened.getvalue()) == (200, PDF)
    assert opened["Content-Disposition"].startswith("inline")
    assert opened["X-Frame-Options"] == "SAMEORIGIN"
    assert anonymous(acme).get(view.replace("/view?", "/download?")).status_code == 404
    other = reader.get(f"{mine}/lessons/{plain}").json()["document"]
    assert (other["url"], other["view_url"]) == (None, None)
    assert reader.get(f"/api/v1/files/{pdf}/link").status_code == 403


@pytest.mark.feature("CNT-11")
def test_a_free_preview_is_readable_without_enrollment_and_nothing_else_is(
    acme: Organization, globex: Organization, sign_in: Sign, anonymous: Callable[..., Caller]
) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module()
    free = draft.lesson(module, title="Free", body="Taste", is_preview=True)
    closed = draft.lesson(module, title="Closed", body="Secret")
    unpublished = draft.lesson(module, title="Not yet", body="x", is_preview=True, is_published=False)
    course_id = draft.tree()["course_id"]
    base = f"/api/v1/courses/{course_id}/previews"
    learner = sign_in(acme, Role.LEARNER)
    before = learner.get(f"{base}/{free}")
    draft.call("post", "/publish", expect=200)

    listed, read = learner.get(base).json()["results"], learner.get(f"{base}/{free}").json()

    assert before.status_code == 404
    assert [each["id"] for each in listed] == [free]
    assert read["body_html"] == "<p>Taste</p>\n"
    for lesson in (closed, unpublished, str(uuid.uuid4())):
        assert learner.get(f"{base}/{lesson}").status_code == 404
    assert learner.get(f"{draft.url}/lessons/{free}").status_code == 403
    assert anonymous(acme).get(f"{base}/{free}").status_code == 401
    assert sign_in(globex, Role.OWNER).get(f"{base}/{free}").status_code == 404


def test_unsaved_writing_is_kept_for_its_writer_until_the_lesson_is_saved(
    acme: Organization, sign_in: Sign
) -> None:
    one, two = sign_in(acme, Role.ADMIN), sign_in(acme, Role.ADMIN)
    draft = new_draft(one)
    lesson = draft.lesson(draft.module(), body="Saved")
    url = f"{draft.url}/lessons/{lesson}/autosave"
    nothing = one.get(url)

    kept = one.put(url, {"facts": {"title": "", "body": "Half a sen"}})
    again = one.put(url, {"facts": {"title": "T", "body": "Half a sentence"}})
    found = one.get(url).json()

    assert nothing.status_code == 404
    assert (kept.status_code, again.status_code) == (200, 200)
    assert found["facts"] == {"title": "T", "body": "Half a sentence"}
    assert (found["based_on_revision"], found["is_stale"]) == (1, False)
    assert two.get(url).status_code == 404
    tree = draft.tree()
    assert (tree["autosaved_lesson_ids"], str(tree["revision"])) == ([lesson], draft.revision)
    assert lesson_of(draft, lesson)["body"] == "Saved"
    two.patch(f"{draft.url}/lessons/{lesson}", {"body": "Theirs"}, HTTP_IF_MATCH='"lesson-1"')
    assert one.get(url).json()["is_stale"] is True
    one.patch(f"{draft.url}/lessons/{lesson}", {"body": "Mine"}, HTTP_IF_MATCH='"lesson-2"')
    assert one.get(url).status_code == 404
    one.put(url, {"facts": {"body": "More"}})
    assert one.delete(url).status_code == 204
    with in_organization(acme):
        assert WorkingCopy.objects.count() == 0


@pytest.mark.feature("CNT-21")
def test_lessons_and_modules_are_translated_in_their_version(acme: Organization, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module("Basics")
    lesson = draft.lesson(module, title="Hello", body="Hello")
    german = {"language": "de", "title": "Hallo", "body": "<b>Hallo</b>", "body_format": "html"}

    draft.call("put", f"/lessons/{lesson}/translations", german, expect=200)
    draft.call("put", f"/lessons/{lesson}/translations", {**german, "body": "Servus"}, expect=200)
    draft.call("put", f"/modules/{module}/translations", {"language": "de", "title": "Grund"}, expect=200)
    bad = draft.caller.put(
        f"{draft.url}/lessons/{lesson}/translations", {"language": "../de"}, HTTP_IF_MATCH="*"
    )

    found = draft.tree()["modules"][0]
    assert bad.status_code == 400
    assert [(each["language"], each["title"]) for each in found["translations"]] == [("de", "Grund")]
    (translated,) = found["lessons"][0]["translations"]
    assert (translated["title"], translated["body_html"]) == ("Hallo", "Servus")
    with in_organization(acme):
        assert LessonText.objects.count() == 2
    draft.call("delete", f"/lessons/{lesson}/translations?language=de", expect=204)
    with in_organization(acme):
        assert LessonText.objects.count() == 1
