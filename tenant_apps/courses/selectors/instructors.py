"""Cards of instructors, and who makes a course. Roles lie in a shared table, so the organization is named."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.core.actors import STAFF, Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from tenant_apps.courses.enums import INSTRUCTOR_MOVES, CourseState, InstructorState
from tenant_apps.courses.models import Course, CourseInstructor, InstructorProfile
from tenant_apps.courses.policies import CARDS, DECIDE_INSTRUCTORS, OWN_CARD, SET_INSTRUCTORS, visible_courses

MOST_COURSES = 100


@dataclass(frozen=True, slots=True)
class InstructorCard:
    """One card with the published courses of its instructor; `can` holds `edit` and `decide`."""

    profile: InstructorProfile
    # Told to the instructor and to those who decide.
    state_reason: str
    courses: list[Course]
    can: dict[str, bool]


@dataclass(frozen=True, slots=True)
class InstructorPart:
    """Somebody's part in a course; `share_percent` is None for those who do not set the parts."""

    member_id: uuid.UUID
    display_name: str
    headline: str
    role: str
    share_percent: Decimal | None


def list_cards(actor: Actor, *, state: str = "", search: str = "") -> QuerySet[InstructorProfile]:
    """Return the cards one may see: of active instructors who were approved; for those who decide about
    instructors, all.

    Args:
        actor: who asks.
        state: one state; empty means all.
        search: words that must each occur in the name or the headline, in any case.
    """
    require(actor, CARDS)
    found = _visible(actor)
    if state:
        found = found.filter(state=state)
    for word in search.split():
        named = Q(member__first_name__icontains=word) | Q(member__last_name__icontains=word)
        found = found.filter(named | Q(headline__icontains=word))
    return found


def get_card(actor: Actor, member_id: uuid.UUID) -> InstructorCard:
    """Return one card; three statements at most.

    Raises:
        NotFound: no such card, or one the actor may not see.
    """
    require(actor, CARDS)
    profile = _visible(actor).filter(pk=member_id).first()
    if profile is None:
        raise NotFound
    return _card(actor, profile)


def get_own_card(actor: Actor) -> InstructorCard:
    """Return one's own card in whatever state, an empty one for who has none yet.

    Raises:
        Forbidden: the role makes no courses.
        NotFound: the actor is no member: an operator who looks in.
    """
    require(actor, OWN_CARD)
    if actor.membership_id is None:
        raise NotFound
    found = InstructorProfile.objects.filter(pk=actor.membership_id).select_related("member").first()
    return _card(actor, found or InstructorProfile(member_id=actor.membership_id))


def list_instructors(actor: Actor, course_id: uuid.UUID) -> list[InstructorPart]:
    """Return who makes a visible course, in their order; two statements.

    Raises:
        NotFound: no such course, or one the actor may not know of.
    """
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    return instructors_of(actor, [course_id])[course_id]


def instructors_of(actor: Actor, course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[InstructorPart]]:
    """Return who makes each of these courses, which the caller has found visible; one statement."""
    cards = InstructorProfile.objects.filter(member_id=OuterRef("member_id"), state=InstructorState.APPROVED)
    rows = (
        CourseInstructor.objects.filter(course_id__in=course_ids)
        .select_related("member")
        .annotate(headline=Subquery(cards.values("headline")[:1]))
        .order_by("course_id", "position")
    )
    told = may(actor, SET_INSTRUCTORS)
    found: dict[uuid.UUID, list[InstructorPart]] = defaultdict(list)
    for row in rows:
        found[row.course_id].append(
            InstructorPart(
                member_id=row.member_id,
                display_name=row.member.display_name,
                headline=row.headline or "",
                role=row.role,
                # What somebody earns is between them and those who set it.
                share_percent=row.share_percent if told or row.member_id == actor.membership_id else None,
            )
        )
    return found


def _visible(actor: Actor) -> QuerySet[InstructorProfile]:
    found = InstructorProfile.objects.filter(
        member__membership__status=MembershipStatus.ACTIVE, member__membership__role__in=STAFF
    ).select_related("member")
    if may(actor, DECIDE_INSTRUCTORS):
        return found
    return found.filter(Q(state=InstructorState.APPROVED) | Q(pk=actor.membership_id))


def _card(actor: Actor, profile: Any) -> InstructorCard:
    parts = CourseInstructor.objects.filter(member_id=profile.member_id).values("course_id")
    courses = visible_courses(actor).filter(pk__in=parts, state=CourseState.PUBLISHED).order_by("title", "id")
    own = profile.member_id == actor.membership_id
    decides = may(actor, DECIDE_INSTRUCTORS)
    moves = INSTRUCTOR_MOVES[InstructorState(profile.state)]
    can = {"edit": own} | {
        act: decides and state in moves
        for act, state in (
            ("approve", InstructorState.APPROVED),
            ("reject", InstructorState.REJECTED),
            ("suspend", InstructorState.SUSPENDED),
        )
    }
    reason = profile.state_reason if own or decides else ""
    return InstructorCard(profile, reason, list(courses[:MOST_COURSES]), can)
