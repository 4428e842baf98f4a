"""Plans and subscriptions for tests that need seats."""

from typing import Any

from billing.models import Plan, Subscription
from shared_apps.core import clock
from tenants.context import in_public
from tenants.models import Organization


def make_plan(code: str = "team", **facts: Any) -> Plan:
    """Return the plan of that code, made when it is not there."""
    with in_public():
        return Plan.objects.get_or_create(code=code, defaults={"name": code.capitalize(), **facts})[0]


def make_subscription(organization: Organization, seats: int, **facts: Any) -> Subscription:
    """Give the organization a live subscription with so many seats, of the usual plan unless one is named."""
    facts = {"plan": facts.get("plan") or make_plan(), "starts_at": clock.now(), **facts}
    with in_public():
        return Subscription.objects.create(organization=organization, purchased=seats, **facts)
