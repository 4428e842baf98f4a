"""Reviews over HTTP: approval is one switch and publication another, and nobody approves their own work."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import render_mail
from shared_apps.outbox.types import Outgoing
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_run
from tests.support.course_drafts import Draft, new_draft
from tests.support.measures import statements

Sign = Callable[..., Any]
Member = Callable[..., Membership]


def ready_draft(caller: Any, slug: str = "first-aid") -> Draft:
    draft = new_draft(caller, slug)
    draft.lesson(draft.module())
    return draft


def review_on(admin: Any, value: str = "required") -> None:
    answer = admin.patch("/api/v1/organization", {"settings": {"course_review": value}})
    assert (answer.status_code, answer.json()["settings"]) == (200, {"course_review": value})


def submit(draft: Draft, caller: Any = None, **body: str) -> Any:
    return (caller or draft.caller).post(f"{draft.url}/reviews", body, HTTP_IF_MATCH=f'"{draft.revision}"')


def publish(draft: Draft, caller: Any = None) -> Any:
    return (caller or draft.caller).post(f"{draft.url}/publish", HTTP_IF_MATCH=f'"{draft.revision}"')


def state_of(draft: Draft) -> str:
    course_id = draft.tree()["course_id"]
    return str(draft.caller.get(f"/api/v1/courses/{course_id}").json()["state"])


def grant(admin: Any, draft: Draft, who: Membership, *rights: str) -> None:
    url = f"/api/v1/courses/{draft.tree()['course_id']}/rights"
    assert admin.put(url, {"member_id": who.id, "rights": rights}).status_code == 200


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.feature("CRS-03")
@pytest.mark.feature("CRS-02")
def test_a_draft_is_submitted_approved_and_published(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    review_on(admin)
    draft = ready_draft(author)
    before = publish(draft)
    assert refused(before) == (409, "approval_missing")
    assert before.json()["facts"] == {"revision": 3, "approved_revision": None}
    page = draft.tree()
    assert (page["review_required"], page["review_state"]) == (True, "none")
    assert (page["can"]["submit"], page["can"]["publish"]) == (True, False)

    handed_in = submit(draft, message="Please look")

    assert handed_in.status_code == 201, handed_in.json()
    review = handed_in.json()
    assert (review["state"], review["revision"], review["message"]) == ("pending", 3, "Please look")
    assert review["can"] == {"approve": False, "reject": False, "withdraw": True}
    assert (state_of(draft), draft.tree()["review_state"]) == ("pending_review", "pending")
    assert refused(publish(draft)) == (409, "approval_missing")

    approved = admin.post(f"/api/v1/reviews/{review['id']}/approve", {"reason": "Well done"})

    assert (approved.json()["state"], approved.json()["reason"]) == ("approved", "Well done")
    page = draft.tree()
    assert (page["review_state"], page["approved_revision"], page["can"]["publish"]) == ("approved", 3, True)
    assert state_of(draft) == "draft"
    assert refused(submit(draft)) == (409, "already_approved")
    assert publish(draft).status_code == 200
    course = author.get(f"/api/v1/courses/{page['course_id']}").json()
    assert (course["state"], course["state_reason"], course["state_changed_at"] is not None) == (
        "published",
        "",
        True,
    )
    actions = ("courses.submit", "courses.approve", "courses.publish")
    assert [AuditEvent.objects.filter(action=each).count() for each in actions] == [1, 1, 1]


@pytest.mark.feature("CRS-02")
def test_a_rejected_draft_goes_back_with_a_reason_and_comes_again(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    review_id = submit(draft).json()["id"]

    unexplained = admin.post(f"/api/v1/reviews/{review_id}/reject", {})
    answer = admin.post(f"/api/v1/reviews/{review_id}/reject", {"reason": "Too short"})

    assert unexplained.status_code == 400
    assert (answer.json()["state"], answer.json()["reason"]) == ("rejected", "Too short")
    course = author.get(f"/api/v1/courses/{draft.tree()['course_id']}").json()
    assert (course["state"], course["state_reason"]) == ("rejected", "Too short")
    assert draft.tree()["review_state"] == "rejected"
    again = admin.post(f"/api/v1/reviews/{review_id}/approve")
    assert refused(again) == (409, "review_decided")
    assert again.json()["facts"]["state"] == "rejected"
    draft.module("More")
    assert submit(draft).status_code == 201
    assert state_of(draft) == "pending_review"
    history = author.get(f"{draft.url}/reviews").json()["results"]
    assert [(each["state"], each["revision"]) for each in history] == [("pending", 4), ("rejected", 3)]


@pytest.mark.feature("CRS-03")
def test_an_edit_after_the_approval_ends_it(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    review_on(admin)
    draft = ready_draft(author)
    admin.post(f"/api/v1/reviews/{submit(draft).json()['id']}/approve")

    draft.module("One more thing")

    stale = publish(draft)
    assert refused(stale) == (409, "approval_missing")
    assert stale.json()["facts"] == {"revision": 4, "approved_revision": 3}
    assert draft.tree()["review_state"] == "outdated"
    # administrators are no exception
    assert refused(publish(draft, admin)) == (409, "approval_missing")
    review_on(admin, "off")
    assert publish(draft).status_code == 200


def test_an_edit_after_the_submission_makes_it_outdated(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    review_id = submit(draft).json()["id"]
    draft.module("Afterthought")

    answer = admin.post(f"/api/v1/reviews/{review_id}/approve")

    assert refused(answer) == (409, "review_outdated")
    assert answer.json()["facts"] == {"revision": 4, "submitted": 3}
    shown = admin.get(f"/api/v1/reviews/{review_id}").json()
    assert (shown["is_outdated"], shown["can"]) == (
        True,
        {"approve": False, "reject": True, "withdraw": True},
    )
    newer = submit(draft)
    assert (newer.json()["id"] != review_id, newer.json()["revision"]) == (True, 4)
    assert admin.get(f"/api/v1/reviews/{review_id}").json()["state"] == "withdrawn"
    assert admin.post(f"/api/v1/reviews/{newer.json()['id']}/approve").status_code == 200


@pytest.mark.feature("CRS-03")
def test_nobody_approves_their_own_work(acme: Organization, member: Member, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    other_admin, co_instructor, reviewer = (
        member(acme, Role.ADMIN),
        member(acme, Role.INSTRUCTOR),
        member(acme, Role.MANAGER),
    )
    draft = ready_draft(author)
    course = f"/api/v1/courses/{draft.tree()['course_id']}"
    maker = author.get(f"{course}/instructors").json()[0]["member_id"]
    parts = [
        {"member_id": maker, "role": "primary", "share_percent": "50"},
        {"member_id": str(co_instructor.id), "role": "co_instructor", "share_percent": "50"},
    ]
    assert admin.put(f"{course}/instructors", {"instructors": parts}).status_code == 200
    grant(admin, draft, reviewer, "publish_course")
    # an administrator who edits is an author of the draft
    editor = sign_in(acme, other_admin)
    edited = editor.post(f"{draft.url}/modules", {"title": "Mine"}, HTTP_IF_MATCH="*")
    draft.revision = edited["ETag"].strip('"')
    review_id = submit(draft).json()["id"]
    url = f"/api/v1/reviews/{review_id}/approve"

    for caller, because in (
        (author, ["submitted", "edited", "instructor"]),
        (editor, ["edited"]),
        (sign_in(acme, co_instructor), ["instructor"]),
    ):
        answer = caller.post(url)
        assert refused(answer) == (403, "self_approval")
        # the reviewer, this administrator, and the organization's owner
        assert answer.json()["facts"] == {"because": because, "others": 3}
        assert caller.get(f"/api/v1/reviews/{review_id}").json()["can"]["approve"] is False
        assert caller.get("/api/v1/reviews?to_decide=true").json()["results"] == []
    chosen = sign_in(acme, reviewer)
    assert [each["id"] for each in chosen.get("/api/v1/reviews?to_decide=true").json()["results"]] == [
        review_id
    ]
    assert chosen.post(url).status_code == 200
    # a copy of the unpublished draft is as much the editor's work
    copy = editor.post(f"{draft.url}/draft", {}).json()
    twin = Draft(author, copy["id"])
    review_id = submit(twin).json()["id"]
    answer = editor.post(f"/api/v1/reviews/{review_id}/approve")
    assert answer.json()["facts"]["because"] == ["edited"]


@pytest.mark.feature("CRS-03")
def test_an_organization_with_one_administrator_is_told_what_to_do(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    only = Membership.objects.get(organization=acme, role=Role.OWNER)
    owner = sign_in(acme, only)
    review_on(owner)
    draft = ready_draft(owner)

    answer = submit(draft)

    assert refused(answer) == (409, "no_reviewer")
    assert "PUT /courses/{id}/rights" in answer.json()["detail"]
    assert "course_review" in answer.json()["detail"]
    assert draft.tree()["review_state"] == "none"
    # somebody who holds the right and has no part is enough
    reviewer = member(acme, Role.MANAGER)
    grant(owner, draft, reviewer, "publish_course")
    review_id = submit(draft).json()["id"]
    assert sign_in(acme, reviewer).post(f"/api/v1/reviews/{review_id}/approve").status_code == 200
    assert publish(draft).status_code == 200


def test_an_unready_draft_is_not_submitted(acme: Organization, sign_in: Sign) -> None:
    author = sign_in(acme, Role.INSTRUCTOR)
    draft = new_draft(author)

    answer = submit(draft)
    missing = author.post(f"{draft.url}/reviews", {})
    stale = author.post(f"{draft.url}/reviews", {}, HTTP_IF_MATCH='"9"')

    assert refused(answer) == (409, "version_not_publishable")
    assert refused(missing) == (428, "if_match_required")
    assert refused(stale) == (412, "stale_version")
    assert (state_of(draft), author.get(f"{draft.url}/reviews").json()["results"]) == ("draft", [])


def test_a_submission_is_withdrawn_and_ends_with_its_draft(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    review_id = submit(draft).json()["id"]

    withdrawn = author.post(f"/api/v1/reviews/{review_id}/withdraw")

    assert (withdrawn.json()["state"], state_of(draft)) == ("withdrawn", "draft")
    assert refused(author.post(f"/api/v1/reviews/{review_id}/withdraw")) == (409, "review_decided")
    assert refused(admin.post(f"/api/v1/reviews/{review_id}/approve")) == (409, "review_decided")
    course_id = draft.tree()["course_id"]
    submit(draft)
    assert author.delete(draft.url, HTTP_IF_MATCH="*").status_code == 204
    assert author.get(f"/api/v1/courses/{course_id}").json()["state"] == "draft"


def test_of_a_published_course_the_version_shows_the_review(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    assert publish(draft).status_code == 200
    copy = author.post(f"{draft.url}/draft", {}).json()
    newer = Draft(author, copy["id"])

    review_id = submit(newer).json()["id"]

    assert (state_of(newer), newer.tree()["review_state"]) == ("published", "pending")
    admin.post(f"/api/v1/reviews/{review_id}/reject", {"reason": "No"})
    assert (state_of(newer), newer.tree()["review_state"]) == ("published", "rejected")
    rows = author.get(f"/api/v1/courses/{newer.tree()['course_id']}/versions").json()["results"]
    assert [(row["number"], row["review_state"], row["can"]["edit"]) for row in rows] == [
        (2, "rejected", True),
        (1, "none", False),
    ]


def test_the_queue_is_filtered_and_counted(acme: Organization, member: Member, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    drafts = [ready_draft(author, f"course-{number}") for number in range(3)]
    ids = [submit(draft).json()["id"] for draft in drafts]
    admin.post(f"/api/v1/reviews/{ids[0]}/approve")
    drafts[1].module("Edited since")

    def listed(caller: Any, query: str) -> list[str]:
        return [each["id"] for each in caller.get(f"/api/v1/reviews?{query}").json()["results"]]

    assert listed(admin, "") == ids[::-1]
    assert listed(admin, "state=pending") == [ids[2], ids[1]]
    assert listed(admin, "to_decide=true") == [ids[2]]
    assert listed(admin, f"course_id={drafts[0].tree()['course_id']}") == [ids[0]]
    assert listed(author, "mine=true") == ids[::-1]
    assert admin.get("/api/v1/reviews/counts").json() == {
        "pending": 2,
        "approved": 1,
        "rejected": 0,
        "withdrawn": 0,
        "to_decide": 1,
        "mine": 0,
    }
    assert author.get("/api/v1/reviews/counts").json()["mine"] == 2
    # whoever works on none of these courses sees nothing of them
    stranger = sign_in(acme, Role.INSTRUCTOR)
    assert listed(stranger, "") == []
    assert stranger.get(f"/api/v1/reviews/{ids[0]}").status_code == 404
    assert stranger.post(f"/api/v1/reviews/{ids[2]}/approve").status_code == 404
    assert sign_in(acme, Role.LEARNER).get("/api/v1/reviews").status_code == 403
    # an assistant sees, and decides nothing
    helper = member(acme, Role.INSTRUCTOR)
    grant(admin, drafts[2], helper, "edit_course")
    assert sign_in(acme, helper).post(f"/api/v1/reviews/{ids[2]}/approve").status_code == 403


@pytest.mark.feature("CRS-08")
def test_reviews_of_a_deleted_course_are_nowhere_and_count_again_once_restored(
    acme: Organization, sign_in: Sign
) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    url = f"/api/v1/courses/{draft.tree()['course_id']}"
    review_id = submit(draft).json()["id"]
    counts = admin.get("/api/v1/reviews/counts").json()

    admin.delete(url)

    assert admin.get(f"/api/v1/reviews/{review_id}").status_code == 404
    assert admin.post(f"/api/v1/reviews/{review_id}/approve").status_code == 404
    assert admin.get("/api/v1/reviews/counts").json() == dict.fromkeys(counts, 0)
    [gone] = admin.get("/api/v1/courses?deleted=true").json()["results"]
    assert [name for name, is_open in gone["can"].items() if is_open] == ["restore"]

    assert admin.post(f"{url}/restore").json()["state"] == "pending_review"

    assert admin.get("/api/v1/reviews/counts").json() == counts


@pytest.mark.feature("CRS-02")
def test_a_course_is_unpublished_and_published_again(acme: Organization, sign_in: Sign) -> None:
    author, admin, learner = (sign_in(acme, role) for role in (Role.INSTRUCTOR, Role.ADMIN, Role.LEARNER))
    draft = ready_draft(author)
    url = f"/api/v1/courses/{draft.tree()['course_id']}"
    early = author.post(f"{url}/unpublish", {"reason": "x"})
    assert refused(early) == (409, "course_move_refused")
    assert early.json()["facts"] == {"state": "draft", "allowed": ["archived", "pending_review", "published"]}
    assert refused(author.post(f"{url}/publish")) == (409, "course_never_published")
    # the archive is no way around the states either
    author.post(f"{url}/archive")
    assert refused(author.post(f"{url}/unpublish")) == (409, "course_archived")
    assert author.post(f"{url}/unarchive").json()["state"] == "draft"
    assert publish(draft).status_code == 200

    taken = author.post(f"{url}/unpublish", {"reason": "Out of date"})

    assert (taken.json()["state"], taken.json()["state_reason"]) == ("unpublished", "Out of date")
    assert learner.get(url).status_code == 404
    assert author.post(f"{url}/unpublish", {"reason": "Again"}).json()["state_reason"] == "Out of date"
    # the archive gives it back as it was
    assert author.post(f"{url}/archive").json()["state"] == "archived"
    assert refused(author.post(f"{url}/publish")) == (409, "course_archived")
    assert refused(author.post(f"{url}/unpublish")) == (409, "course_archived")
    assert author.post(f"{url}/unarchive").json()["state"] == "unpublished"
    again = author.post(f"{url}/publish")
    assert (again.json()["state"], again.json()["state_reason"]) == ("published", "")
    assert author.post(f"{url}/publish").json()["state"] == "published"
    assert learner.get(url).status_code == 200
    assert admin.get(url).json()["can"]["unpublish"] is True
    assert AuditEvent.objects.filter(action="courses.unpublish", target_id=url.rsplit("/", 1)[1]).count() == 1


@pytest.mark.feature("CRS-02")
def test_while_a_course_is_unpublished_its_runs_go_on_and_take_nobody(
    acme: Organization, member: Member, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    run_id = make_run(acme, course)
    learner, late = member(acme), member(acme)
    admin = sign_in(acme, Role.ADMIN)
    enrollments = f"/api/v1/runs/{run_id}/enrollments"
    made = admin.post(enrollments, {"member_id": learner.id})
    assert made.status_code == 201, made.json()
    assert admin.post(f"/api/v1/courses/{course.course_id}/unpublish").status_code == 200

    answer = admin.post(enrollments, {"member_id": late.id})
    another_run = admin.post(
        "/api/v1/runs",
        {"course_id": course.course_id, "version_id": course.version_id, "title": "Another"},
    )

    assert refused(answer) == (409, "course_not_offered")
    assert another_run.status_code == 400
    lesson = f"/api/v1/my-courses/{made.json()['id']}/lessons/{course.lesson_ids[0]}"
    assert sign_in(acme, learner).get(lesson).status_code == 200
    assert admin.post(f"/api/v1/courses/{course.course_id}/publish").status_code == 200
    assert admin.post(enrollments, {"member_id": late.id}).status_code == 201


def test_archiving_keeps_a_course_with_its_reviewers(acme: Organization, sign_in: Sign) -> None:
    author, admin = sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.ADMIN)
    draft = ready_draft(author)
    url = f"/api/v1/courses/{draft.tree()['course_id']}"
    review_id = submit(draft).json()["id"]
    author.post(f"{url}/archive")

    assert refused(admin.post(f"/api/v1/reviews/{review_id}/approve")) == (409, "course_archived")
    assert admin.get("/api/v1/reviews?to_decide=true").json()["results"] == []
    assert author.post(f"{url}/unarchive").json()["state"] == "pending_review"
    assert admin.post(f"/api/v1/reviews/{review_id}/approve").status_code == 200


def test_reviewers_and_submitters_are_told_by_mail(acme: Organization, member: Member, sign_in: Sign) -> None:
    who = member(acme, Role.INSTRUCTOR, first_name="Ada")
    author, chief = sign_in(acme, who), member(acme, Role.ADMIN)
    draft = ready_draft(author)
    review_id = submit(draft, message="Please & thanks").json()["id"]

    def mails(template: str) -> list[OutboxMessage]:
        return list(OutboxMessage.objects.filter(payload__template=f"courses/{template}"))

    assert chief.user.email in {mail.payload["to"] for mail in mails("review_submitted")}
    assert who.user.email not in {mail.payload["to"] for mail in mails("review_submitted")}
    sign_in(acme, chief).post(f"/api/v1/reviews/{review_id}/reject", {"reason": "Too short"})
    [told] = mails("review_rejected")
    assert told.payload["to"] == who.user.email
    for mail in (mails("review_submitted")[0], told):
        for language in ("en", "de"):
            message = Outgoing(
                id=mail.id,
                topic=mail.topic,
                payload={**mail.payload, "language": language},
                created_at=mail.created_at,
                attempts=1,
                organization_id=None,
                organization=None,
            )
            assert "First aid" in render_mail(message).text


def test_settings_are_the_administrators_alone(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    assert admin.get("/api/v1/organization").json()["settings"] == {"course_review": "off"}
    change = {"settings": {"course_review": "required", "cors_origins": ["https://evil.example"]}}

    assert sign_in(acme, Role.INSTRUCTOR).patch("/api/v1/organization", change).status_code == 403
    assert admin.patch("/api/v1/organization", {"settings": {"course_review": "maybe"}}).status_code == 400
    assert admin.patch("/api/v1/organization", change).json()["settings"] == {"course_review": "required"}

    acme.refresh_from_db()
    assert acme.settings == {"course_review": "required"}
    assert AuditEvent.objects.filter(action="organizations.update", organization_id=acme.id).count() == 1


def test_acts_on_lists_cost_the_same_at_any_size(acme: Organization, sign_in: Sign) -> None:
    author = sign_in(acme, Role.INSTRUCTOR)
    first = ready_draft(author, "course-0")
    submit(first)
    paths = ("/courses", "/reviews", f"/courses/{first.tree()['course_id']}/versions")
    counts: list[list[int]] = []
    for round_number in range(2):
        counts.append([])
        for path in paths:
            with statements() as found:
                rows = author.get(f"/api/v1{path}").json()["results"]
            counts[-1].append(len(found))
            assert all(row["can"] for row in rows)
        for number in range(4):
            submit(ready_draft(author, f"course-{round_number}-{number}"))
            author.post(f"/api/v1/courses/{first.tree()['course_id']}/versions", {})

    assert counts[0] == counts[1]
