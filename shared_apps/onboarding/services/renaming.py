"""Give an organization another subdomain."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Conflict
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.policies import ORGANIZATION_RENAME, ORGANIZATIONS_MANAGE
from tenants.context import in_public
from tenants.enums import OPEN_STATES, OrganizationState
from tenants.models import Organization
from tenants.scope import OrganizationRef
from tenants.services.organizations import get_locked
from tenants.services.renaming import do_rename

_CAN = OPEN_STATES | {OrganizationState.SUSPENDED}


def rename_organization(*, actor: Actor, organization_id: uuid.UUID, slug: str) -> Organization:
    """Rename any organization, as an operator. See `do_rename`; asking for the present name changes nothing.

    Raises:
        NotFound: there is none.
        Conflict: it is not open.
        NameMalformed, NameNotAvailable: the name cannot be had.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        return _do_rename(actor, organization_id, slug, bounded=False)


def rename_own_organization(*, actor: Actor, organization: OrganizationRef, slug: str) -> Organization:
    """Rename the actor's own organization.

    Raises:
        Conflict: it is not open.
        NameMalformed, NameNotAvailable: the name cannot be had.
        TooManyNames: it keeps as many former names as it may.
    """
    with in_public(), entry_transaction():
        require(actor, ORGANIZATION_RENAME)
        return _do_rename(actor, organization.id, slug, bounded=True)


def _do_rename(actor: Actor, organization_id: uuid.UUID, slug: str, *, bounded: bool) -> Organization:
    organization = get_locked(organization_id)
    if organization.state not in _CAN:
        raise Conflict(state=organization.state)
    former = do_rename(organization, slug, bounded=bounded)
    if former is not None:
        do_record(
            actor=actor,
            action="organizations.rename",
            organization_id=organization_id,
            target=organization,
            changes={"slug": [former, organization.slug]},
        )
    return organization
