"""Members who enrol themselves, and leave what they joined."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.content.switches import is_on
from tenant_apps.courses.content.terms import CourseTerms
from tenant_apps.courses.enums import CourseState, PriceType
from tenant_apps.courses.errors import SwitchedOff
from tenant_apps.runs.enums import CHOSEN_BY_LEARNER, OVER, EnrollmentSource, EnrollmentState
from tenant_apps.runs.errors import (
    AccessOver,
    CourseNotOffered,
    EnrollmentMoveRefused,
    EnrollmentWindowClosed,
    NotOpenToMembers,
    NotYoursToLeave,
    PaymentNeeded,
    SubscriptionNeeded,
)
from tenant_apps.runs.locks import run_to_fill
from tenant_apps.runs.models import CourseRun, Enrollment, WaitingPlace
from tenant_apps.runs.policies import JOIN, visible_runs
from tenant_apps.runs.selectors.candidates import find_candidates
from tenant_apps.runs.services.always_open import do_ensure_always_open_run
from tenant_apps.runs.services.enrolling import EnrollOutcome, EnrollRow, do_enroll
from tenant_apps.runs.services.enrollment_rows import read_present
from tenant_apps.runs.services.enrollment_states import do_set_state
from tenants.context import current_organization

# The reason kept on an enrollment that its learner gave up: they may come back by themselves.
LEFT = "left"

_COURSE = (
    "price_type",
    "price_minor",
    "compare_at_minor",
    "currency",
    "discount_percent",
    "access_type",
    "access_days",
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a run and its course say to a member who wants to come in. Instants are aware."""

    run_id: uuid.UUID
    is_open_to_members: bool
    opens_at: datetime | None
    closes_at: datetime | None
    price_minor: int | None
    currency: str
    course_state: str
    switches: dict[str, Any]
    terms: CourseTerms

    @property
    def price(self) -> tuple[int, str] | None:
        """What a place costs, in minor units of a currency: the run's price, or else the course's; None for
        nothing."""
        minor, currency = self.price_minor, self.currency
        if minor is None:
            minor, currency = self.terms.effective_price_minor, self.terms.currency
        return (minor, currency) if minor else None

    def require_open(self, at: datetime) -> None:
        """Refuse a run that members do not enrol themselves in, or not now.

        Raises:
            NotOpenToMembers, SwitchedOff, CourseNotOffered, EnrollmentWindowClosed: the first that is so.
        """
        if not self.is_open_to_members:
            raise NotOpenToMembers
        if not is_on(self.switches, "self_enrollment"):
            raise SwitchedOff(switch="self_enrollment")
        if self.course_state != CourseState.PUBLISHED:
            raise CourseNotOffered(state=self.course_state)
        if (self.opens_at is not None and at < self.opens_at) or (
            self.closes_at is not None and at >= self.closes_at
        ):
            raise EnrollmentWindowClosed(opens_at=_text(self.opens_at), closes_at=_text(self.closes_at))


def join_run(*, actor: Actor, run_id: uuid.UUID) -> EnrollRow:
    """Enrol the actor in a run that is open to members; a full run with a waiting list puts them there.
    Joining again answers the same.

    Raises:
        NotFound: no such run, or none the actor sees.
        NotOpenToMembers, SwitchedOff, CourseNotOffered, EnrollmentWindowClosed: it takes no members now.
        PaymentNeeded, SubscriptionNeeded: the place has a price.
        AccessOver: the actor was in it, and was taken out or had time that is over.
        RunClosed, RunFull, SeatNeeded, PrerequisitesMissing: see there.
    """
    with entry_transaction():
        require(actor, JOIN)
        if not visible_runs(actor).filter(pk=run_id).exists():
            raise NotFound
        return _do_join(actor, run_id)


def join_course(*, actor: Actor, course_id: uuid.UUID) -> tuple[uuid.UUID, EnrollRow]:
    """Enrol the actor in the course's always-open run, which is made if nobody needed it before, and return
    the run's id too.

    Raises:
        NotFound: no such course, or none that members find.
        Others: as `join_run`.
    """
    with entry_transaction():
        require(actor, JOIN)
        _require_listed(course_id)
        run_id, _ = do_ensure_always_open_run(actor=actor, course_id=course_id)
        return run_id, _do_join(actor, run_id)


def leave_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """Give up what the actor joined: the place in the run, or on its waiting list. Progress stays, and they
    may join again. Repeating changes nothing.

    Raises:
        NotFound: the actor is neither in the run nor on its list.
        NotYoursToLeave: somebody else gave them the place as well.
        EnrollmentMoveRefused: a completed course stays, and so does a suspension: whoever left could join
            again, and would have lifted it alone.
    """
    with entry_transaction():
        require(actor, JOIN)
        run_to_fill(run_id).first()
        waiting, _ = WaitingPlace.objects.filter(run_id=run_id, member_id=actor.member_id).delete()
        own = Enrollment.objects.filter(run_id=run_id, member_id=actor.member_id).order_by()
        enrollment = own.select_for_update(no_key=True).first()
        if enrollment is None and not waiting:
            raise NotFound
        if enrollment is not None and enrollment.state not in OVER:
            if enrollment.state == EnrollmentState.SUSPENDED:
                raise EnrollmentMoveRefused(
                    state=enrollment.state, wanted=EnrollmentState.WITHDRAWN, allowed=[]
                )
            sources = enrollment.grants.filter(revoked_at=None).values_list("source", flat=True)
            if not set(sources) <= CHOSEN_BY_LEARNER:
                raise NotYoursToLeave
            do_set_state(enrollment, EnrollmentState.WITHDRAWN, reason=LEFT)
        elif not waiting:
            return
        _record(actor, run_id, "left")


