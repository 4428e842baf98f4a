"""Give and take the right to manage a path."""

import uuid

from guardian.shortcuts import assign_perm, remove_perm

from shared_apps.accounts.models import User
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.paths.models import PathRight
from tenant_apps.paths.policies import MANAGE_RIGHT, STAFF
from tenant_apps.paths.services.paths import do_lock_path
from tenant_apps.runs.errors import UnknownMember
from tenant_apps.runs.selectors.candidates import find_user_id
from tenants.context import current_organization


def set_path_manager(*, actor: Actor, path_id: uuid.UUID, member_id: uuid.UUID, manages: bool) -> None:
    """Give a member the right to manage the path, or take it away. Repeating changes nothing.

    The right counts while the member is an instructor or a manager.

    Raises:
        NotFound: no such path, or none the actor sees.
        Forbidden: the actor may not say who manages paths.
        UnknownMember: no such member.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=STAFF)
        user_id = find_user_id(member_id=member_id)
        if user_id is None:
            raise UnknownMember(field="member_id")
        held = PathRight.objects.filter(content_object_id=path_id, user_id=user_id).exists()
        if held == manages:
            return
        (assign_perm if manages else remove_perm)(MANAGE_RIGHT, User(id=user_id), path)
        do_record(
            actor=actor,
            action=STAFF.name,
            organization_id=current_organization().id,
            target=path,
            changes={"member_id": str(member_id), "manages": [held, manages]},
        )
