"""Reads on organizations for operators, and on one's own for its people."""

import uuid
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from billing.selectors.seats import live_subscriptions
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.onboarding.models import SupportEntry
from shared_apps.onboarding.policies import ORGANIZATION_VIEW, ORGANIZATIONS_VIEW
from tenants.enums import OrganizationState
from tenants.models import Domain, Organization
from tenants.scope import OrganizationRef
from tenants.selectors.organizations import organizations_with_schema


def list_organizations(
    *, actor: Actor, search: str = "", state: OrganizationState | None = None
) -> QuerySet[Organization]:
    """Return organizations with schema and seats, in one statement whatever their number.

    Args:
        search: part of name, subdomain or owner's address, any case.
        state: only those in it.
    """
    require(actor, ORGANIZATIONS_VIEW)
    rows = with_seats(organizations_with_schema())
    if search:
        rows = rows.filter(
            Q(name__icontains=search) | Q(slug__icontains=search) | Q(owner_email__icontains=search)
        )
    return rows if state is None else rows.filter(state=state)


def get_organization(*, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """Return one organization as the list does.

    Raises:
        NotFound: there is none.
    """
    found = list_organizations(actor=actor).filter(id=organization_id).first()
    if found is None:
        raise NotFound(organization=str(organization_id))
    return found


def get_own_organization(*, actor: Actor, organization: OrganizationRef) -> Organization:
    """Return the organization whose host is asked, for one of its members.

    Raises:
        NotFound: it is gone since the host was looked up.
    """
    require(actor, ORGANIZATION_VIEW)
    found: Organization | None = with_host(Organization.objects.filter(id=organization.id)).first()
    if found is None:
        raise NotFound
    return found


def with_host(rows: QuerySet[Organization]) -> QuerySet[Any]:
    """Add `host`, the one that links name."""
    primary = Domain.objects.filter(tenant=OuterRef("pk"), is_primary=True)
    return rows.annotate(host=Subquery(primary.values("domain")[:1]))


def with_seats(rows: QuerySet[Organization]) -> QuerySet[Any]:
    """Add `plan`, `seats_purchased`, `seats_used` of the live subscription, None without one."""
    live = live_subscriptions().filter(organization_id=OuterRef("pk"))
    return rows.annotate(
        plan=Subquery(live.annotate(code=F("plan__code")).values("code")[:1]),
        seats_purchased=Subquery(live.values("purchased")[:1]),
        seats_used=Subquery(live.values("used")[:1]),
    )


def list_entries(*, actor: Actor, organization_id: uuid.UUID) -> QuerySet[SupportEntry]:
    """Return operators' entries into an organization, newest first.

    Raises:
        NotFound: there is no such organization.
    """
    require(actor, ORGANIZATIONS_VIEW)
    if not Organization.objects.filter(id=organization_id).exists():
        raise NotFound(organization=str(organization_id))
    return SupportEntry.objects.filter(organization_id=organization_id)
