"""Where an organization's subscription stands."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_subscription import OverviewOut
from billing.selectors.purchases import read_overview
from tenants.context import current_organization


class OwnSubscriptionViewSet(DomainViewSet):
    """The organization's own subscription."""

    policies: ClassVar[dict[str, str]] = {"show": "billing.view"}

    @extend_schema(responses={200: OverviewOut})
    def show(self, request: Request) -> Response:
        """Read the subscription: status, plan, price, seats, period, and what is owed."""
        found = read_overview(actor=self.actor, organization_id=current_organization().id)
        return self.answer(OverviewOut, found)
