"""Steps on the registry: take a name, create, move between states, give a name back.

Entry services, which check the actor and write the audit log, are in shared_apps/onboarding above.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Expression, F, Func, Value
from django.db.models.functions import Replace

from shared_apps.core import clock
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenants.context import on_commit
from tenants.enums import ORGANIZATION_MOVES, DomainKind, OrganizationState, Suspension
from tenants.errors import IllegalMove, NameNotAvailable
from tenants.models import Domain, DomainClaim, Organization, ReleasedName
from tenants.names import FOLDED, FOLDED_TO, PAIRS, check_name, is_held, schema_name_for, skeleton
from tenants.selectors.hosts import announce_changed_hosts
from tenants.services.schemas import do_claim_ready_schema


def host_of(slug: str) -> str:
    """Return the host of an organization: its subdomain, or the base domain where it is the only one."""
    if settings.SINGLE_ORGANIZATION:
        return str(settings.PLATFORM_BASE_DOMAIN)
    return f"{slug}.{settings.PLATFORM_BASE_DOMAIN}"


def do_create_organization(
    *, name: str, slug: str, owner_email: str, timezone: str, language: str, creation_key: str | None
) -> Organization:
    """Create the organization with its host name, in state trial when a ready schema could be claimed.

    With an empty pool it stays in `provisioning`: its host answers 503 until the schema is built and
    `do_open` was called. Needs an open transaction.

    Raises:
        NameMalformed, NameNotAvailable: see `tenants.names.check_name`; also taken or resting names.
    """
    require_transaction()
    slug = check_name(slug)
    if settings.SINGLE_ORGANIZATION and slug != settings.SINGLE_ORGANIZATION:
        raise NameNotAvailable(field="slug", name=slug, only=settings.SINGLE_ORGANIZATION)
    do_refuse_taken(slug, owner_id=None)
    schema = do_claim_ready_schema()
    identifier = schema.id if schema else new_id()
    organization = Organization(
        id=identifier,
        schema_name=schema_name_for(identifier.hex),
        name=name,
        slug=slug,
        owner_email=owner_email,
        timezone=timezone,
        language=language,
        creation_key=creation_key,
        state=OrganizationState.TRIAL if schema else OrganizationState.PROVISIONING,
        state_changed_at=clock.now(),
    )
    try:
        with transaction.atomic():
            do_insert_with_host(organization)
    except IntegrityError as error:
        # Two requests for one name at once: the unique index lets one through.
        if "creation_key" in str(error):
            raise
        raise NameNotAvailable(field="slug", name=slug) from error
    do_forget_hosts()
    return organization


def do_insert_with_host(organization: Organization) -> None:
    """Insert the organization's row and its subdomain, the primary host. Needs an open transaction."""
    require_transaction()
    organization.save(force_insert=True)
    Domain(
        tenant=organization,
        domain=host_of(organization.slug),
        kind=DomainKind.SUBDOMAIN,
        is_primary=True,
        verified_at=clock.now(),
    ).save(force_insert=True)


def do_change_state(
    organization: Organization,
    to: OrganizationState,
    *,
    reason: str = "",
    suspension: Suspension = Suspension.FULL,
) -> None:
    """Move a locked organization to another state.

    Args:
        suspension: how it is closed, where `to` is SUSPENDED.

    Raises:
        IllegalMove: the table of moves does not have it.
    """
    require_transaction()
    if to not in ORGANIZATION_MOVES[OrganizationState(organization.state)]:
        raise IllegalMove(state=organization.state, asked=str(to))
    organization.state_before = organization.state
    organization.state = to
    organization.state_reason = reason
    organization.state_changed_at = clock.now()
    organization.suspension = suspension if to is OrganizationState.SUSPENDED else ""
    organization.save_fields("state", "state_before", "state_reason", "state_changed_at", "suspension")
    do_forget_hosts()


def do_change_facts(organization: Organization, changes: dict[str, Any]) -> dict[str, list[Any]]:
    """Write changed facts of a locked organization; return {"field": [old, new]} of what differs.

    Every process drops its cached copy of the organization.
    """
    require_transaction()
    differing = {name: value for name, value in changes.items() if getattr(organization, name) != value}
    recorded = {name: [getattr(organization, name), value] for name, value in differing.items()}
    for name, value in differing.items():
        setattr(organization, name, value)
    if differing:
        organization.save_fields(*differing)
        do_forget_hosts()
    return recorded


def do_release_names(organization: Organization) -> None:
    """Give the organization's host names back; the subdomain rests for the quarantine."""
    require_transaction()
    ReleasedName.objects.update_or_create(
        name=organization.slug,
        defaults={
            "organization_id": organization.id,
            "free_from": clock.now() + settings.RELEASED_NAME_QUARANTINE,
            "updated_at": clock.now(),
        },
    )
    Domain.objects.filter(tenant=organization).delete()
    DomainClaim.objects.filter(organization=organization).delete()
    # The row stays as a record; its slug must not block the name after the quarantine.
    organization.slug = f"deleted-{organization.id.hex}"
    organization.save_fields("slug")
    do_forget_hosts()


def do_forget_hosts() -> None:
    """Make every process drop its cached host look-ups, after the commit."""
    on_commit(announce_changed_hosts)


def get_locked(organization_id: uuid.UUID) -> Organization:
    """Return the organization's row, locked.

    Raises:
        NotFound: there is none.
    """
    require_transaction()
    organization = Organization.objects.select_for_update().filter(id=organization_id).first()
    if organization is None:
        raise NotFound(organization=str(organization_id))
    return organization


def do_refuse_taken(slug: str, *, owner_id: uuid.UUID | None) -> None:
    """Refuse a name that is taken, held or rests, or that reads like one: acrne passes for acme in a mail.

    Two wishes for names that read alike wait for each other until the first one's transaction ends: the
    unique index would let both through.

    Args:
        owner_id: the organization that asks, whose own present and former names are no hindrance; None for
            one that is not made yet.

    Raises:
        NameNotAvailable: see above.
    """
    require_transaction()
    alike = skeleton(slug)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"tenants:name:{alike}"])
    taken = Organization.objects.exclude(state=OrganizationState.DELETED)
    resting = ReleasedName.objects.filter(free_from__gt=clock.now())
    hosts = Domain.objects.filter(domain=host_of(slug))
    if owner_id is not None:
        taken = taken.exclude(id=owner_id)
        resting = resting.exclude(organization_id=owner_id)
        hosts = hosts.exclude(tenant_id=owner_id)
    if (
        taken.annotate(alike=skeleton_of("slug")).filter(alike=alike).exists()
        or resting.annotate(alike=skeleton_of("name")).filter(alike=alike).exists()
        or hosts.exists()
        or is_held(alike)
    ):
        raise NameNotAvailable(field="slug", name=slug)


def skeleton_of(column: str) -> Expression:
    """Return what the database computes as `tenants.names.skeleton` of a lower-case column."""
    folded: Expression = Func(
        F(column), Value(FOLDED), Value(FOLDED_TO), function="translate", output_field=CharField()
    )
    for pair, single in PAIRS:
        folded = Replace(folded, Value(pair), Value(single))
    return folded
