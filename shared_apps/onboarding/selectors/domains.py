"""Reads on custom domains."""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.onboarding.policies import DOMAINS_MANAGE
from tenants.context import in_public
from tenants.enums import OPEN_STATES, DomainKind, OrganizationState
from tenants.models import Domain, DomainClaim, Organization

_AT_ONCE = 200
# Whoever claims a domain makes the records within the hour.
_FRESH = timedelta(days=1)
_FRESH_EVERY = timedelta(minutes=10)
_ALIVE = (*OPEN_STATES, OrganizationState.SUSPENDED, OrganizationState.CLOSING)


def challenge_name(domain: str) -> str:
    """Return the name whose TXT record proves a domain."""
    return f"_palaestra-challenge.{domain}"


def dns_target() -> str:
    """Return the host that a custom domain's CNAME record names."""
    return str(settings.CUSTOM_DOMAIN_TARGET or settings.PLATFORM_HOST)


def list_domains(*, actor: Actor, organization_id: uuid.UUID) -> list[Any]:
    """Return an organization's custom domains, proven or not, by name; there are 20 at most.

    A tenant's role cannot read the table, which holds every organization's tokens, so the rows are read in
    the shared schema and handed over as they are.

    Raises:
        NotFound: there is no such organization.
    """
    require(actor, DOMAINS_MANAGE)
    with in_public():
        if not Organization.objects.filter(id=organization_id).exists():
            raise NotFound(organization=str(organization_id))
        return list(with_hosts(DomainClaim.objects.filter(organization_id=organization_id)))


def get_domain(*, actor: Actor, organization_id: uuid.UUID, claim_id: uuid.UUID) -> Any:
    """Return one of an organization's custom domains as the list does.

    Raises:
        NotFound: it has no such.
    """
    require(actor, DOMAINS_MANAGE)
    with in_public():
        rows = DomainClaim.objects.filter(organization_id=organization_id, id=claim_id)
        found = with_hosts(rows).first()
    if found is None:
        raise NotFound(domain=str(claim_id))
    return found


def with_hosts(claims: QuerySet[DomainClaim]) -> QuerySet[Any]:
    """Add `is_served`, `is_primary` and `stops_at` of the host that the claim has become, if it has."""
    host = Domain.objects.filter(
        domain=OuterRef("domain"), tenant_id=OuterRef("organization_id"), kind=DomainKind.CUSTOM
    )
    return claims.annotate(
        is_served=Exists(host),
        is_primary=Exists(host.filter(is_primary=True)),
        stops_at=Subquery(host.values("retires_at")[:1]),
    ).order_by("domain", "id")


def claims_to_check() -> list[uuid.UUID]:
    """Return claims whose DNS records are due to be looked up, those looked up longest ago first.

    All are due every DOMAIN_RECHECK_EVERY, those of the last day far more often; a claim that nobody proved
    in DOMAIN_CLAIM_LIFETIME is looked up only when somebody asks.
    """
    now = clock.now()
    is_fresh = Q(proven_at=None, created_at__gt=now - _FRESH)
    due = Q(checked_at=None) | Q(checked_at__lte=now - settings.DOMAIN_RECHECK_EVERY)
    due |= is_fresh & Q(checked_at__lte=now - _FRESH_EVERY)
    alive = Q(proven_at__isnull=False) | Q(created_at__gt=now - settings.DOMAIN_CLAIM_LIFETIME)
    rows = DomainClaim.objects.filter(due, alive, organization__state__in=_ALIVE)
    return list(rows.order_by("checked_at", "id").values_list("id", flat=True)[:_AT_ONCE])
