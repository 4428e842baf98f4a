"""Change how an organization wants its seats given."""

import uuid
from dataclasses import replace
from typing import Any

from billing.errors import GrowthUnbounded
from billing.policies import BILLING_MANAGE, SEATS_MANAGE, require_in
from billing.selectors.seat_settings import SeatSettings, get_seat_settings
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public
from tenants.services.organizations import do_change_facts, get_locked

_MONEY = frozenset({"growth", "growth_most"})


def change_seat_settings(
    *, actor: Actor, organization_id: uuid.UUID, changes: dict[str, Any]
) -> SeatSettings:
    """Change some of the organization's choices; those not named stay.

    A tenant's database role may only read the registry, so the write stands in the shared schema.

    Args:
        changes: by the names of SeatSettings.

    Raises:
        GrowthUnbounded: growth without the number up to which.
    """
    with in_public(), entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        if _MONEY & set(changes):
            require_in(actor, BILLING_MANAGE, organization_id)
        organization = get_locked(organization_id)
        wanted = replace(get_seat_settings(organization_id=organization_id), **changes)
        if wanted.growth and wanted.growth_most is None:
            raise GrowthUnbounded(field="growth_most")
        chosen = {f"seat_{name}": value for name, value in changes.items()}
        recorded = do_change_facts(organization, {"settings": {**organization.settings, **chosen}})
        if recorded:
            do_record(
                actor=actor,
                action="seats.settings",
                organization_id=organization_id,
                target=organization,
                changes=chosen,
            )
    return wanted
