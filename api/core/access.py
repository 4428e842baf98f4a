"""The one place where an organization that can only be read, or is closed, by its subscription is enforced.

Held against the clock for every request to an organization's host, after the caller's right to the act; what
is compared came with the host, so nothing is asked of the database. Who can settle it is told what to do and
where (402), everybody else in plain words that it will go on (403).
"""

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from api.core.callers import caller_of
from billing.enums import AccessLevel
from billing.errors import ClosedForNow, ReadOnlyForNow, SubscriptionClosed, SubscriptionReadOnly
from billing.policies import BILLING_MANAGE
from billing.selectors.access import Access, explain_access, level_of
from billing.selectors.entitlements import require_feature
from shared_apps.core import clock
from shared_apps.core.policies import may

# Where a front end shows all of it, and a caller reads it.
SEE = "/api/v1/billing/access"


def check_access(request: Request) -> None:
    """Raise unless the subscription of the host's organization allows the request.

    Raises:
        SubscriptionReadOnly, SubscriptionClosed: the caller can settle it.
        ReadOnlyForNow, ClosedForNow: anybody else.
    """
    organization = getattr(request._request, "organization", None)
    if organization is None:
        return
    level = level_of(organization, clock.now())
    if level is AccessLevel.FULL:
        return
    is_read = request.method in SAFE_METHODS
    if _is_among(settings.UNSETTLED_WRITES if not is_read else settings.CLOSED_READS, request.path):
        return
    actor = caller_of(request)
    settles = may(actor, BILLING_MANAGE)
    if is_read and (level is AccessLevel.READ_ONLY or settles or not actor.is_authenticated):
        return  # without a sign-in only what anybody may read, by a signature in its address
    if level is AccessLevel.READ_ONLY:
        raise SubscriptionReadOnly(**_facts(organization.id)) if settles else ReadOnlyForNow
    raise SubscriptionClosed(**_facts(organization.id)) if settles else ClosedForNow


def check_feature(request: Request, name: str) -> None:
    """Raise unless the plan of the host's organization holds what the view says its action needs.

    Raises:
        NotInPlan: facts `feature`.
    """
    organization = getattr(request._request, "organization", None)
    if organization is not None:
        require_feature(organization.id, name)


def _is_among(patterns: list[Any], path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in patterns)


def _facts(organization_id: Any) -> dict[str, Any]:
    access: Access = explain_access(organization_id=organization_id)
    return {
        "reason": access.reason,
        "since": access.since.isoformat() if access.since else None,
        "what_to_do": list(access.what_to_do),
        "pay_url": access.pay_url or None,
        "see": SEE,
    }