def rest_of_access(*, run_id: uuid.UUID, member_id: uuid.UUID) -> datetime | None:
    """Return where access ends of somebody who goes back into a run by themselves: leaving gains no time.
    None for no end, and for whoever is in the run or never was.

    Raises:
        AccessOver: they were taken out, or had time that is over.
    """
    present = read_present(run_id, [member_id]).get(member_id)
    if present is None or present.enrollment["state"] not in OVER:
        return None
    return _rest_of(present, clock.now())


def check_joining(*, actor: Actor, run_id: uuid.UUID, at: datetime) -> None:
    """Refuse as `join_run` would before it looks at places, seats and prerequisites; writes nothing.

    Raises:
        NotFound: no such run.
        NotOpenToMembers, SwitchedOff, CourseNotOffered, EnrollmentWindowClosed, PaymentNeeded,
        SubscriptionNeeded, AccessOver: see `join_run`.
    """
    present = read_present(run_id, [actor.member_id]).get(actor.member_id)
    if present is not None and present.enrollment["state"] not in OVER:
        return
    offer = find_offer(run_id)
    offer.require_open(at)
    _source(actor, offer)
    _rest_of(present, at)


def find_offer(run_id: uuid.UUID) -> Offer:
    """Return what a run of a course that is not deleted says to members.

    Raises:
        NotFound: there is none.
    """
    row = (
        CourseRun.objects.filter(pk=run_id, course__deleted_at=None)
        .order_by()
        .values(
            "is_open_to_members",
            "enrollment_opens_at",
            "enrollment_closes_at",
            "price_minor",
            "currency",
            "course__state",
            "course__switches",
            *[f"course__{name}" for name in _COURSE],
        )
        .first()
    )
    if row is None:
        raise NotFound
    return Offer(
        run_id=run_id,
        is_open_to_members=row["is_open_to_members"],
        opens_at=row["enrollment_opens_at"],
        closes_at=row["enrollment_closes_at"],
        price_minor=row["price_minor"],
        currency=row["currency"],
        course_state=row["course__state"],
        switches=row["course__switches"],
        terms=CourseTerms(**{name: row[f"course__{name}"] for name in _COURSE}),
    )


def _do_join(actor: Actor, run_id: uuid.UUID) -> EnrollRow:
    now, member_id = clock.now(), actor.member_id
    present = read_present(run_id, [member_id]).get(member_id)
    if present is not None and present.enrollment["state"] not in OVER:
        return present
    offer = find_offer(run_id)
    offer.require_open(now)
    source = _source(actor, offer)
    ends_at = _rest_of(present, now)
    row = do_enroll(
        actor=actor,
        run_id=run_id,
        member_ids=[member_id],
        source=source,
        expires_at=ends_at,
        may_wait=True,
        with_prerequisites=True,
    )[0]
    if row.refusal is not None:
        raise row.refusal
    if row.outcome is not EnrollOutcome.ALREADY:
        _record(actor, run_id, row.outcome)
    return row


def _source(actor: Actor, offer: Offer) -> EnrollmentSource:
    """Return what the place comes from; the run's own price goes before the course's."""
    price = offer.price
    if price is not None:
        raise PaymentNeeded(price={"amount_minor": price[0], "currency": price[1].upper()})
    if offer.price_minor is None and offer.terms.price_type == PriceType.SUBSCRIPTION:
        known = find_candidates(
            organization_id=current_organization().id, run_id=None, member_ids=[actor.member_id]
        )
        if not known[actor.member_id].has_seat:
            raise SubscriptionNeeded
        return EnrollmentSource.SUBSCRIPTION
    return EnrollmentSource.SELF


def _rest_of(present: EnrollRow | None, now: datetime) -> datetime | None:
    """Return where the access of somebody who left and comes back ends: leaving gains no time."""
    if present is None:
        return None
    before = present.enrollment
    ends_at: datetime | None = before["expires_at"]
    left = before["state"] == EnrollmentState.WITHDRAWN and before["state_reason"] == LEFT
    if not left or (ends_at is not None and ends_at <= now):
        raise AccessOver(state=before["state"], expired_at=_text(ends_at))
    return ends_at


def _require_listed(course_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT switches, state FROM courses_course WHERE id = %s AND deleted_at IS NULL AND is_listed"
            " AND state = 'published'",
            [course_id],
        )
        if cursor.fetchone() is None:
            raise NotFound


def _record(actor: Actor, run_id: uuid.UUID, what: str) -> None:
    do_record(
        actor=actor,
        action=JOIN.name,
        organization_id=current_organization().id,
        target_kind="courserun",
        target_id=run_id,
        changes={"member_id": str(actor.member_id), "outcome": str(what)},
    )


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
