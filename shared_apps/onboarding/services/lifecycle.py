"""Suspend, resume and delete organizations: acts of the platform's operators, each resumable and audited."""

import uuid

from billing.services.subscriptions import do_cancel_live_subscription
from shared_apps.accounts.services.offboarding import do_end_all_memberships
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.services.sweeping import do_end_jobs
from shared_apps.onboarding.errors import NotConfirmed
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import IllegalMove
from tenants.models import Organization
from tenants.services.organizations import do_change_state, do_release_names, get_locked
from tenants.services.schemas import do_drop_schema, do_lock_schema
from tenants.storage import remove_all_files


def suspend_organization(*, actor: Actor, organization_id: uuid.UUID, reason: str) -> Organization:
    """Close the organization's host, with a reason its people are told; nothing is lost.

    Raises:
        NotFound: there is none.
        IllegalMove: it is not open.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        do_change_state(organization, OrganizationState.SUSPENDED, reason=reason)
        _audit(actor, "organizations.suspend", organization, reason)
    return organization


def resume_organization(*, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """Open a suspended organization again, in the state it was suspended in.

    Raises:
        NotFound: there is none.
        IllegalMove: it is not suspended.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        if organization.state != OrganizationState.SUSPENDED:
            raise IllegalMove(state=organization.state)
        do_change_state(organization, OrganizationState(organization.state_before))
        _audit(actor, "organizations.resume", organization)
    return organization


def delete_organization(
    *, actor: Actor, organization_id: uuid.UUID, confirm: str, reason: str = ""
) -> Organization:
    """Begin to delete an organization: its people are out at once, a job removes data and names.

    The caller sees `deleting`, later `deleted`; the row stays as the record that its name was used.

    Args:
        confirm: the organization's present slug, so that a wrong id cannot cost the wrong customer's data.

    Raises:
        NotFound: there is none.
        NotConfirmed: `confirm` is something else.
        IllegalMove: it is being deleted already.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        if confirm != organization.slug:
            raise NotConfirmed(field="confirm")
        do_change_state(organization, OrganizationState.DELETING, reason=reason)
        do_cancel_live_subscription(actor=actor, organization_id=organization_id)
        do_end_all_memberships(organization_id=organization_id)
        do_end_jobs(organization_id=organization_id)
        _audit(actor, "organizations.delete", organization, reason)
        enqueue("onboarding.resume_provisioning", organization_id=None)
    return organization


def complete_deletion(*, organization_id: uuid.UUID) -> None:
    """Remove data, files and names of an organization in `deleting`. Safe to repeat after a kill anywhere."""
    with entry_transaction():
        organization = get_locked(organization_id)
        if organization.state != OrganizationState.DELETING:
            return
        schema = do_lock_schema(organization_id)
        if schema.state != SchemaState.DROPPED:
            do_drop_schema(schema)
    remove_all_files(organization_id)
    actor = system_actor("onboarding.complete_deletion")
    with entry_transaction():
        organization = get_locked(organization_id)
        if organization.state == OrganizationState.DELETING:
            slug = organization.slug
            do_release_names(organization)
            do_change_state(organization, OrganizationState.DELETED, reason=organization.state_reason)
            do_record(
                actor=actor,
                action="organizations.deleted",
                organization_id=organization_id,
                target=organization,
                changes={"slug": slug},
            )


def _audit(actor: Actor, action: str, organization: Organization, reason: str = "") -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=organization.id,
        target=organization,
        changes={"state": [organization.state_before, organization.state], "reason": reason},
    )
