"""What the plan allows, and how much of it is used."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_entitlements import EntitlementsOut
from billing.entitlements import COURSES, MEGABYTE, STORAGE_MB
from billing.selectors.entitlements import list_entitlements
from tenant_apps.courses.selectors.catalog import count_courses
from tenant_apps.media.selectors.files import sum_bytes
from tenants.context import current_organization


class EntitlementsViewSet(DomainViewSet):
    """Limits and features of the plan."""

    policies: ClassVar[dict[str, str]] = {"show": "billing.view"}

    @extend_schema(operation_id="billing_entitlements_show", responses={200: EntitlementsOut})
    def show(self, request: Request) -> Response:
        """List what plans can allow, what this one does, and how much of each limit is used."""
        used = {COURSES: count_courses(), STORAGE_MB: -(-sum_bytes() // MEGABYTE)}
        found = list_entitlements(actor=self.actor, organization_id=current_organization().id, used=used)
        return self.answer(EntitlementsOut, found)
