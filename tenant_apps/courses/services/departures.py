"""What becomes of the rights of somebody who left the organization."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.types import Outgoing
from tenant_apps.courses.models import CourseRight
from tenant_apps.people.selectors.departures import find_departed_user
from tenants.context import current_organization

MEMBER_REMOVED = "event.member_removed"


def end_rights_of_departed(message: Outgoing) -> None:
    """Take a removed member's rights on courses away: whoever is invited again starts without them.

    Somebody who was taken back before the message arrived keeps everything. Safe to repeat.
    """
    member_id = uuid.UUID(str(message.payload["member_id"]))
    organization_id = current_organization().id
    with entry_transaction():
        user_id = find_departed_user(member_id=member_id)
        if user_id is None:
            return
        ended, _ = CourseRight.objects.filter(user_id=user_id).delete()
        if not ended:
            return
        do_record(
            actor=system_actor("courses.end_rights_of_departed", organization_id),
            action="courses.end_rights_of_departed",
            organization_id=organization_id,
            target_kind="member",
            target_id=member_id,
            changes={"rights": ended},
        )
