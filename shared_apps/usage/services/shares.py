"""Set an organization's share of the workers, and how much it may ask in a minute."""

import uuid
from typing import Any

import structlog

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.usage.policies import SHARES
from tenants.context import on_commit
from tenants.models import Organization
from tenants.selectors.hosts import announce_changed_hosts
from tenants.services.organizations import get_locked

log = structlog.get_logger(__name__)

FACTS = ("queue_weight", "request_budget")


def change_shares(*, actor: Actor, organization_id: uuid.UUID, changes: dict[str, Any]) -> Organization:
    """Change the weight in the fair queue or the budget of requests, as an operator.

    Processes hear of the budget within a second; the queue takes the weight over at its next sweep, within
    ten.

    Args:
        changes: `queue_weight` 1 to 100, where others have 1; `request_budget` in requests a minute, None for
            the installation's own.

    Raises:
        NotFound: there is none.
    """
    with entry_transaction():
        require(actor, SHARES)
        organization = get_locked(organization_id)
        recorded = {
            name: [getattr(organization, name), changes[name]]
            for name in FACTS
            if name in changes and changes[name] != getattr(organization, name)
        }
        if not recorded:
            return organization
        for name, (_, value) in recorded.items():
            setattr(organization, name, value)
        organization.save_fields(*recorded)
        do_record(
            actor=actor,
            action="organizations.shares",
            organization_id=organization_id,
            target=organization,
            changes=recorded,
        )
        on_commit(announce_changed_hosts)
    return organization
