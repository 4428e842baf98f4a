"""The queue of submissions, and how single versions stand with their reviewers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.enums import CourseState, ReviewState, VersionState
from tenant_apps.courses.models import CourseInstructor, VersionReview
from tenant_apps.courses.policies import (
    CONTENT,
    PUBLISH_RIGHT,
    REVIEW,
    REVIEWS,
    RIGHTS,
    courses_with_right,
    held_rights,
    sees_everything,
    visible_versions,
)
from tenant_apps.courses.selectors.acts import review_standing, version_acts, with_version_standing
from tenant_apps.courses.selectors.reviewers import review_is_required


@dataclass(frozen=True, slots=True)
class VersionStanding:
    """A version's way to publication.

    Attributes:
        review_state: of `ReviewStanding`.
        review_required: the organization publishes only what was approved.
        can: of `VERSION_ACTS`.
    """

    review_state: str
    approved_revision: int | None
    review_required: bool
    can: Mapping[str, bool]


def list_reviews(
    actor: Actor,
    *,
    state: str = "",
    course_id: uuid.UUID | None = None,
    version_id: uuid.UUID | None = None,
    to_decide: bool = False,
    mine: bool = False,
) -> QuerySet[VersionReview]:
    """Return the submissions of drafts that the actor works on or may decide about.

    Args:
        actor: who asks.
        state: one state; empty for all.
        course_id: of one course.
        version_id: of one version, its history.
        to_decide: only what waits for this actor: pending, not edited since, and not their own work.
        mine: only what the actor submitted.

    Raises:
        Forbidden: the role works on no courses.
    """
    require(actor, REVIEWS)
    found = _visible(actor)
    if state:
        found = found.filter(state=state)
    if course_id:
        found = found.filter(version__course_id=course_id)
    if version_id:
        found = found.filter(version_id=version_id)
    if to_decide:
        found = found.filter(_waiting_for(actor))
    if mine:
        found = found.filter(submitted_by_id=actor.membership_id)
    return found


def list_version_reviews(actor: Actor, version_id: uuid.UUID) -> QuerySet[VersionReview]:
    """Return the history of one version, newest first.

    Raises:
        Forbidden: the role reads no content outside an enrollment.
        NotFound: no such version, or a draft the actor may not know of.
    """
    require(actor, CONTENT)
    if not visible_versions(actor).filter(pk=version_id).exists():
        raise NotFound
    return _visible(actor).filter(version_id=version_id)


def get_review(actor: Actor, review_id: uuid.UUID) -> VersionReview:
    """Return one submission.

    Raises:
        Forbidden: the role works on no courses.
        NotFound: no such submission, or one the actor may not know of.
    """
    require(actor, REVIEWS)
    found = _visible(actor).filter(pk=review_id).first()
    if found is None:
        raise NotFound
    return found


def count_reviews(actor: Actor) -> dict[str, int]:
    """Return how many submissions there are in each state, and `to_decide`, `mine`; one statement.

    Raises:
        Forbidden: the role works on no courses.
    """
    require(actor, REVIEWS)
    counted = {state.value: Count("pk", filter=Q(state=state)) for state in ReviewState}
    counted["to_decide"] = Count("pk", filter=_waiting_for(actor))
    counted["mine"] = Count("pk", filter=Q(state=ReviewState.PENDING, submitted_by_id=actor.membership_id))
    return _visible(actor).order_by().aggregate(**counted)


def get_version_standing(actor: Actor, version_id: uuid.UUID) -> VersionStanding:
    """Return how one visible version stands; at most two statements.

    Raises:
        NotFound: no such version, or a draft the actor may not know of.
    """
    version = with_version_standing(actor, visible_versions(actor).filter(pk=version_id)).first()
    if version is None:
        raise NotFound
    required = version.state == VersionState.DRAFT and review_is_required()
    return VersionStanding(
        review_state=review_standing(version),
        approved_revision=version.approved_revision,
        review_required=required,
        can=version_acts(actor, version, review_required=required),
    )


def review_acts(actor: Actor, review: Any) -> dict[str, bool]:
    """Return what is open to the actor on one submission as these selectors return it."""
    waits = review.state == ReviewState.PENDING and review.course_state != CourseState.ARCHIVED
    decides = waits and review.may_decide and not _is_own(actor, review)
    return {
        "approve": decides and review.revision == review.version.revision,
        "reject": decides,
        "withdraw": waits and review.may_edit,
    }


def _visible(actor: Actor) -> QuerySet[VersionReview]:
    """Submissions of live courses the actor works on, with version, course, people and own standing."""
    live = VersionReview.objects.filter(version__course__deleted_at__isnull=True)
    if not sees_everything(actor):
        live = live.filter(version__course__in=courses_with_right(actor, *RIGHTS).values("pk"))
    parts = CourseInstructor.objects.filter(
        course_id=OuterRef("version__course_id"), member_id=actor.membership_id
    )
    held = held_rights(actor).filter(content_object_id=OuterRef("version__course_id"))
    everything = Q(pk__isnull=False) if _decides_everywhere(actor) else Q(pk__isnull=True)
    return live.select_related("version", "submitted_by", "decided_by").annotate(
        course_title=F("version__course__title"),
        course_state=F("version__course__state"),
        course_of=F("version__course_id"),
        has_part=Exists(parts),
        may_decide=Q(everything) | Q(Exists(held.filter(permission__codename=PUBLISH_RIGHT))),
        may_edit=Q(everything) | Q(Exists(held.exclude(permission__codename=PUBLISH_RIGHT))),
    )


def _decides_everywhere(actor: Actor) -> bool:
    return actor.role in REVIEW.roles or actor.role is None


def _waiting_for(actor: Actor) -> Q:
    waiting = Q(state=ReviewState.PENDING, revision=F("version__revision"), may_decide=True, has_part=False)
    waiting &= ~Q(version__course__state=CourseState.ARCHIVED)
    if actor.membership_id is None:
        return waiting
    # Submitted by nobody any more is nobody's own work.
    foreign = Q(submitted_by__isnull=True) | ~Q(submitted_by_id=actor.membership_id)
    return waiting & foreign & ~Q(version__editor_ids__contains=[str(actor.membership_id)])


def _is_own(actor: Actor, review: Any) -> bool:
    own = actor.membership_id
    return own is not None and (
        review.submitted_by_id == own or str(own) in review.version.editor_ids or review.has_part
    )
