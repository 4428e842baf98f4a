"""Whether an organization fits into a plan it wants to go to."""

import uuid
from collections.abc import Mapping
from typing import Any

from billing.entitlements import ENTITLEMENTS, Kind, is_value_of
from billing.errors import PlanDoesNotFit
from billing.models import Plan
from tenants.models import Organization


def require_fit(organization_id: uuid.UUID, plan: Plan, in_use: Mapping[str, int]) -> None:
    """Refuse a plan that allows less than there is. What an operator allowed counts in place of the plan.

    Args:
        in_use: how much there is of each limit, by its name; one that is left out is not looked at.

    Raises:
        PlanDoesNotFit: facts `plan`, `reasons` with `limit`, `most` and `now` of each.
    """
    overrides = Organization.objects.values_list("entitlements", flat=True).get(id=organization_id) or {}
    reasons: list[dict[str, Any]] = []
    for name, now in in_use.items():
        most = _most(name, overrides, plan.features)
        if most is not None and now > most:
            reasons.append({"limit": name, "most": most, "now": now})
    if reasons:
        raise PlanDoesNotFit(field="plan", plan=plan.code, reasons=reasons)


def _most(name: str, *sources: Mapping[str, Any]) -> int | None:
    entitlement = ENTITLEMENTS[name]
    assert entitlement.kind is Kind.LIMIT, name  # noqa: S101  only limits are counted
    for said in sources:
        if name in said and is_value_of(entitlement.kind, said[name]):
            value: int | None = said[name]
            return value
    return entitlement.default
