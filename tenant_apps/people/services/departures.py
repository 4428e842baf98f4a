"""Somebody left the organization: the event that tells it, and the frame in which other apps act on it."""

import uuid
from collections.abc import Callable
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.services.messages import Message
from shared_apps.outbox.types import Outgoing, register_handler
from tenant_apps.people.selectors.departures import find_departed_user
from tenants.context import current_organization

MEMBER_REMOVED = "event.member_removed"


def departure_of(member_id: uuid.UUID) -> Message:
    """Return the message that tells the apps above that a member was removed."""
    return Message(MEMBER_REMOVED, {"member_id": str(member_id)})


def register_departure(action: str, end: Callable[[uuid.UUID, uuid.UUID], dict[str, Any]]) -> None:
    """Have `end` called for each removed member, in a transaction, within the organization.

    Somebody who was taken back before the message arrived keeps everything.

    Args:
        action: name in the audit log, "courses.end_rights".
        end: gets the ids of the member and of the user, ends what hangs on them, and returns what it ended
            for the audit log, empty for nothing. Safe to repeat.
    """

    def deliver(message: Outgoing) -> None:
        member_id = uuid.UUID(str(message.payload["member_id"]))
        organization_id = current_organization().id
        with entry_transaction():
            user_id = find_departed_user(member_id=member_id)
            ended = end(member_id, user_id) if user_id is not None else {}
            if not any(ended.values()):
                return
            do_record(
                actor=system_actor(action, organization_id),
                action=action,
                organization_id=organization_id,
                target_kind="member",
                target_id=member_id,
                changes=ended,
            )

    register_handler(MEMBER_REMOVED, deliver)
