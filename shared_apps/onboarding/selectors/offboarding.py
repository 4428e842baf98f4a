"""Reads on how organizations end."""

import uuid

from django.db.models import QuerySet

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.onboarding.models import DeletionReceipt, Offboarding
from shared_apps.onboarding.policies import ORGANIZATIONS_VIEW
from tenants.enums import OrganizationState
from tenants.models import Organization


def ids_to_offboard() -> list[uuid.UUID]:
    """Return organizations whose grace is over and those whose deletion has begun, longest waiting first."""
    due = Organization.objects.filter(state=OrganizationState.CLOSING, delete_after__lte=clock.now())
    begun = Organization.objects.filter(state=OrganizationState.DELETING)
    rows = (due | begun).order_by("state_changed_at", "id")
    return list(rows.values_list("id", flat=True))


def get_receipt(*, actor: Actor, organization_id: uuid.UUID) -> DeletionReceipt:
    """Return the receipt of a deleted organization.

    Raises:
        NotFound: there is none (yet).
    """
    require(actor, ORGANIZATIONS_VIEW)
    found = DeletionReceipt.objects.filter(organization_id=organization_id).first()
    if found is None:
        raise NotFound(organization=str(organization_id))
    return found


def offboardings() -> QuerySet[Offboarding]:
    """Return all offboardings, newest first."""
    return Offboarding.objects.order_by("-id")
