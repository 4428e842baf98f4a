"""Reviews when several act at once: one waiting submission, one decision, and no half approval."""

import uuid
from collections.abc import Callable

import pytest
from django.db import transaction

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from tenant_apps.courses.enums import CourseState, ReviewState, VersionState
from tenant_apps.courses.errors import CourseMoveRefused
from tenant_apps.courses.models import (
    Course,
    CourseInstructor,
    CourseVersion,
    InstructorProfile,
    VersionReview,
)
from tenant_apps.courses.selectors.catalog import count_courses
from tenant_apps.courses.services.content import LessonFacts
from tenant_apps.courses.services.courses import create_course
from tenant_apps.courses.services.lifecycle import delete_course, restore_course
from tenant_apps.courses.services.profiles import decide_instructor, update_own_card
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.reviews import approve_review, reject_review, submit_version
from tenant_apps.courses.services.steps import do_move_course
from tenant_apps.courses.services.structure import add_lesson, add_module
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.actors import actor_as
from tests.support.measures import in_parallel

Make = Callable[..., Membership]


def ready(actor: Actor) -> uuid.UUID:
    """Make a course and return its draft, at revision 3."""
    course = create_course(actor=actor, slug=uuid.uuid4().hex, title="Course")
    version = CourseVersion.objects.get(course=course)
    module = add_module(actor=actor, version_id=version.id, revision="1", facts={"title": "Module"})
    facts: LessonFacts = {"title": "Lesson", "kind": "text", "body": "Text"}
    add_lesson(actor=actor, version_id=version.id, revision="2", module_id=module.id, facts=facts)
    return version.id


