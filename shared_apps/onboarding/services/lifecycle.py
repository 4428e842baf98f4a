"""Suspend, resume, give up and keep organizations: acts of the platform's operators, each audited."""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings

from billing.services.changes.acts import do_end_with_period, do_keep_after_all
from billing.services.customers.checkouts import do_end_pages
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.errors import GraceTooLong, NotConfirmed, WaiverNeeded
from shared_apps.onboarding.models import Offboarding
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from shared_apps.onboarding.services.last_export import do_ask_for_export
from tenants.enums import OrganizationState, Suspension
from tenants.errors import IllegalMove
from tenants.models import Organization
from tenants.services.organizations import do_change_state, get_locked

MOST_GRACE_DAYS = 365
# What a closing organization goes back to.
_PREVIOUS = ("state", "state_before", "state_reason", "suspension")
# Beside it: that the closing has its subscription end with the period.
_ENDS = "subscription_ends"


def suspend_organization(
    *, actor: Actor, organization_id: uuid.UUID, reason: str, mode: Suspension = Suspension.FULL
) -> Organization:
    """Close the organization's host, or let it be read only, with a reason its people are told; nothing is
    lost. Suspending a suspended one in the other mode changes the mode. A page on which it could still be
    subscribed is closed.

    Raises:
        NotFound: there is none.
        IllegalMove: it is not open, or suspended in this mode already.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        before = organization.suspension
        if organization.state == OrganizationState.SUSPENDED and before != mode:
            state_before = organization.state_before
            do_change_state(organization, OrganizationState(state_before))
            do_change_state(organization, OrganizationState.SUSPENDED, reason=reason, suspension=mode)
        else:
            do_change_state(organization, OrganizationState.SUSPENDED, reason=reason, suspension=mode)
        do_end_pages(organization_id)
        _audit(actor, "organizations.suspend", organization, reason=reason, mode=[before, str(mode)])
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
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    confirm: str,
    reason: str = "",
    grace_days: int | None = None,
    export_waiver: str = "",
) -> Organization:
    """Begin to give an organization up: its people are out at once and nothing else is touched.

    What it pays for ends with the period, so that closed doors are not charged for. It stays `closing` for
    the grace, in which `keep_organization` undoes all of it; then a job deletes it, once its export is
    finished or somebody waived that, and signs the receipt. The row stays as the record that its id was used.

    Args:
        confirm: the organization's present slug, so that a wrong id cannot cost the wrong customer's data.
        grace_days: days until it is deleted; the setting ORGANIZATION_GRACE_DAYS when None.
        export_waiver: why no export is needed; must be said for a grace of 0 days.

    Raises:
        NotFound: there is none.
        NotConfirmed: `confirm` is something else.
        GraceTooLong: outside 0 to 365 days.
        WaiverNeeded: no grace and no waiver.
        IllegalMove: it is on its way out already.
        ChangeUnderWay: a change of its subscription is on its way; try again.
    """
    days = settings.ORGANIZATION_GRACE_DAYS if grace_days is None else grace_days
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        if confirm != organization.slug:
            raise NotConfirmed(field="confirm")
        if not 0 <= days <= MOST_GRACE_DAYS:
            raise GraceTooLong(field="grace_days", most=MOST_GRACE_DAYS)
        is_unused = organization.state == OrganizationState.PROVISIONING
        if days == 0 and not export_waiver and not is_unused:
            raise WaiverNeeded(field="export_waiver")
        offboarding = _make_offboarding(actor, organization, reason, 0 if is_unused else days)
        if is_unused or export_waiver:
            offboarding.waived_by = actor.label
            offboarding.waiver = export_waiver or "it was never open and holds nothing"
        _do_close(actor, organization, offboarding, reason)
        _audit(
            actor,
            "organizations.delete",
            organization,
            reason=reason,
            delete_after=offboarding.delete_after.isoformat(),
            export_waiver=offboarding.waiver,
        )
        enqueue("onboarding.continue_offboarding", organization_id=None)
    return organization


def keep_organization(*, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """Keep a closing organization after all: it is what it was before, with its people, seats and data.

    Raises:
        NotFound: there is none.
        IllegalMove: it is not closing, or its deletion has begun.
        ChangeUnderWay: a change of its subscription is on its way; try again.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        if organization.state != OrganizationState.CLOSING:
            raise IllegalMove(state=organization.state)
        offboarding = _open_offboarding(organization_id)
        previous = offboarding.previous
        do_change_state(
            organization,
            OrganizationState(previous["state"]),
            reason=previous["state_reason"],
            suspension=Suspension(previous["suspension"] or Suspension.FULL),
        )
        organization.state_before, organization.delete_after = previous["state_before"], None
        organization.save_fields("state_before", "delete_after")
        if previous.get(_ENDS):
            do_keep_after_all(actor=actor, organization_id=organization_id)
        offboarding.kept_at = clock.now()
        offboarding.save_fields("kept_at")
        _audit(actor, "organizations.keep", organization)
    return organization


def waive_export(*, actor: Actor, organization_id: uuid.UUID, reason: str) -> Organization:
    """Let a closing organization be deleted at its time without a finished export.

    Raises:
        NotFound: there is none.
        IllegalMove: it is not closing.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        organization = get_locked(organization_id)
        if organization.state != OrganizationState.CLOSING:
            raise IllegalMove(state=organization.state)
        offboarding = _open_offboarding(organization_id)
        offboarding.waived_by, offboarding.waiver, offboarding.problem = actor.label, reason, ""
        offboarding.save_fields("waived_by", "waiver", "problem")
        do_record(
            actor=actor,
            action="organizations.waive_export",
            organization_id=organization_id,
            target=organization,
            changes={"reason": reason},
        )
        enqueue("onboarding.continue_offboarding", organization_id=None)
    return organization


def _make_offboarding(actor: Actor, organization: Organization, reason: str, days: int) -> Offboarding:
    return Offboarding(
        organization_id=organization.id,
        slug=organization.slug,
        name=organization.name,
        asked_by=actor.label,
        reason=reason,
        delete_after=clock.now() + timedelta(days=days),
        previous={name: getattr(organization, name) for name in _PREVIOUS},
    )


def _do_close(actor: Actor, organization: Organization, offboarding: Offboarding, reason: str) -> None:
    is_unused = organization.state == OrganizationState.PROVISIONING
    do_change_state(
        organization,
        OrganizationState.DELETING if is_unused else OrganizationState.CLOSING,
        reason=reason,
    )
    organization.delete_after = offboarding.delete_after
    organization.save_fields("delete_after")
    do_end_pages(organization.id)
    if not is_unused and do_end_with_period(actor=actor, organization_id=organization.id):
        offboarding.previous = {**offboarding.previous, _ENDS: True}
    offboarding.save(force_insert=True)
    if not offboarding.waiver:
        do_ask_for_export(actor=actor, organization=organization, offboarding=offboarding)


def _open_offboarding(organization_id: uuid.UUID) -> Offboarding:
    found = (
        Offboarding.objects.select_for_update()
        .filter(organization_id=organization_id, kept_at=None, deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound(organization=str(organization_id))
    return found


def _audit(actor: Actor, action: str, organization: Organization, **facts: Any) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=organization.id,
        target=organization,
        changes={"state": [organization.state_before, organization.state], **facts},
    )
