"""What an organization may use, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.subscriptions.serializers_entitlements import EntitlementsIn, OrganizationEntitlementsOut
from billing.selectors.entitlements import weigh_entitlements
from billing.services.access.entitlements import amend_entitlements


class OrganizationEntitlementsViewSet(DomainViewSet):
    """What an organization may use, whoever says so."""

    policies: ClassVar[dict[str, str]] = {"show": "subscriptions.view", "change": "subscriptions.manage"}

    @extend_schema(
        operation_id="organizations_entitlements",
        tags=["subscriptions"],
        responses={200: OrganizationEntitlementsOut},
    )
    def show(self, request: Request, pk: uuid.UUID) -> Response:
        """Read what the plan and an operator say of each entitlement, and what holds."""
        return self._answer(pk)

    @extend_schema(
        operation_id="organizations_change_entitlements",
        tags=["subscriptions"],
        request=EntitlementsIn,
        responses={200: OrganizationEntitlementsOut},
    )
    def change(self, request: Request, pk: uuid.UUID) -> Response:
        """Allow an organization more, or less, than its plan, until that is taken back here.

        What is not named stays as it is. Null is no limit; a name in `reset` follows the plan again.
        """
        wanted = self.parsed(EntitlementsIn)
        amend_entitlements(
            actor=self.actor,
            organization_id=pk,
            entitlements=wanted["entitlements"],
            reset=wanted["reset"],
            reason=wanted["reason"],
        )
        return self._answer(pk)

    def _answer(self, organization_id: uuid.UUID) -> Response:
        found = weigh_entitlements(actor=self.actor, organization_id=organization_id)
        return self.answer(OrganizationEntitlementsOut, found)
