"""What becomes of the places and rights of somebody who left the organization."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.types import Outgoing
from tenant_apps.people.selectors.departures import find_departed_user
from tenant_apps.runs.enums import ENROLLMENT_MOVES, EnrollmentState
from tenant_apps.runs.models import Enrollment, RunRight
from tenants.context import current_organization

MEMBER_REMOVED = "event.member_removed"
_LEAVING = [state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.WITHDRAWN in moves]


def withdraw_departed(message: Outgoing) -> None:
    """Withdraw a removed member from every run not completed: the places are free for others, and whoever
    is invited again comes back to no course that their seat was given away for. Their rights on runs end too.

    Somebody who was taken back before the message arrived keeps everything. Safe to repeat.
    """
    member_id = uuid.UUID(str(message.payload["member_id"]))
    organization_id = current_organization().id
    with entry_transaction():
        user_id = find_departed_user(member_id=member_id)
        if user_id is None:
            return
        places = Enrollment.objects.select_for_update(no_key=True).filter(
            member_id=member_id, state__in=_LEAVING
        )
        ids = list(places.order_by("id").values_list("id", flat=True))
        rights, _ = RunRight.objects.filter(user_id=user_id).delete()
        if not ids and not rights:
            return
        Enrollment.objects.filter(id__in=ids).update(state=EnrollmentState.WITHDRAWN, updated_at=clock.now())
        do_record(
            actor=system_actor("runs.withdraw_departed", organization_id),
            action="runs.withdraw_departed",
            organization_id=organization_id,
            target_kind="member",
            target_id=member_id,
            changes={"enrollments": [str(each) for each in ids], "rights": rights},
        )
