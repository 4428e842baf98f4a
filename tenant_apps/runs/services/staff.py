"""Give and take rights on single runs."""

import uuid
from collections.abc import Collection

from guardian.shortcuts import assign_perm, remove_perm

from shared_apps.accounts.models import User
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.runs.errors import UnknownMember
from tenant_apps.runs.locks import run_to_change
from tenant_apps.runs.models import RunRight
from tenant_apps.runs.policies import RIGHTS, STAFF, visible_runs
from tenant_apps.runs.selectors.candidates import find_user_id
from tenants.context import current_organization


def set_run_rights(*, actor: Actor, run_id: uuid.UUID, member_id: uuid.UUID, rights: Collection[str]) -> None:
    """Make these the member's rights on the run: none takes all away. Repeating changes nothing.

    Args:
        actor: who acts.
        run_id: the run.
        member_id: who is to hold the rights.
        rights: from `RIGHTS`, "teach_run" and "enrol_run".

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not manage the run's staff.
        UnknownMember: no such member.
    """
    with entry_transaction():
        run = run_to_change(run_id).filter(pk__in=visible_runs(actor).values("pk")).first()
        if run is None:
            raise NotFound
        require(actor, STAFF, run_id)
        user_id = find_user_id(member_id=member_id)
        if user_id is None:
            raise UnknownMember(field="member_id")
        user = User(id=user_id)
        held = set(
            RunRight.objects.filter(content_object_id=run_id, user_id=user_id).values_list(
                "permission__codename", flat=True
            )
        )
        wanted = set(rights) & set(RIGHTS)
        for right in sorted(wanted - held):
            assign_perm(right, user, run)
        for right in sorted(held - wanted):
            remove_perm(right, user, run)
        if held != wanted:
            do_record(
                actor=actor,
                action=STAFF.name,
                organization_id=current_organization().id,
                target=run,
                changes={"member_id": str(member_id), "rights": [sorted(held), sorted(wanted)]},
            )
