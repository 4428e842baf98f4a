"""Instructors over HTTP: cards, what administrators decide about them, parts in courses and their rights."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from shared_apps.outbox.services.delivery import relay
from tenant_apps.courses.models import Course, CourseInstructor, CourseRight
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.course_drafts import draft_of, make_course, new_draft

Sign = Callable[..., Any]
Member = Callable[..., Membership]
CARD = {
    "headline": "Knows <b>trucks</b>",
    "short_bio": "Twenty years in warehouses",
    "bio": "I **teach**.\n\n<script>x()</script>",
    "expertise": ["Forklifts", "Forklifts", "Safety"],
    "links": {"Site": "https://Trainer.example/me"},
    "certifications": [{"title": "Crane licence", "issuer": "TÜV", "year": 2019}],
    "achievements": [{"title": "Trainer of the year"}],
}


def ready_draft(caller: Any, slug: str = "first-aid") -> Any:
    draft = new_draft(caller, slug)
    draft.lesson(draft.module())
    return draft


def part(member: Membership, role: str, share: str) -> dict[str, Any]:
    return {"member_id": str(member.id), "role": role, "share_percent": share}


def open_acts(caller: Any, url: str) -> set[str]:
    return {name for name, is_open in caller.get(url).json()["can"].items() if is_open}


@pytest.mark.feature("INS-01")
@pytest.mark.feature("INS-06")
def test_a_card_is_written_by_its_instructor_and_seen_by_everybody_once_approved(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    who = member(acme, Role.INSTRUCTOR, first_name="Ada", last_name="Lovelace")
    instructor, admin, learner = sign_in(acme, who), sign_in(acme, Role.ADMIN), sign_in(acme, Role.LEARNER)
    url = f"/api/v1/instructors/{who.id}"

    written = instructor.patch("/api/v1/instructors/me", CARD)

    assert written.status_code == 200, written.json()
    card = written.json()
    assert (card["display_name"], card["headline"], card["state"]) == (
        "Ada Lovelace",
        "Knows trucks",
        "pending",
    )
    assert (
        card["bio_html"].strip()
        == "<p>I <strong>teach</strong>.</p>\n<p>&lt;script&gt;x()&lt;/script&gt;</p>"
    )
    assert card["expertise"] == ["Forklifts", "Safety"]
    assert card["links"] == {"Site": "https://trainer.example/me"}
    assert card["certifications"] == [{"title": "Crane licence", "issuer": "TÜV", "year": 2019}]
    assert card["achievements"] == [{"title": "Trainer of the year", "issuer": "", "year": None}]
    # nobody else sees a card that waits, but those who decide
    assert learner.get(url).status_code == 404
    assert learner.get("/api/v1/instructors").json()["results"] == []
    assert [row["id"] for row in admin.get("/api/v1/instructors?state=pending").json()["results"]] == [
        str(who.id)
    ]

    approved = admin.put(f"{url}/state", {"state": "approved"})

    assert approved.json()["can"] == {"edit": False, "approve": False, "reject": False, "suspend": True}
    assert learner.get(url).json()["certifications"] == card["certifications"]
    assert [
        row["display_name"] for row in learner.get("/api/v1/instructors?search=truck ada").json()["results"]
    ] == ["Ada Lovelace"]
    assert learner.get("/api/v1/instructors?search=nobody").json()["results"] == []


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"links": {"Site": "http://trainer.example"}}, "link_refused"),
        ({"links": {"Site": "javascript:alert(1)"}}, "link_refused"),
        ({"links": {"Site": "https://user@trainer.example"}}, "link_refused"),
        ({"expertise": ["<i></i>"]}, "text_empty"),
        ({"certifications": [{"issuer": "TÜV"}]}, "invalid_input"),
        ({"headline": "a\x00b"}, "invalid_input"),
        ({"links": {"a\x00b": "https://trainer.example"}}, "invalid_input"),
    ],
)
def test_wrong_facts_of_a_card_are_refused(
    acme: Organization, sign_in: Sign, facts: dict[str, Any], code: str
) -> None:
    answer = sign_in(acme, Role.INSTRUCTOR).patch("/api/v1/instructors/me", facts)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_learners_have_no_card(acme: Organization, member: Member, sign_in: Sign) -> None:
    learner = member(acme, Role.LEARNER)
    assert sign_in(acme, learner).patch("/api/v1/instructors/me", {"headline": "x"}).status_code == 403
    refused = sign_in(acme, Role.ADMIN).put(f"/api/v1/instructors/{learner.id}/state", {"state": "approved"})
    assert (refused.status_code, refused.json()["code"]) == (409, "member_cannot_author")


@pytest.mark.feature("INS-02")
def test_a_suspended_instructor_publishes_nothing_from_the_next_request_on(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    who = member(acme, Role.INSTRUCTOR)
    instructor, admin, learner = sign_in(acme, who), sign_in(acme, Role.ADMIN), sign_in(acme, Role.LEARNER)
    shown = ready_draft(instructor, "shown")
    assert instructor.post(f"{shown.url}/publish", HTTP_IF_MATCH="*").status_code == 200
    course = f"/api/v1/courses/{shown.tree()['course_id']}"
    draft = ready_draft(instructor, "hidden")
    assert "publish" in open_acts(instructor, draft.url)

    decided = admin.put(f"/api/v1/instructors/{who.id}/state", {"state": "suspended", "reason": "Complaints"})

    assert decided.status_code == 200
    for method, url in (
        ("post", f"{draft.url}/publish"),
        ("post", f"{draft.url}/reviews"),
        ("post", f"{course}/unpublish"),
        ("post", f"{course}/archive"),
    ):
        refused = getattr(instructor, method)(url, {}, HTTP_IF_MATCH="*")
        assert (refused.status_code, refused.json()["code"]) == (403, "instructor_barred"), url
        assert refused.json()["facts"] == {"state": "suspended", "reason": "Complaints"}
    assert open_acts(instructor, draft.url) == {"edit", "delete", "draft", "export"}
    assert open_acts(instructor, course) == {"edit", "create_draft"}
    # their courses stay readable, and they go on writing
    assert learner.get(course).status_code == 200
    draft.module("More")
    assert learner.get(f"/api/v1/instructors/{who.id}").status_code == 404

    assert admin.put(f"/api/v1/instructors/{who.id}/state", {"state": "approved"}).status_code == 200

    assert instructor.post(f"{draft.url}/publish", HTTP_IF_MATCH="*").status_code == 200
    assert AuditEvent.objects.filter(action="instructors.decide", target_id=who.id).count() == 2


@pytest.mark.feature("INS-02")
def test_the_states_of_an_instructor(acme: Organization, member: Member, sign_in: Sign) -> None:
    who = member(acme, Role.INSTRUCTOR)
    instructor, admin = sign_in(acme, who), sign_in(acme, Role.ADMIN)
    url = f"/api/v1/instructors/{who.id}/state"
    instructor.patch("/api/v1/instructors/me", CARD)

    unexplained = admin.put(url, {"state": "rejected"})
    rejected = admin.put(url, {"state": "rejected", "reason": "No such licence"})
    again = admin.put(url, {"state": "rejected", "reason": "Another"})

    assert (unexplained.status_code, unexplained.json()["errors"][0]["field"]) == (400, "reason")
    assert (rejected.json()["state"], again.json()["state_reason"]) == ("rejected", "No such licence")
    assert instructor.get("/api/v1/instructors/me").json()["state_reason"] == "No such licence"
    # changed, it waits again; unchanged it does not
    assert instructor.patch("/api/v1/instructors/me", CARD).json()["state"] == "rejected"
    assert instructor.patch("/api/v1/instructors/me", {"certifications": []}).json()["state"] == "pending"
    admin.put(url, {"state": "approved"})
    refused = admin.put(url, {"state": "rejected", "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "instructor_move_refused")
    assert refused.json()["facts"] == {"state": "approved", "allowed": ["suspended"]}
    assert instructor.put(url, {"state": "approved"}).status_code == 403


@pytest.mark.feature("INS-05")
def test_parts_give_rights_on_the_course(acme: Organization, member: Member, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    course_id = make_course(admin)["id"]
    url, draft = f"/api/v1/courses/{course_id}", f"/api/v1/versions/{draft_of(admin, course_id)}"
    primary, second, assistant = (member(acme, Role.INSTRUCTOR) for _ in range(3))
    people = [part(primary, "primary", "60.00"), part(second, "co_instructor", "33.34")]
    people.append(part(assistant, "assistant", "6.66"))

    answer = admin.put(f"{url}/instructors", {"instructors": people})

    assert [(each["member_id"], each["role"], each["share_percent"]) for each in answer.json()] == [
        (each["member_id"], each["role"], each["share_percent"]) for each in people
    ]
    for who in (primary, second):
        assert {"edit", "publish", "archive"} <= open_acts(sign_in(acme, who), url)
    helper = sign_in(acme, assistant)
    assert open_acts(helper, url) == {"edit", "submit", "create_draft"}
    assert helper.post(f"{draft}/modules", {"title": "M"}, HTTP_IF_MATCH="*").status_code == 201
    assert helper.post(f"{draft}/publish", HTTP_IF_MATCH="*").status_code == 403
    # what somebody earns is between them and those who set it
    shares = [each["share_percent"] for each in helper.get(f"{url}/instructors").json()]
    assert shares == [None, None, "6.66"]
    refused = admin.put(
        f"{url}/rights", {"member_id": assistant.id, "rights": ["edit_course", "publish_course"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "assistant_cannot_publish")

    swapped = [part(second, "primary", "100"), part(primary, "assistant", "0")]
    assert admin.put(f"{url}/instructors", {"instructors": swapped}).status_code == 200

    assert helper.get(url).status_code == 404
    assert "publish" not in open_acts(sign_in(acme, primary), url)
    assert "publish" in open_acts(sign_in(acme, second), url)
    before = AuditEvent.objects.filter(action="courses.instructors", target_id=course_id).count()
    assert admin.put(f"{url}/instructors", {"instructors": swapped}).status_code == 200
    assert (before, AuditEvent.objects.filter(action="courses.instructors", target_id=course_id).count()) == (
        2,
        2,
    )
    # an empty list ends all parts and what they gave
    assert admin.put(f"{url}/instructors", {"instructors": []}).json() == []
    with in_organization(acme):
        assert CourseRight.objects.filter(content_object_id=course_id).count() == 0


@pytest.mark.feature("INS-05")
@pytest.mark.parametrize(
    ("roles", "shares", "code"),
    [
        (["primary", "co_instructor"], ["60", "30"], "shares_uneven"),
        (["primary", "co_instructor"], ["60", "40.01"], "shares_uneven"),
        (["primary", "primary"], ["50", "50"], "one_primary_needed"),
        (["co_instructor", "assistant"], ["50", "50"], "one_primary_needed"),
        (["primary", "co_instructor"], ["101", "-1"], "invalid_input"),
        (["primary", "guest"], ["50", "50"], "invalid_input"),
    ],
)
def test_uneven_parts_are_refused_and_change_nothing(
    acme: Organization, member: Member, sign_in: Sign, roles: list[str], shares: list[str], code: str
) -> None:
    maker = member(acme, Role.INSTRUCTOR)
    course_id = make_course(sign_in(acme, maker))["id"]
    url = f"/api/v1/courses/{course_id}/instructors"
    admin = sign_in(acme, Role.ADMIN)
    people = [part(member(acme, Role.INSTRUCTOR), *each) for each in zip(roles, shares, strict=True)]

    answer = admin.put(url, {"instructors": people})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [(each["member_id"], each["share_percent"]) for each in admin.get(url).json()] == [
        (str(maker.id), "100.00")
    ]


def test_only_members_who_make_courses_have_parts(
    acme: Organization, globex: Organization, member: Member, sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = f"/api/v1/courses/{make_course(admin)['id']}/instructors"
    twice = member(acme, Role.INSTRUCTOR)

    learner = admin.put(url, {"instructors": [part(member(acme), "primary", "100")]})
    stranger = admin.put(url, {"instructors": [part(member(globex, Role.INSTRUCTOR), "primary", "100")]})
    repeated = admin.put(
        url, {"instructors": [part(twice, "primary", "50"), part(twice, "co_instructor", "50")]}
    )

    assert (learner.status_code, learner.json()["code"]) == (409, "member_cannot_author")
    assert (stranger.status_code, stranger.json()["code"]) == (400, "unknown_member")
    assert (repeated.status_code, repeated.json()["code"]) == (400, "instructor_repeated")
    assert admin.get(url).json() == []


@pytest.mark.feature("INS-05")
@pytest.mark.feature("INS-07")
def test_who_leaves_is_followed_by_the_co_instructor(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    leaver, heir, helper = (member(acme, Role.INSTRUCTOR) for _ in range(3))
    course_id = make_course(sign_in(acme, leaver))["id"]
    url = f"/api/v1/courses/{course_id}"
    people = [
        part(leaver, "primary", "70"),
        part(helper, "assistant", "10"),
        part(heir, "co_instructor", "20"),
    ]
    assert admin.put(f"{url}/instructors", {"instructors": people}).status_code == 200

    assert admin.delete(f"/api/v1/members/{leaver.id}").status_code == 204
    with in_public():
        relay()

    assert [
        (each["member_id"], each["role"], each["share_percent"])
        for each in admin.get(f"{url}/instructors").json()
    ] == [
        (str(helper.id), "assistant", "10.00"),
        (str(heir.id), "primary", "90.00"),
    ]
    assert admin.get(url).json()["owner_id"] == str(heir.id)
    event = AuditEvent.objects.get(action="courses.transfer", target_id=course_id)
    assert event.changes == {"owner_id": [str(leaver.id), str(heir.id)]}
    with in_organization(acme):
        assert Course.objects.filter(owner_id=leaver.id).count() == 0
        assert CourseInstructor.objects.filter(member_id=leaver.id).count() == 0
        assert CourseRight.objects.filter(user_id=leaver.user_id).count() == 0


def test_a_role_change_takes_effect_on_the_next_request(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    who = member(acme, Role.INSTRUCTOR)
    instructor, admin = sign_in(acme, who), sign_in(acme, Role.ADMIN)
    draft = ready_draft(instructor)
    url = f"/api/v1/courses/{draft.tree()['course_id']}"
    assert instructor.patch(url, {"title": "Mine"}).status_code == 200

    assert admin.post(f"/api/v1/members/{who.id}/role", {"role": "learner"}).status_code == 200

    assert instructor.patch(url, {"title": "Still mine"}).status_code == 403
    assert instructor.post(f"{draft.url}/publish", HTTP_IF_MATCH="*").status_code == 403
    assert instructor.get(draft.url).status_code == 403
    assert admin.get(url).json()["title"] == "Mine"

    assert admin.post(f"/api/v1/members/{who.id}/role", {"role": "instructor"}).status_code == 200

    assert instructor.post(f"{draft.url}/publish", HTTP_IF_MATCH="*").status_code == 200
