"""Operators allow an organization more, or less, than its plan."""

import uuid
from collections.abc import Collection
from typing import Any

from billing.entitlements import check_features, check_names
from billing.errors import EntitlementSetAndReset
from billing.policies import SUBSCRIPTIONS_MANAGE
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.models import Organization
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
        _do_keep(actor, get_locked(organization_id), entitlements, note)
    return entitlements


def amend_entitlements(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    entitlements: dict[str, Any],
    reset: Collection[str],
    reason: str,
) -> dict[str, Any]:
    """Set some of what counts in place of the plan, take some back, and leave what is not named as it is.

    Repeating it changes nothing and is recorded once.

    Args:
        entitlements: name -> value as in a plan's features; null is no limit, not taking back.
        reset: names that follow the plan again.
        reason: why, for the audit log.

    Returns:
        all that counts in place of the plan now.

    Raises:
        NotFound: no such organization.
        FeatureUnknown, FeatureValueRefused: see `check_features`.
        EntitlementSetAndReset: a name is set and taken back at once.
    """
    check_features(entitlements, field="entitlements")
    check_names(reset, field="reset")
    if both := sorted(set(reset) & set(entitlements)):
        raise EntitlementSetAndReset(field="reset", names=both)
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        organization = get_locked(organization_id)
        kept = {**(organization.entitlements or {}), **entitlements}
        kept = {name: value for name, value in kept.items() if name not in reset}
        _do_keep(actor, organization, kept, reason)
    return kept


def _do_keep(actor: Actor, organization: Organization, entitlements: dict[str, Any], note: str) -> None:
    require_transaction()
    changes = do_change_facts(organization, {"entitlements": entitlements or None})
    if changes:
        do_record(
            actor=actor,
            action="subscriptions.override_entitlements",
            organization_id=organization.id,
            target=organization,
            changes={**changes, "note": note},
        )
