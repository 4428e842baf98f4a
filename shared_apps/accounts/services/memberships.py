"""Steps on memberships: role, suspension, end. The services of `people` check who may and write the log.

Lock order: the organization's owners by id where their number matters, then the membership itself.
"""

import uuid

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.errors import LastOwner, WrongMembershipStatus
from shared_apps.accounts.models import Membership, PersonalAccessToken, SignIn
from shared_apps.accounts.services.families import do_revoke
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import require_transaction

_PRESENT = (MembershipStatus.INVITED, MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)


def do_lock_membership(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> Membership:
    """Return one membership of the organization that has not ended, locked.

    The owners' rows are locked first, and an owner's own row is one of them, so two owners who unmake each
    other at once wait for each other, and the second finds itself the last.

    Raises:
        NotFound: another organization's, unknown, or removed.
    """
    require_transaction()
    owners = Membership.objects.filter(organization_id=organization_id, role=Role.OWNER)
    list(owners.order_by("id").select_for_update(no_key=True).values_list("id"))
    found = (
        Membership.objects.select_for_update(no_key=True)
        .filter(pk=membership_id, organization_id=organization_id, status__in=_PRESENT)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def do_change_role(membership: Membership, role: Role) -> None:
    """Give a locked membership another role.

    Raises:
        LastOwner: it is the last active owner's.
    """
    require_transaction()
    if role is not Role.OWNER:
        _refuse_last_owner(membership)
    membership.role = role
    membership.save_fields("role")


def do_suspend(membership: Membership) -> None:
    """Shut a locked membership out; its sign-ins end, its seat and history stay.

    Raises:
        LastOwner: it is the last active owner's.
        WrongMembershipStatus: it is suspended already.
    """
    require_transaction()
    if membership.status not in (MembershipStatus.ACTIVE, MembershipStatus.INVITED):
        raise WrongMembershipStatus(status=membership.status)
    _refuse_last_owner(membership)
    membership.status = MembershipStatus.SUSPENDED
    membership.save_fields("status")
    do_end_access(membership, reason="suspended", with_tokens=False)


def do_reactivate(membership: Membership) -> None:
    """Let a suspended membership in again; who never joined is invited again.

    Raises:
        WrongMembershipStatus: it is not suspended.
    """
    require_transaction()
    if membership.status != MembershipStatus.SUSPENDED:
        raise WrongMembershipStatus(status=membership.status)
    membership.status = MembershipStatus.ACTIVE if membership.joined_at else MembershipStatus.INVITED
    membership.save_fields("status")


def do_remove(membership: Membership) -> None:
    """End a locked membership. The row stays, since history and the tenant's Member point at it.

    Raises:
        LastOwner: it is the last active owner's.
    """
    require_transaction()
    _refuse_last_owner(membership)
    membership.status = MembershipStatus.REMOVED
    membership.removed_at = clock.now()
    membership.save_fields("status", "removed_at")
    do_end_access(membership, reason="removed", with_tokens=True)


def do_reinvite(membership: Membership, role: Role) -> None:
    """Put a locked membership that was invited or removed back to invited, with this role."""
    require_transaction()
    membership.status = MembershipStatus.INVITED
    membership.role = role
    membership.removed_at = None
    membership.save_fields("status", "role", "removed_at")


def do_end_access(membership: Membership, *, reason: str, with_tokens: bool) -> None:
    """End the sign-ins of a membership and, `with_tokens`, its personal access tokens; other organizations'
    sign-ins of the same person stay."""
    require_transaction()
    now = clock.now()
    do_revoke(SignIn.objects.filter(membership=membership), reason=reason)
    if with_tokens:
        PersonalAccessToken.objects.filter(membership=membership, revoked_at__isnull=True).update(
            revoked_at=now, updated_at=now
        )


def _refuse_last_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER or membership.status != MembershipStatus.ACTIVE:
        return
    others = Membership.objects.filter(
        organization_id=membership.organization_id, role=Role.OWNER, status=MembershipStatus.ACTIVE
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise LastOwner
