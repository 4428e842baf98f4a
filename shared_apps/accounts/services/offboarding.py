"""End what the people of a whole organization hold in it, when it is deleted."""

import uuid

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Invitation, Membership, PersonalAccessToken, SignIn
from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction


def do_end_all_memberships(*, organization_id: uuid.UUID) -> int:
    """Remove every membership, revoke its sign-ins, tokens and open invitations; return how many memberships.

    The people's accounts stay, with what they hold in other organizations. Safe to repeat.
    """
    require_transaction()
    instant = clock.now()
    ended = (
        Membership.objects.filter(organization_id=organization_id)
        .exclude(status=MembershipStatus.REMOVED)
        .update(status=MembershipStatus.REMOVED, removed_at=instant, updated_at=instant)
    )
    SignIn.objects.filter(organization_id=organization_id, revoked_at__isnull=True).update(
        revoked_at=instant, revoked_reason="organization deleted", updated_at=instant
    )
    PersonalAccessToken.objects.filter(organization_id=organization_id, revoked_at__isnull=True).update(
        revoked_at=instant, updated_at=instant
    )
    Invitation.objects.filter(
        organization_id=organization_id, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(revoked_at=instant, updated_at=instant)
    return ended
