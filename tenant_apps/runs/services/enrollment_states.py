"""Move enrollments through their states, along `ENROLLMENT_MOVES` and no other way."""

import uuid
from datetime import datetime
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import ENROLLMENT_MOVES, OCCUPYING, EnrollmentState
from tenant_apps.runs.errors import EnrollmentMoveRefused, NotYourReport, RunFull
from tenant_apps.runs.locks import enrollment_to_change, run_to_fill
from tenant_apps.runs.models import Enrollment
from tenant_apps.runs.policies import ENROL_MEMBERS, only_reports_of, visible_enrollments
from tenants.context import current_organization


def withdraw_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Take the person out of the run; their progress stays, and they can be enrolled again.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        EnrollmentMoveRefused: a completed enrollment stays.
    """
    _move(actor, enrollment_id, EnrollmentState.WITHDRAWN)


def suspend_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Stop the person's access and keep their place. Raises as `withdraw_enrollment` does."""
    _move(actor, enrollment_id, EnrollmentState.SUSPENDED)


def reactivate_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> None:
    """Give access back after a suspension or a withdrawal.

    Raises:
        RunFull: the place of somebody who had withdrawn is taken.
        Others: as `withdraw_enrollment`.
    """
    _move(actor, enrollment_id, EnrollmentState.ACTIVE)


def set_enrollment_expiry(*, actor: Actor, enrollment_id: uuid.UUID, expires_at: datetime | None) -> None:
    """Set the instant access ends, None for never. Raises as `withdraw_enrollment` does, but for the move."""
    with entry_transaction():
        enrollment = _locked(actor, enrollment_id)
        before = enrollment.expires_at
        if before == expires_at:
            return
        enrollment.expires_at = expires_at
        enrollment.save_fields("expires_at")
        _audit(actor, enrollment, {"expires_at": [_text(before), _text(expires_at)]})


def do_withdraw(*, actor: Actor, run_id: uuid.UUID, member_ids: list[uuid.UUID]) -> int:
    """Withdraw these members from the run and return how many were; completed enrollments stay.

    Needs an open transaction; what the actor may do was checked by the entry service.
    """
    require_transaction()
    leaving = [state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.WITHDRAWN in moves]
    return Enrollment.objects.filter(run_id=run_id, member_id__in=member_ids, state__in=leaving).update(
        state=EnrollmentState.WITHDRAWN, updated_at=clock.now()
    )


def do_move(*, enrollment_id: uuid.UUID, wanted: EnrollmentState) -> bool:
    """Move an enrollment whose row the caller has locked; False when it was moved before.

    The statement names the states the move may start from, so it is refused by the data, not by memory.
    """
    require_transaction()
    now = clock.now()
    stamp = {
        EnrollmentState.ACTIVE: {"activated_at": now},
        EnrollmentState.COMPLETED: {"completed_at": now},
    }.get(wanted, {})
    sources = [state for state, moves in ENROLLMENT_MOVES.items() if wanted in moves]
    moved = Enrollment.objects.filter(pk=enrollment_id, state__in=sources).update(
        state=wanted, updated_at=now, **stamp
    )
    return moved == 1


def _move(actor: Actor, enrollment_id: uuid.UUID, wanted: EnrollmentState) -> None:
    with entry_transaction():
        enrollment = _locked(actor, enrollment_id)
        before = EnrollmentState(enrollment.state)
        if before is wanted:
            return
        if wanted not in ENROLLMENT_MOVES[before]:
            raise EnrollmentMoveRefused(state=before, wanted=wanted, allowed=sorted(ENROLLMENT_MOVES[before]))
        if before not in OCCUPYING:
            _take_place(enrollment.run_id)
        do_move(enrollment_id=enrollment_id, wanted=wanted)
        _audit(actor, enrollment, {"state": [before, wanted]})


def _locked(actor: Actor, enrollment_id: uuid.UUID) -> Enrollment:
    """Return the enrollment, its run locked first when its places are counted."""
    seen = visible_enrollments(actor).filter(pk=enrollment_id).select_related("member", "run").first()
    if seen is None:
        raise NotFound
    require(actor, ENROL_MEMBERS, seen.run_id)
    if only_reports_of(actor, seen.run_id) not in {None, seen.member.manager_id}:
        raise NotYourReport(member_id=str(seen.member_id))
    if seen.run.capacity is not None:
        run_to_fill(seen.run_id).get()
    return enrollment_to_change(enrollment_id).get()


def _take_place(run_id: uuid.UUID) -> None:
    run = run_to_fill(run_id).get()
    if run.capacity is None:
        return
    if Enrollment.objects.filter(run_id=run_id, state__in=OCCUPYING).count() >= run.capacity:
        raise RunFull(capacity=run.capacity, places_free=0)


def _audit(actor: Actor, enrollment: Enrollment, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=ENROL_MEMBERS.name,
        organization_id=current_organization().id,
        target=enrollment,
        changes=changes,
    )


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
