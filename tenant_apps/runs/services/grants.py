"""Reasons for access: given, listed and taken away one by one. Where the last of them ends, access ends."""

import uuid
from datetime import datetime

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import (
    ENROLLMENT_MOVES,
    OCCUPYING,
    OVER,
    STATE_WITHOUT_GRANT,
    EnrollmentSource,
    EnrollmentState,
)
from tenant_apps.runs.errors import GrantEndsInThePast
from tenant_apps.runs.models import AccessGrant, Enrollment
from tenant_apps.runs.services.enrollment_states import audit_enrollment, do_set_state, lock_for_staff


def grant_access(
    *,
    actor: Actor,
    enrollment_id: uuid.UUID,
    source: EnrollmentSource,
    reference: str = "",
    ends_at: datetime | None = None,
    reason: str = "",
) -> tuple[uuid.UUID, bool]:
    """Add a reason for access, and return its id and whether it is new. An enrollment that was over, for
    whatever reason, goes on with it. The same source and reference again is the same grant.

    Args:
        actor: who may enrol the person.
        enrollment_id: whose access.
        source: where it comes from.
        reference: what of that source: an order line, a bundle.
        ends_at: the instant it ends, None for never.
        reason: why, for the people who look after the run.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        GrantEndsInThePast: it would be over at once.
        RunFull: the place of somebody whose access was over is taken.
    """
    with entry_transaction():
        enrollment = lock_for_staff(actor=actor, enrollment_id=enrollment_id)
        now = clock.now()
        if ends_at is not None and ends_at <= now:
            raise GrantEndsInThePast(field="ends_at", ends_at=ends_at.isoformat())
        found = AccessGrant.objects.filter(
            enrollment_id=enrollment_id, source=source, reference=reference
        ).first()
        if found is not None and is_live(found, now) and enrollment.state not in OVER:
            return found.id, False
        grant = found or AccessGrant(enrollment_id=enrollment_id, source=source, reference=reference)
        grant.starts_at, grant.ends_at, grant.revoked_at, grant.reason = now, ends_at, None, reason
        grant.granted_by_id = actor.user_id
        grant.save()
        do_settle(enrollment, lost=None)
        audit_enrollment(
            actor=actor,
            enrollment=enrollment,
            changes={
                "granted": source,
                "reference": reference,
                "ends_at": ends_at.isoformat() if ends_at else None,
            },
        )
    return grant.id, True


def revoke_grant(*, actor: Actor, enrollment_id: uuid.UUID, grant_id: uuid.UUID, reason: str = "") -> None:
    """Take one reason for access away; others stay. With the last of them the enrollment is over, in the
    state that belongs to where this one came from. Repeating changes nothing.

    Raises:
        NotFound: no such enrollment or grant, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
    """
    with entry_transaction():
        enrollment = lock_for_staff(actor=actor, enrollment_id=enrollment_id)
        grant = AccessGrant.objects.filter(pk=grant_id, enrollment_id=enrollment_id).first()
        if grant is None:
            raise NotFound
        if grant.revoked_at is not None:
            return
        grant.revoked_at, grant.reason = clock.now(), reason or grant.reason
        grant.save_fields("revoked_at", "reason")
        before = enrollment.state
        do_settle(enrollment, lost=EnrollmentSource(grant.source), reason=reason)
        audit_enrollment(
            actor=actor,
            enrollment=enrollment,
            changes={
                "revoked": grant.source,
                "reference": grant.reference,
                "reason": reason,
                "state": [before, enrollment.state],
            },
        )


def set_enrollment_expiry(*, actor: Actor, enrollment_id: uuid.UUID, expires_at: datetime | None) -> None:
    """Set the instant access ends, None for never: grants that last longer are shortened to it, and where
    none lasts that long, an administrator's is given. An instant that is over ends access at once.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        RunFull: access was over, and the place is taken.
    """
    with entry_transaction():
        enrollment = lock_for_staff(actor=actor, enrollment_id=enrollment_id)
        before = enrollment.expires_at
        if before == expires_at:
            return
        now = clock.now()
        kept = [each for each in enrollment.grants.all() if each.revoked_at is None]
        if expires_at is not None:
            for grant in kept:
                if grant.ends_at is None or grant.ends_at > expires_at:
                    grant.ends_at = expires_at
                    grant.save_fields("ends_at")
        if not any(grant.ends_at == expires_at for grant in kept):
            AccessGrant.objects.update_or_create(
                enrollment_id=enrollment_id,
                source=EnrollmentSource.ADMIN,
                reference="",
                defaults={
                    "starts_at": now,
                    "ends_at": expires_at,
                    "revoked_at": None,
                    "granted_by_id": actor.user_id,
                    "updated_at": now,
                },
            )
        # Somebody withdrawn or refunded stays so: more time is no invitation.
        if enrollment.state in OVER - {EnrollmentState.EXPIRED}:
            enrollment.expires_at = expires_at
            enrollment.save_fields("expires_at")
        else:
            do_settle(enrollment, lost=EnrollmentSource.SUBSCRIPTION)
        audit_enrollment(
            actor=actor, enrollment=enrollment, changes={"expires_at": [_text(before), _text(expires_at)]}
        )


def is_live(grant: AccessGrant, at: datetime) -> bool:
    """Tell whether the grant gives access at that instant; its end no longer belongs to it."""
    return grant.revoked_at is None and (grant.ends_at is None or grant.ends_at > at)


def do_settle(enrollment: Enrollment, *, lost: EnrollmentSource | None, reason: str = "") -> None:
    """Bring `expires_at` and the state in line with the grants, in the open transaction.

    Args:
        enrollment: locked, its run too where that counts places.
        lost: the source of what was taken away or is over; None when something was given.
        reason: kept on the enrollment when it is over.

    Raises:
        RunFull: it would come back, and its place is taken.
    """
    require_transaction()
    now = clock.now()
    kept = list(AccessGrant.objects.filter(enrollment_id=enrollment.pk, revoked_at=None))
    live = [grant for grant in kept if is_live(grant, now)]
    ends = [grant.ends_at for grant in live or kept]
    enrollment.expires_at = None if live and None in ends else max([e for e in ends if e], default=now)
    enrollment.save_fields("expires_at")
    state = EnrollmentState(enrollment.state)
    # Reasons outlive a withdrawal: taking one away is no invitation to come back by the others.
    if live and (state is EnrollmentState.EXPIRED or (lost is None and state in OVER)):
        do_set_state(enrollment, EnrollmentState.ACTIVE)
    elif not live and lost is not None and state in OCCUPYING:
        wanted = STATE_WITHOUT_GRANT[lost]
        # A finished course stays finished, without access; only money goes back for it.
        if wanted in ENROLLMENT_MOVES[state]:
            do_set_state(enrollment, wanted, reason=reason)


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
