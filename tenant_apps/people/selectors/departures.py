"""Who left the organization, for the apps that hear of it."""

import uuid

from shared_apps.accounts.enums import MembershipStatus
from tenant_apps.people.models import Member


def find_departed_user(*, member_id: uuid.UUID) -> uuid.UUID | None:
    """Return the login identity of a removed member; None for everybody else, those taken back too."""
    removed = Member.objects.filter(pk=member_id, membership__status=MembershipStatus.REMOVED)
    return removed.values_list("user_id", flat=True).first()
