"""Steps on custom domains: give a proven name its row, choose the primary one, take a name away."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenants.enums import DomainKind
from tenants.models import Domain, Organization
from tenants.services.organizations import do_forget_hosts, host_of


def do_lock_domain(name: str) -> Domain | None:
    """Return the row of a host name, locked; None where nobody has it."""
    require_transaction()
    return Domain.objects.select_for_update(of=("self",)).filter(domain=name).first()


def do_add_domain(organization: Organization, name: str) -> bool:
    """Let the organization answer at a name it has proven; return False where another was faster."""
    require_transaction()
    try:
        with transaction.atomic():
            Domain(
                tenant=organization,
                domain=name,
                kind=DomainKind.CUSTOM,
                is_primary=False,
                verified_at=clock.now(),
            ).save(force_insert=True)
    except IntegrityError:
        return False
    do_forget_hosts()
    return True


def do_take_over(domain: Domain, organization: Organization) -> uuid.UUID:
    """Move a locked custom domain to another organization; return the one that had it."""
    require_transaction()
    former: uuid.UUID = domain.tenant_id
    was_primary = domain.is_primary
    domain.tenant, domain.is_primary = organization, False
    domain.verified_at, domain.retires_at = clock.now(), None
    domain.save_fields("tenant", "is_primary", "verified_at", "retires_at")
    if was_primary:
        _make_subdomain_primary(former)
    do_forget_hosts()
    return former


def do_make_primary(organization: Organization, name: str) -> None:
    """Make one of the organization's present hosts the one that links name; the organization is locked.

    Raises:
        Domain.DoesNotExist: it has no such host.
    """
    require_transaction()
    chosen = Domain.objects.get(tenant=organization, domain=name)
    Domain.objects.filter(tenant=organization, is_primary=True).exclude(id=chosen.id).update(
        is_primary=False, updated_at=clock.now()
    )
    chosen.is_primary = True
    chosen.save_fields("is_primary")
    do_forget_hosts()


def do_remove_domain(domain: Domain) -> None:
    """Take a custom domain away; where it was the primary host the subdomain is again."""
    require_transaction()
    former, was_primary = domain.tenant_id, domain.is_primary
    domain.delete()
    if was_primary:
        _make_subdomain_primary(former)
    do_forget_hosts()


def do_end_at(domain: Domain, instant: datetime | None) -> None:
    """Let a custom domain answer until an instant; None: for good."""
    require_transaction()
    domain.retires_at = instant
    domain.save_fields("retires_at")
    do_forget_hosts()


def _make_subdomain_primary(organization_id: uuid.UUID) -> None:
    slug = Organization.objects.values_list("slug", flat=True).get(id=organization_id)
    Domain.objects.filter(tenant_id=organization_id, domain=host_of(slug)).update(
        is_primary=True, updated_at=clock.now()
    )
