"""Who may do what with plans, subscriptions and seats."""

import uuid

from shared_apps.core.actors import ADMINS, EVERYONE, Actor, ActorKind, Role
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import Rule, declare, require

SEAT_MANAGERS = ADMINS | {Role.BILLING_ADMIN}

SEATS_VIEW = declare(Rule("seats.view", roles=SEAT_MANAGERS | {Role.MANAGER}))
SEATS_MANAGE = declare(Rule("seats.manage", roles=SEAT_MANAGERS))
SEATS_CLAIM = declare(Rule("seats.claim", roles=EVERYONE))
BILLING_VIEW = declare(Rule("billing.view", roles=SEAT_MANAGERS))
BILLING_MANAGE = declare(Rule("billing.manage", roles=SEAT_MANAGERS))
# Why something does not work now may be asked by everybody it stops.
BILLING_ACCESS = declare(Rule("billing.access", roles=EVERYONE))
# Who signs up compares plans before there is anybody to sign in as.
PRICES_VIEW = declare(Rule("prices.view", anyone=True))
PLANS_VIEW = declare(Rule("plans.view", operators=True))
PLANS_MANAGE = declare(Rule("plans.manage", operators=True))
SUBSCRIPTIONS_VIEW = declare(Rule("subscriptions.view", operators=True))
SUBSCRIPTIONS_MANAGE = declare(Rule("subscriptions.manage", operators=True))
GATEWAY_VIEW = declare(Rule("gateway.view", operators=True))
GATEWAY_MANAGE = declare(Rule("gateway.manage", operators=True))


def require_in(actor: Actor, rule: Rule, organization_id: uuid.UUID) -> None:
    """Raise unless the actor may, in this organization. Schemas do not protect billing rows, so this does.

    Raises:
        Unauthenticated, Forbidden: see `shared_apps.core.policies.require`.
        NotFound: the actor is a member of another organization.
    """
    require(actor, rule)
    if actor.kind is ActorKind.MEMBER and actor.organization_id != organization_id:
        raise NotFound
