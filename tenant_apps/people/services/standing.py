"""A member's standing in the organization: role, suspension, end."""

import uuid

from billing.services.seats.seats import do_revoke_seats
from shared_apps.accounts.models import Membership
from shared_apps.accounts.services.invitations import do_revoke_invitations
from shared_apps.accounts.services.memberships import (
    do_change_role,
    do_lock_membership,
    do_reactivate,
    do_remove,
    do_suspend,
)
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor, Role
from shared_apps.core.policies import Rule, require
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.services.messages import do_send
from tenant_apps.people.models import Member
from tenant_apps.people.policies import CHANGE_ROLE, REMOVE, SUSPEND, require_rank
from tenant_apps.people.selectors.members import get_member
from tenant_apps.people.services.departures import departure_of
from tenants.context import current_organization


def change_role(*, actor: Actor, member_id: uuid.UUID, role: Role) -> Member:
    """Give a member another role; the same role again changes nothing.

    Raises:
        NotFound: no such member here, or removed.
        Forbidden: owners and admins are made and unmade by owners only.
        LastOwner: the organization would have no owner.
    """
    with entry_transaction():
        membership = _locked(actor, CHANGE_ROLE, member_id, role)
        before = membership.role
        if before != role:
            do_change_role(membership, role)
            _record(actor, CHANGE_ROLE.name, membership, role=[before, str(role)])
        return get_member(actor, member_id)


def suspend_member(*, actor: Actor, member_id: uuid.UUID) -> Member:
    """Shut a member out until `reactivate_member`; the sign-ins end at once, the seat stays theirs.

    Raises:
        NotFound, Forbidden, LastOwner: as for `change_role`.
        WrongMembershipStatus: suspended already.
    """
    with entry_transaction():
        membership = _locked(actor, SUSPEND, member_id)
        do_suspend(membership)
        _record(actor, SUSPEND.name, membership)
        return get_member(actor, member_id)


def reactivate_member(*, actor: Actor, member_id: uuid.UUID) -> Member:
    """Let a suspended member in again.

    Raises:
        NotFound, Forbidden: as for `change_role`.
        WrongMembershipStatus: not suspended.
    """
    with entry_transaction():
        membership = _locked(actor, SUSPEND, member_id)
        do_reactivate(membership)
        _record(actor, "members.reactivate", membership)
        return get_member(actor, member_id)


def remove_member(*, actor: Actor, member_id: uuid.UUID) -> None:
    """End a membership: sign-ins, tokens and open invitations end, the seat becomes free, history stays.

    An event tells the apps above (`departures.register_departure`).

    Raises:
        NotFound, Forbidden, LastOwner: as for `change_role`.
    """
    organization_id = current_organization().id
    with entry_transaction():
        require(actor, REMOVE)
        # The subscription is locked before memberships everywhere.
        do_revoke_seats(
            actor=actor, organization_id=organization_id, membership_ids=[member_id], reason="member removed"
        )
        membership = _locked(actor, REMOVE, member_id)
        do_end_membership(actor=actor, membership=membership)


def do_end_membership(*, actor: Actor, membership: Membership) -> None:
    """Remove a locked membership whose seat was freed before, with everything that hangs on it here."""
    do_remove(membership)
    do_revoke_invitations(organization_id=membership.organization_id, membership_id=membership.id)
    do_send(
        [departure_of(membership.id)],
        organization_id=membership.organization_id,
    )
    _record(actor, REMOVE.name, membership)


def _locked(actor: Actor, rule: Rule, member_id: uuid.UUID, *roles: Role) -> Membership:
    require(actor, rule)
    get_member(actor, member_id)
    membership = do_lock_membership(organization_id=current_organization().id, membership_id=member_id)
    require_rank(actor, membership.role, *roles)
    return membership


def _record(actor: Actor, action: str, membership: Membership, **changes: object) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=membership.organization_id,
        target_kind="member",
        target_id=membership.id,
        changes=changes,
    )
