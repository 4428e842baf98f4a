"""Steps that give an organization another subdomain and let the former one fade."""

import uuid

from django.conf import settings
from django.db import IntegrityError, transaction

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenants.enums import DomainKind
from tenants.errors import NameNotAvailable, TooManyNames
from tenants.models import Domain, Organization, ReleasedName
from tenants.names import check_name
from tenants.services.organizations import do_forget_hosts, do_refuse_taken, host_of

# Former names of one organization that are kept from everybody else at a time; more would be hoarding.
MOST_FORMER_NAMES = 5


def do_rename(organization: Organization, slug: str, *, bounded: bool) -> str | None:
    """Move a locked organization to another subdomain; return the former one, None when nothing changes.

    The former host answers with a redirect for RENAMED_HOST_LIFETIME, so that links heal. From now on and for
    the quarantine after that the name rests: only the same organization can have it back.

    Args:
        slug: the wished subdomain, any case.
        bounded: whether the limit on former names holds (it does for customers, not for operators).

    Raises:
        NameMalformed, NameNotAvailable: as for a new organization's name; also with a single organization.
        TooManyNames: see `bounded`.
    """
    require_transaction()
    slug = check_name(slug)
    former = organization.slug
    if slug == former:
        return None
    if settings.SINGLE_ORGANIZATION:
        raise NameNotAvailable(field="slug", name=slug, only=settings.SINGLE_ORGANIZATION)
    do_refuse_taken(slug, owner_id=organization.id)
    if bounded:
        _refuse_hoarding(organization.id, slug)
    try:
        with transaction.atomic():
            _move_host(organization, former, slug)
            organization.slug = slug
            organization.save_fields("slug")
    except IntegrityError as error:
        # Two organizations wished for one name at once: the unique index lets one through.
        raise NameNotAvailable(field="slug", name=slug) from error
    do_forget_hosts()
    return former


def do_drop_retired_hosts() -> int:
    """Delete the host names of former subdomains whose time is over; return how many."""
    require_transaction()
    retired = Domain.objects.filter(kind=DomainKind.SUBDOMAIN, retires_at__lte=clock.now())
    number, _ = retired.delete()
    if number:
        do_forget_hosts()
    return number


def _move_host(organization: Organization, former: str, slug: str) -> None:
    now = clock.now()
    until = now + settings.RENAMED_HOST_LIFETIME
    # A name that is taken back rests no longer.
    ReleasedName.objects.filter(name=slug, organization_id=organization.id).delete()
    ReleasedName.objects.update_or_create(
        name=former,
        defaults={
            "organization_id": organization.id,
            "free_from": until + settings.RELEASED_NAME_QUARANTINE,
            "updated_at": now,
        },
    )
    old = Domain.objects.select_for_update().get(tenant=organization, domain=host_of(former))
    was_primary = old.is_primary
    old.is_primary, old.retires_at = False, until
    old.save_fields("is_primary", "retires_at")
    new = Domain.objects.filter(tenant=organization, domain=host_of(slug)).first()
    if new is None:
        new = Domain(tenant=organization, domain=host_of(slug), kind=DomainKind.SUBDOMAIN, verified_at=now)
    new.is_primary, new.retires_at = was_primary, None
    new.save()


def _refuse_hoarding(organization_id: uuid.UUID, slug: str) -> None:
    kept = ReleasedName.objects.filter(organization_id=organization_id, free_from__gt=clock.now())
    if kept.exclude(name=slug).count() >= MOST_FORMER_NAMES:
        raise TooManyNames(most=MOST_FORMER_NAMES)
