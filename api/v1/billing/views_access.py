"""What the subscription lets people do now."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_access import AccessOut
from billing.selectors.access import tell_access
from tenants.context import current_organization


class AccessViewSet(DomainViewSet):
    """Full, without new seats, read only or closed; and why."""

    policies: ClassVar[dict[str, str]] = {"show": "billing.access"}

    @extend_schema(operation_id="billing_access_show", responses={200: AccessOut})
    def show(self, request: Request) -> Response:
        """Tell what works now, and those who can settle it what to do; for a banner over every page."""
        told = tell_access(actor=self.actor, organization_id=current_organization().id)
        return self.answer(AccessOut, told)
