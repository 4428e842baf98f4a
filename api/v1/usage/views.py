"""Figures of use: an organization's own for its admins, any for operators; and the shares operators set."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.usage.serializers import SharesIn, SharesOut, UsageFilter, UsageOut
from shared_apps.usage.selectors.figures import own_usage, usage_of
from shared_apps.usage.services.shares import change_shares
from tenants.context import current_organization


class OwnUsageViewSet(DomainViewSet):
    """The organization's own figures."""

    policies: ClassVar[dict[str, str]] = {"show": "usage.view"}

    @extend_schema(
        operation_id="usage_show", tags=["usage"], parameters=[UsageFilter], responses={200: UsageOut}
    )
    def show(self, request: Request) -> Response:
        """Return requests, tasks, mails and storage of the last days."""
        wanted = self.parsed_query(UsageFilter)
        found = own_usage(self.actor, organization_id=current_organization().id, days=wanted["days"])
        return self.answer(UsageOut, found)


class OrganizationUsageViewSet(DomainViewSet):
    """Figures and shares of any organization, for operators."""

    policies: ClassVar[dict[str, str]] = {"show": "usage.view_any", "shares": "organizations.shares"}

    @extend_schema(
        operation_id="organizations_usage",
        tags=["usage"],
        parameters=[UsageFilter],
        responses={200: UsageOut},
    )
    def show(self, request: Request, pk: uuid.UUID) -> Response:
        """Return requests, tasks, mails and storage of the last days."""
        wanted = self.parsed_query(UsageFilter)
        return self.answer(UsageOut, usage_of(self.actor, organization_id=pk, days=wanted["days"]))

    @extend_schema(
        operation_id="organizations_shares", tags=["usage"], request=SharesIn, responses={200: SharesOut}
    )
    def shares(self, request: Request, pk: uuid.UUID) -> Response:
        """Set the share of the workers and the budget of requests."""
        changes = self.parsed(SharesIn)
        return self.answer(SharesOut, change_shares(actor=self.actor, organization_id=pk, changes=changes))
