"""Operators allow an organization more, or less, than its plan."""

import uuid
from typing import Any

from billing.entitlements import check_features
from billing.policies import SUBSCRIPTIONS_MANAGE
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenants.services.organizations import do_change_facts, get_locked


def override_entitlements(
    *, actor: Actor, organization_id: uuid.UUID, entitlements: dict[str, Any], note: str = ""
) -> dict[str, Any]:
    """Set what counts for the organization in place of its plan; names left out follow the plan again.

    Args:
        entitlements: name -> value as in a plan's features; empty for the plan alone.
        note: why, for the audit log.

    Returns:
        what is kept.

    Raises:
        NotFound: no such organization.
        FeatureUnknown, FeatureValueRefused: see `check_features`.
    """
    check_features(entitlements, field="entitlements")
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        organization = get_locked(organization_id)
        changes = do_change_facts(organization, {"entitlements": entitlements or None})
        if changes:
            do_record(
                actor=actor,
                action="subscriptions.override_entitlements",
                organization_id=organization_id,
                target=organization,
                changes={**changes, "note": note},
            )
    return entitlements
