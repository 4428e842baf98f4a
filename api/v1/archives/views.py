"""Exports of organizations: one's own on its host, any for operators on the platform host."""

import uuid
from typing import Any, ClassVar

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.polling import POLL_SECONDS
from api.core.viewsets import DomainViewSet
from api.v1.archives.serializers import (
    ArchiveDownloadIn,
    ArchiveFilter,
    ArchiveLinkOut,
    ArchiveOut,
    ExportIn,
    PlatformExportIn,
)
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.selectors.archives import get_archive, list_archives
from shared_apps.archives.services.exporting import request_export
from shared_apps.archives.services.links import make_archive_link, open_archive_download
from tenants.context import current_organization

_POLICIES = {
    "list": "archives.view",
    "create": "archives.export",
    "retrieve": "archives.view",
    "link": "archives.view",
    "download": "archives.download",
}


class ArchiveViewSet(DomainViewSet):
    """Archives of one's own organization: everything it holds, as one signed file."""

    policies: ClassVar[dict[str, str]] = _POLICIES

    @extend_schema(responses={200: ArchiveOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the organization's archives, newest first."""
        return self.page(ArchiveOut, list_archives(self.actor, organization_id=current_organization().id))

    @extend_schema(request=ExportIn, responses={202: ArchiveOut})
    def create(self, request: Request) -> Response:
        """Start an export. Ask for the archive at Location until its state is `ready`."""
        wanted = self.parsed(ExportIn)
        archive = request_export(
            actor=self.actor, organization_id=current_organization().id, reason=wanted["reason"]
        )
        return self._accepted(archive)

    @extend_schema(responses={200: ArchiveOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one archive. While it is written, Retry-After says how many seconds to wait."""
        archive = get_archive(self.actor, pk)
        is_open = archive.state == ArchiveState.BUILDING
        return self.answer(ArchiveOut, archive, headers={"Retry-After": POLL_SECONDS} if is_open else None)

    @extend_schema(responses={200: ArchiveLinkOut})
    @action(detail=True, methods=["get"])
    def link(self, request: Request, pk: uuid.UUID) -> Response:
        """Get an address for downloading, good for five minutes; the audit log keeps who asked."""
        return self.answer(ArchiveLinkOut, make_archive_link(actor=self.actor, archive_id=pk))

    @extend_schema(
        parameters=[ArchiveDownloadIn],
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The bytes.")
        },
    )
    @action(detail=True, methods=["get"])
    def download(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Download by a signed address."""
        wanted = self.parsed_query(ArchiveDownloadIn)
        found = open_archive_download(actor=self.actor, archive_id=pk, signature=wanted["sig"])
        return FileResponse(
            found.stream,
            as_attachment=True,
            filename=found.name,
            content_type="application/zstd",
            headers={
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
            },
        )

    def _accepted(self, archive: Any) -> Response:
        headers = {"Location": f"/api/v1/archives/{archive.id}", "Retry-After": POLL_SECONDS}
        return self.answer(ArchiveOut, archive, status=202, headers=headers)


class PlatformArchiveViewSet(ArchiveViewSet):
    """Archives of every organization."""

    policies: ClassVar[dict[str, str]] = _POLICIES

    @extend_schema(parameters=[ArchiveFilter], responses={200: ArchiveOut(many=True)})
    def list(self, request: Request) -> Response:
        """List archives, newest first."""
        wanted = self.parsed_query(ArchiveFilter)
        return self.page(ArchiveOut, list_archives(self.actor, organization_id=wanted.get("organization_id")))

    @extend_schema(request=PlatformExportIn, responses={202: ArchiveOut})
    def create(self, request: Request) -> Response:
        """Start an export of an organization, whatever its state. Ask for the archive at Location."""
        return self._accepted(request_export(actor=self.actor, **self.parsed(PlatformExportIn)))
