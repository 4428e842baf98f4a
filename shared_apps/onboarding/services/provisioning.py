"""Provision an organization: name, schema, owner's invitation, in one transaction when a schema is ready.

With an empty pool the first transaction leaves the organization in `provisioning`, whose host answers 503;
the schema is built after it and a second transaction opens the organization. Killed anywhere in between, the
job `onboarding.resume_provisioning` goes on from what the tables say.
"""

import uuid

import structlog
from django.db import DatabaseError, connection

from shared_apps.accounts.services.invitations import do_invite_owner
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.onboarding.errors import CreationKeyReused, UnknownTimezone
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from shared_apps.onboarding.types import NewOrganization, is_timezone
from tenants.enums import OrganizationState, SchemaState
from tenants.models import Organization
from tenants.selectors.organizations import find_by_creation_key
from tenants.services.organizations import do_change_state, do_create_organization, get_locked
from tenants.services.schemas import build_schema

log = structlog.get_logger(__name__)


def provision_organization(
    *, actor: Actor, request: NewOrganization, creation_key: str | None = None
) -> Organization:
    """Create an organization and invite its owner; it is open when this returns, or about to be built.

    Args:
        creation_key: names this one wish; the same key again answers the organization of the first time.

    Raises:
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
        UnknownTimezone: no such time zone.
        CreationKeyReused: the key created another organization.
    """
    organization = _create(actor, request, creation_key)
    if organization.state != OrganizationState.PROVISIONING:
        return organization
    try:
        return complete_provisioning(organization_id=organization.id)
    except DatabaseError as error:
        # The organization stands; the job builds what is missing until then it is `provisioning`.
        log.warning("provisioning_unfinished", organization=str(organization.id), error=str(error))
        enqueue("onboarding.resume_provisioning", organization_id=None)
        return organization


def complete_provisioning(*, organization_id: uuid.UUID) -> Organization:
    """Build the schema of an organization that waits for one, and open it. Safe to repeat, at once too."""
    build_schema(organization_id, state=SchemaState.CLAIMED)
    actor = system_actor("onboarding.complete_provisioning")
    with entry_transaction():
        organization = get_locked(organization_id)
        if organization.state == OrganizationState.PROVISIONING:
            do_change_state(organization, OrganizationState.TRIAL)
            do_record(
                actor=actor, action="organizations.open", organization_id=organization_id, target=organization
            )
    return organization


def _create(actor: Actor, request: NewOrganization, creation_key: str | None) -> Organization:
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        return do_provision(actor=actor, request=request, creation_key=creation_key)


def do_provision(*, actor: Actor, request: NewOrganization, creation_key: str | None) -> Organization:
    """Make the organization's rows and invite its owner; see `provision_organization`. With an empty pool its
    schema is still to be built, by `complete_provisioning` after the commit."""
    require_transaction()
    if creation_key is not None:
        _wait_for_same_key(creation_key)
        made = find_by_creation_key(creation_key)
        if made is not None:
            if made.owner_email != request.owner_email or made.name != request.name:
                raise CreationKeyReused(field="Idempotency-Key")
            return made
    if not is_timezone(request.timezone):
        raise UnknownTimezone(field="timezone", timezone=request.timezone)
    organization = do_create_organization(
        name=request.name,
        slug=request.slug,
        owner_email=request.owner_email,
        timezone=request.timezone,
        language=request.language,
        creation_key=creation_key,
    )
    do_invite_owner(organization, email=request.owner_email, invited_by=actor, name=request.owner_name)
    do_record(
        actor=actor,
        action="organizations.create",
        organization_id=organization.id,
        target=organization,
        changes={"name": organization.name, "slug": organization.slug, "state": organization.state},
    )
    enqueue("tenants.refill_ready_schemas", organization_id=None)
    return organization


def _wait_for_same_key(creation_key: str) -> None:
    """Let two sendings of one wish go one after the other, so that the second finds what the first made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"onboarding:{creation_key}"]
        )
