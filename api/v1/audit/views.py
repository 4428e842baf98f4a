"""The audit log: an organization's on its host, everything on the platform's."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.audit.serializers import AuditEventOut, AuditFilter
from shared_apps.audit.selectors.events import list_events


class AuditEventViewSet(DomainViewSet):
    """Read only: the log is written by what it tells about."""

    policies: ClassVar[dict[str, str]] = {"list": "audit.view"}

    @extend_schema(parameters=[AuditFilter], responses={200: AuditEventOut(many=True)})
    def list(self, request: Request) -> Response:
        """List events, newest first; refusals too."""
        wanted = self.parsed_query(AuditFilter)
        organization_id = wanted.pop("organization_id", None)
        return self.page(AuditEventOut, list_events(self.actor, organization_id=organization_id, **wanted))