def require_reviews(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(settings={"course_review": "required"})


@pytest.mark.feature("CRS-03")
def test_submitted_by_many_at_once_a_draft_waits_once(
    committed: None, acme: Organization, member: Make
) -> None:
    author = actor_as(member(acme, Role.INSTRUCTOR))
    with in_organization(acme):
        version_id = ready(author)

    results = in_parallel(
        acme, [lambda: submit_version(actor=author, version_id=version_id, revision="3").id] * 5
    )

    with in_organization(acme):
        [review] = VersionReview.objects.all()
        assert results == [review.id] * 5
        assert Course.objects.get().state == CourseState.PENDING_REVIEW


@pytest.mark.feature("CRS-03")
def test_two_reviewers_at_once_decide_once(committed: None, acme: Organization, member: Make) -> None:
    author, *reviewers = (actor_as(member(acme, role)) for role in (Role.INSTRUCTOR, Role.ADMIN, Role.ADMIN))
    with in_organization(acme):
        version_id = ready(author)
        review = submit_version(actor=author, version_id=version_id, revision="3")

    def approve() -> str:
        approve_review(actor=reviewers[0], review_id=review.id)
        return ReviewState.APPROVED

    def reject() -> str:
        reject_review(actor=reviewers[1], review_id=review.id, reason="No")
        return ReviewState.REJECTED

    results = in_parallel(acme, [approve, reject])

    assert len(results) == 2
    assert "review_decided" in results
    [decision] = {*results} - {"review_decided"}
    with in_organization(acme):
        decided, version = VersionReview.objects.get(), CourseVersion.objects.get(pk=version_id)
        assert decided.state == decision
        assert version.approved_revision == (3 if decision == ReviewState.APPROVED else None)


@pytest.mark.feature("CRS-03")
def test_an_approval_racing_an_edit_never_approves_what_nobody_saw(
    committed: None, acme: Organization, member: Make
) -> None:
    author, reviewer = (actor_as(member(acme, role)) for role in (Role.INSTRUCTOR, Role.ADMIN))
    require_reviews(acme)
    with in_organization(acme):
        version_id = ready(author)
        review = submit_version(actor=author, version_id=version_id, revision="3")

    def edit() -> str:
        add_module(actor=author, version_id=version_id, revision="3", facts={"title": "Late"})
        return "edited"

    def approve() -> str:
        approve_review(actor=reviewer, review_id=review.id)
        return "approved"

    results = in_parallel(acme, [edit, approve])

    assert sorted(results) in (["approved", "edited"], ["edited", "review_outdated"])
    with in_organization(acme):
        version = CourseVersion.objects.get(pk=version_id)
        assert version.revision == 4
        assert version.approved_revision in (None, 3)
        # one thread only: its error comes back as its code
    assert in_parallel(
        acme, [lambda: publish_version(actor=author, version_id=version_id, revision="4")]
    ) == ["approval_missing"]


@pytest.mark.feature("CRS-03")
def test_publishing_an_approved_draft_races_an_edit(
    committed: None, acme: Organization, member: Make
) -> None:
    author, reviewer = (actor_as(member(acme, role)) for role in (Role.INSTRUCTOR, Role.ADMIN))
    require_reviews(acme)
    with in_organization(acme):
        version_id = ready(author)
        review = submit_version(actor=author, version_id=version_id, revision="3")
        approve_review(actor=reviewer, review_id=review.id)

    def edit() -> str:
        add_module(actor=author, version_id=version_id, revision="*", facts={"title": "Late"})
        return "edited"

    def publish() -> str:
        publish_version(actor=author, version_id=version_id, revision="*")
        return "published"

    results = set(in_parallel(acme, [edit, publish]))

    assert results in ({"edited", "approval_missing"}, {"version_frozen", "published"})
    with in_organization(acme):
        version = CourseVersion.objects.get(pk=version_id)
        published = "published" in results
        assert version.state == (VersionState.PUBLISHED if published else VersionState.DRAFT)
        assert version.revision == (3 if published else 4)


@pytest.mark.feature("INS-02")
def test_a_suspension_racing_the_first_edit_of_a_card_makes_one_card(
    committed: None, acme: Organization, member: Make
) -> None:
    who, admin = member(acme, Role.INSTRUCTOR), actor_as(member(acme, Role.ADMIN))

    def suspend() -> str:
        decide_instructor(actor=admin, member_id=who.id, state="suspended", reason="Complaints")
        return "suspended"

    def write() -> str:
        update_own_card(actor=actor_as(who), headline="Trainer")
        return "written"

    assert sorted(in_parallel(acme, [suspend, write])) == ["suspended", "written"]
    with in_organization(acme):
        card = InstructorProfile.objects.get()
        assert (card.headline, card.state) == ("Trainer", "suspended")


def test_an_instructor_who_makes_a_course_is_its_primary_one(
    shared: None, acme: Organization, member: Make
) -> None:
    author, admin = (actor_as(member(acme, role)) for role in (Role.INSTRUCTOR, Role.ADMIN))
    with in_organization(acme):
        for actor in (author, admin):
            create_course(actor=actor, slug=uuid.uuid4().hex, title="Course")
        [made] = CourseInstructor.objects.all()
        assert (made.member_id, made.role, int(made.share_percent)) == (author.member_id, "primary", 100)


@pytest.mark.feature("CRS-02")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("draft", ["archived", "pending_review", "published"]),
        ("pending_review", ["archived", "draft", "published", "rejected"]),
        ("rejected", ["archived", "draft", "pending_review", "published"]),
        ("published", ["archived", "unpublished"]),
        ("unpublished", ["archived", "published"]),
        ("archived", ["draft", "pending_review", "published", "rejected", "unpublished"]),
    ],
)
def test_a_course_moves_to_these_states_and_to_no_other(
    shared: None, acme: Organization, member: Make, before: str, after: list[str]
) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    moved, refusals = [], []
    with in_organization(acme):
        made = create_course(actor=actor, slug="moving", title="Course")
        for wanted in sorted(set(CourseState) - {CourseState(before)}):
            Course.objects.filter(pk=made.pk).update(state=before, state_reason="", state_changed_at=None)
            course = Course.objects.get(pk=made.pk)
            with transaction.atomic():
                try:
                    do_move_course(course, wanted, reason="Because")
                except CourseMoveRefused as error:
                    refusals.append(error.facts)
            course.refresh_from_db()
            if course.state != before:
                moved.append(course.state)
                assert (course.state_reason, course.state_changed_at is None) == ("Because", False)

    assert moved == after
    assert refusals == [{"state": before, "allowed": after}] * (5 - len(after))


@pytest.mark.feature("CRS-08")
def test_a_deleted_course_counts_for_nothing_until_it_is_restored(
    shared: None, acme: Organization, member: Make
) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        courses = [create_course(actor=actor, slug=f"course-{number}", title="Course") for number in range(3)]

        delete_course(actor=actor, course_id=courses[0].id)
        assert count_courses() == 2

        restore_course(actor=actor, course_id=courses[0].id)
        assert count_courses() == 3
