"""Read invitations."""

import uuid

from django.db.models import QuerySet

from shared_apps.accounts.models import Invitation
from shared_apps.core import clock
from shared_apps.core.errors import NotFound


def list_invitations(*, organization_id: uuid.UUID, state: str = "") -> QuerySet[Invitation]:
    """Return an organization's invitations, newest first.

    Args:
        state: "open", "accepted", "revoked", "expired", or empty for all.
    """
    rows = Invitation.objects.filter(organization_id=organization_id)
    if state == "accepted":
        rows = rows.filter(accepted_at__isnull=False)
    elif state == "revoked":
        rows = rows.filter(revoked_at__isnull=False)
    elif state == "expired":
        rows = rows.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__lte=clock.now())
    elif state == "open":
        rows = rows.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=clock.now())
    return rows.order_by("-id")


def get_invitation(*, organization_id: uuid.UUID, invitation_id: uuid.UUID) -> Invitation:
    """Return one invitation.

    Raises:
        NotFound: not of this organization.
    """
    found = list_invitations(organization_id=organization_id).filter(pk=invitation_id).first()
    if found is None:
        raise NotFound
    return found


def state_of(invitation: Invitation) -> str:
    """Return "accepted", "revoked", "expired" or "open"."""
    if invitation.accepted_at:
        return "accepted"
    if invitation.revoked_at:
        return "revoked"
    return "open" if invitation.expires_at > clock.now() else "expired"
