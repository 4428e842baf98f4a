"""The one permission class: asks the policy that the view declares for the action."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from api.core.access import check_access, check_feature
from api.core.callers import caller_of
from shared_apps.core.errors import Forbidden
from shared_apps.core.policies import get_rule, require


class TokenTooNarrow(Forbidden):
    """The personal access token is limited to reading."""

    code = "token_scope"
    title = "This token may only read."
    advice = "Make a token with the scope `write`. The token of a support entry reads only."


class DeclaredPolicy(BasePermission):
    """First, coarse question: may this actor do such a thing at all? The service asks with the object."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise the refusal that says why.

        Raises:
            Unauthenticated, Forbidden: see `shared_apps.core.policies.require`.
            TokenTooNarrow: a read-only token on an unsafe method.
            SubscriptionReadOnly, SubscriptionClosed, ReadOnlyForNow, ClosedForNow: see `check_access`.
            NotInPlan: see `check_feature`.
        """
        actor = caller_of(request)
        # No such method, or OPTIONS, which only CORS asks, before this: DRF answers 405 after this.
        if view.action in (None, "metadata"):
            return True
        require(actor, get_rule(view.policies[view.action]))
        if actor.scopes and "write" not in actor.scopes and request.method not in SAFE_METHODS:
            raise TokenTooNarrow
        check_access(request)
        feature = view.features.get(view.action)
        if feature is not None:
            check_feature(request, feature)
        return True
