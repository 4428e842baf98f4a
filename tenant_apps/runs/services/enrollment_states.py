"""Move enrollments through their states, along `ENROLLMENT_MOVES` and no other way. Whatever frees a place
lets the next one in from the waiting list, in the same transaction."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import ENROLLMENT_MOVES, OCCUPYING, OVER, EnrollmentSource, EnrollmentState
from tenant_apps.runs.errors import EnrollmentMoveRefused, NotYourReport, RunFull
from tenant_apps.runs.locks import enrollment_to_change, run_to_fill
from tenant_apps.runs.models import AccessGrant, Enrollment
from tenant_apps.runs.policies import ENROL_MEMBERS, only_reports_of, visible_enrollments
from tenant_apps.runs.selectors.candidates import read_run_to_fill
from tenant_apps.runs.services.waiting import do_promote, taken_in
from tenants.context import current_organization

LEAVING = tuple(state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.WITHDRAWN in moves)


def withdraw_enrollment(*, actor: Actor, enrollment_id: uuid.UUID, reason: str = "") -> None:
    """Take the person out of the run; their progress stays, and they can be enrolled again.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        EnrollmentMoveRefused: a completed enrollment stays.
    """
    _move(actor, enrollment_id, EnrollmentState.WITHDRAWN, reason)


def suspend_enrollment(*, actor: Actor, enrollment_id: uuid.UUID, reason: str = "") -> None:
    """Stop the person's access and keep their place. Raises as `withdraw_enrollment` does."""
    _move(actor, enrollment_id, EnrollmentState.SUSPENDED, reason)


