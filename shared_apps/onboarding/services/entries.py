"""Operators look into an organization: with a reason, for a quarter of an hour, reading only, and both logs
say so.

One audit event is in both logs: the platform's shows all, the organization's those about it.
"""

import uuid
from dataclasses import dataclass

from django.conf import settings

from shared_apps.accounts.services.visits import do_end_visits, do_open_visit
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Conflict, NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.errors import EntryForbidden
from shared_apps.onboarding.models import SupportEntry
from shared_apps.onboarding.policies import ORGANIZATION_SUPPORT, ORGANIZATIONS_ENTER
from shared_apps.onboarding.types import SUPPORT_SETTING
from tenants.context import in_public
from tenants.enums import OPEN_STATES
from tenants.models import Organization
from tenants.scope import OrganizationRef
from tenants.selectors.hosts import primary_host
from tenants.services.organizations import do_change_facts, get_locked


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """A fresh entry; the token is told once and kept nowhere."""

    entry: SupportEntry
    token: str
    host: str


def enter_organization(*, actor: Actor, organization_id: uuid.UUID, reason: str) -> OpenedEntry:
    """Let an operator look into an organization, with the token for its host.

    Raises:
        NotFound: there is none.
        Conflict: it is not open.
        EntryForbidden: its owners let no operator in.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_ENTER)
        if actor.user_id is None:  # a job looks in by itself
            raise EntryForbidden
        organization = get_locked(organization_id)
        if organization.state not in OPEN_STATES:
            raise Conflict(state=organization.state)
        if not organization.settings.get(SUPPORT_SETTING, True):
            raise EntryForbidden
        lifetime = settings.SUPPORT_ENTRY_LIFETIME
        sign_in_id, token = do_open_visit(actor=actor, organization_id=organization_id, lifetime=lifetime)
        entry = SupportEntry.objects.create(
            organization_id=organization_id,
            operator_id=actor.user_id,
            operator_label=actor.label,
            reason=reason,
            sign_in_id=sign_in_id,
            ends_at=clock.now() + lifetime,
        )
        do_record(
            actor=actor,
            action="organizations.enter",
            organization_id=organization_id,
            target=entry,
            changes={"reason": reason, "until": entry.ends_at.isoformat()},
        )
        return OpenedEntry(entry, token, primary_host(organization_id))


def end_entry(*, actor: Actor, organization_id: uuid.UUID, entry_id: uuid.UUID) -> SupportEntry:
    """End an entry before its time, one's own or a colleague's. Repeating changes nothing.

    Raises:
        NotFound: the organization has no such entry.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_ENTER)
        entry = (
            SupportEntry.objects.select_for_update()
            .filter(id=entry_id, organization_id=organization_id)
            .first()
        )
        if entry is None:
            raise NotFound(entry=str(entry_id))
        _do_end(actor, [entry])
    return entry


def allow_entries(*, actor: Actor, organization: OrganizationRef, allowed: bool) -> Organization:
    """Let operators look in or not; forbidding ends the entries there are at once. For owners."""
    with in_public(), entry_transaction():
        require(actor, ORGANIZATION_SUPPORT)
        row = get_locked(organization.id)
        recorded = do_change_facts(row, {"settings": {**row.settings, SUPPORT_SETTING: allowed}})
        if recorded:
            do_record(
                actor=actor,
                action="organizations.allow_entries",
                organization_id=row.id,
                target=row,
                changes={"allowed": allowed},
            )
        if not allowed:
            live = SupportEntry.objects.select_for_update().filter(
                organization_id=row.id, ended_at=None, ends_at__gt=clock.now()
            )
            _do_end(actor, list(live))
    return row


def _do_end(actor: Actor, entries: list[SupportEntry]) -> None:
    now = clock.now()
    for entry in entries:
        if entry.ended_at is not None or entry.ends_at <= now:
            continue
        entry.ended_at, entry.ended_by = now, actor.label
        entry.save_fields("ended_at", "ended_by")
        do_end_visits(sign_in_ids=[entry.sign_in_id])
        do_record(
            actor=actor,
            action="organizations.end_entry",
            organization_id=entry.organization_id,
            target=entry,
        )