def reactivate_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Give access back after a suspension, or after it was over; without a live grant by a new one.

    Raises:
        RunFull: the place of somebody whose access was over is taken.
        Others: as `withdraw_enrollment`.
    """
    _move(actor, enrollment_id, EnrollmentState.ACTIVE, "")


def do_withdraw(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    member_ids: Sequence[uuid.UUID],
    source: EnrollmentSource | None = None,
    references: Collection[str] = (),
) -> int:
    """Withdraw these members from the run and return how many were; completed enrollments stay.

    With a source only its grants of these references end: whoever has access by another reason stays in.
    Needs an open transaction; what the actor may do was checked by the entry service.
    """
    require_transaction()
    run_to_fill(run_id).first()
    leaving = Enrollment.objects.filter(run_id=run_id, member_id__in=list(member_ids), state__in=LEAVING)
    ids = list(leaving.select_for_update(no_key=True).order_by("id").values_list("id", flat=True))
    if source is not None:
        ids = _without_other_reason(ids, source, references)
    moved = Enrollment.objects.filter(pk__in=ids).update(
        state=EnrollmentState.WITHDRAWN, state_reason="", updated_at=clock.now()
    )
    if moved:
        do_promote(run_id)
    return moved


def do_move(*, enrollment_id: uuid.UUID, wanted: EnrollmentState) -> bool:
    """Move an enrollment whose row the caller has locked; False when it was moved before.

    The statement names the states the move may start from, so it is refused by the data, not by memory. It
    gives no place away and takes none: for the steps of learning, between states that hold their place.
    """
    require_transaction()
    now = clock.now()
    stamps: dict[EnrollmentState, dict[str, Any]] = {
        # Rules that count days count from it, so a suspension that ends does not begin them anew.
        EnrollmentState.ACTIVE: {
            "activated_at": Case(
                When(state=EnrollmentState.SUSPENDED, then=Coalesce("activated_at", Value(now))),
                default=Value(now),
            )
        },
        EnrollmentState.COMPLETED: {"completed_at": now},
    }
    sources = [state for state, moves in ENROLLMENT_MOVES.items() if wanted in moves]
    moved = Enrollment.objects.filter(pk=enrollment_id, state__in=sources).update(
        state=wanted, updated_at=now, **stamps.get(wanted, {})
    )
    return moved == 1


def do_set_state(enrollment: Enrollment, wanted: EnrollmentState, *, reason: str = "") -> None:
    """Move a locked enrollment; take a place for it, or give its place to whoever waits for one.

    Raises:
        EnrollmentMoveRefused: there is no such move.
        RunFull: it comes back, and its place is taken.
    """
    require_transaction()
    before = EnrollmentState(enrollment.state)
    if wanted not in ENROLLMENT_MOVES[before]:
        raise EnrollmentMoveRefused(state=before, wanted=wanted, allowed=sorted(ENROLLMENT_MOVES[before]))
    if before not in OCCUPYING and wanted in OCCUPYING:
        _take_place(enrollment.run_id)
    do_move(enrollment_id=enrollment.pk, wanted=wanted)
    enrollment.state, enrollment.state_reason = wanted, reason
    enrollment.save_fields("state_reason")
    if before in OCCUPYING and wanted not in OCCUPYING:
        do_promote(enrollment.run_id)


def lock_for_staff(*, actor: Actor, enrollment_id: uuid.UUID) -> Enrollment:
    """Return the enrollment, its run locked first when its places are counted.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
    """
    seen = visible_enrollments(actor).filter(pk=enrollment_id).select_related("member", "run").first()
    if seen is None:
        raise NotFound
    require(actor, ENROL_MEMBERS, seen.run_id)
    if only_reports_of(actor, seen.run_id) not in {None, seen.member.manager_id}:
        raise NotYourReport(member_id=str(seen.member_id))
    # Always: a capacity may be set between our look and the lock.
    run_to_fill(seen.run_id).get()
    return enrollment_to_change(enrollment_id).get()


def audit_enrollment(*, actor: Actor, enrollment: Enrollment, changes: dict[str, Any]) -> None:
    """Write down what was done to an enrollment."""
    do_record(
        actor=actor,
        action=ENROL_MEMBERS.name,
        organization_id=current_organization().id,
        target=enrollment,
        changes=changes,
    )


def _move(actor: Actor, enrollment_id: uuid.UUID, wanted: EnrollmentState, reason: str) -> None:
    with entry_transaction():
        enrollment = lock_for_staff(actor=actor, enrollment_id=enrollment_id)
        before = EnrollmentState(enrollment.state)
        if before is wanted:
            return
        if wanted is EnrollmentState.ACTIVE and before in OVER:
            _renew(actor, enrollment)
        do_set_state(enrollment, wanted, reason=reason)
        audit_enrollment(
            actor=actor,
            enrollment=enrollment,
            changes={"state": [before, wanted]} | ({"reason": reason} if reason else {}),
        )


def _renew(actor: Actor, enrollment: Enrollment) -> None:
    """Give an administrator's grant, by the course's terms, to somebody who has no live one."""
    now = clock.now()
    live = enrollment.grants.filter(revoked_at=None).exclude(ends_at__lte=now)
    if live.exists():
        return
    run = read_run_to_fill(enrollment.run_id)
    ends_at = run.access_ends_at(now) if run else None
    AccessGrant.objects.update_or_create(
        enrollment_id=enrollment.pk,
        source=EnrollmentSource.ADMIN,
        reference="",
        defaults={
            "starts_at": now,
            "ends_at": ends_at,
            "revoked_at": None,
            "granted_by_id": actor.user_id,
            "updated_at": now,
        },
    )
    enrollment.expires_at = ends_at
    enrollment.save_fields("expires_at")


def _take_place(run_id: uuid.UUID) -> None:
    run = run_to_fill(run_id).get()
    if run.capacity is not None and taken_in(run_id) >= run.capacity:
        raise RunFull(capacity=run.capacity, places_free=0)


def _without_other_reason(
    ids: list[uuid.UUID], source: EnrollmentSource, references: Collection[str]
) -> list[uuid.UUID]:
    """Revoke the grants of that source, and return which enrollments have no live one left."""
    now = clock.now()
    grants = AccessGrant.objects.filter(enrollment_id__in=ids, revoked_at=None)
    grants.filter(source=source, reference__in=list(references)).update(revoked_at=now, updated_at=now)
    held = set(grants.exclude(ends_at__lte=now).values_list("enrollment_id", flat=True))
    _derive_expiry(sorted(held))
    return [each for each in ids if each not in held]


def _derive_expiry(ids: Sequence[uuid.UUID]) -> None:
    """Set `expires_at` of these enrollments, which have live grants, to where the last of them ends."""
    for enrollment in Enrollment.objects.filter(pk__in=ids).prefetch_related("grants"):
        ends = [grant.ends_at for grant in enrollment.grants.all() if grant.revoked_at is None]
        expires_at = None if None in ends else max(each for each in ends if each)
        if enrollment.expires_at != expires_at:
            enrollment.expires_at = expires_at
            enrollment.save_fields("expires_at")
