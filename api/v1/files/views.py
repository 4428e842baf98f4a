"""Files of the organization: upload, library, links, download."""

import uuid
from typing import ClassVar

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.parsers import JSONParser
from api.core.viewsets import DomainViewSet
from api.v1.files.serializers import (
    DescribeFileIn,
    DownloadIn,
    DownloadLinkOut,
    FileFilter,
    FileOut,
    UploadFileIn,
)
from tenant_apps.media.selectors.files import get_file, list_files
from tenant_apps.media.services.describing import describe_file
from tenant_apps.media.services.links import get_link, open_download, open_view
from tenant_apps.media.services.storing import store_file


class FileViewSet(DomainViewSet):
    """Documents and pictures that lessons show."""

    policies: ClassVar[dict[str, str]] = {
        "list": "files.view",
        "create": "files.upload",
        "retrieve": "files.view",
        "partial_update": "files.upload",
        "link": "files.view",
        "download": "files.download",
        "view": "files.download",
    }

    def get_parsers(self) -> list[BaseParser]:
        """Take a form where a file is uploaded, JSON everywhere else."""
        uploads = getattr(self, "action_map", None) and self.action_map.get("post") == "create"
        return [MultiPartParser()] if uploads else [JSONParser()]

    @extend_schema(parameters=[FileFilter], responses={200: FileOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the files, newest first."""
        return self.page(FileOut, list_files(self.actor, **self.parsed_query(FileFilter)))

    @extend_schema(request={"multipart/form-data": UploadFileIn}, responses={201: FileOut})
    def create(self, request: Request) -> Response:
        """Upload a file. The same bytes under the same name answer with the file that is there."""
        upload = self.parsed(UploadFileIn)["file"]
        stored = store_file(actor=self.actor, name=upload.name, stream=upload)
        return self.answer(FileOut, stored, status=201, headers={"Location": f"/api/v1/files/{stored.id}"})

    @extend_schema(responses={200: FileOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one file."""
        return self.answer(FileOut, get_file(self.actor, pk))

    @extend_schema(request=DescribeFileIn, responses={200: FileOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Say what a file shows: its alternative text and its caption."""
        described = describe_file(actor=self.actor, file_id=pk, **self.parsed(DescribeFileIn))
        return self.answer(FileOut, described)

    @extend_schema(responses={200: DownloadLinkOut})
    @action(detail=True, methods=["get"])
    def link(self, request: Request, pk: uuid.UUID) -> Response:
        """Get an address for downloading, good for five minutes."""
        return self.answer(DownloadLinkOut, get_link(actor=self.actor, file_id=pk))

    @extend_schema(
        parameters=[DownloadIn],
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The bytes.")
        },
    )
    @action(detail=True, methods=["get"])
    def download(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Download by a signed address. The bytes always come as an attachment that no page can run."""
        wanted = self.parsed_query(DownloadIn)
        found = open_download(actor=self.actor, file_id=pk, signature=wanted["sig"])
        return FileResponse(
            found.stream,
            as_attachment=True,
            filename=found.file.name,
            content_type=found.file.content_type,
            headers={
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
            },
        )

    @extend_schema(
        parameters=[DownloadIn],
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The bytes.")
        },
    )
    @action(detail=True, methods=["get"])
    def view(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Look at a PDF or picture by a signed address, in the page; the address downloads nothing."""
        wanted = self.parsed_query(DownloadIn)
        found = open_view(actor=self.actor, file_id=pk, signature=wanted["sig"])
        return FileResponse(
            found.stream,
            as_attachment=False,
            filename=found.file.name,
            content_type=found.file.content_type,
            headers={
                "X-Content-Type-Options": "nosniff",
                # No sandbox: browsers show no PDF in one. The types that get here run no scripts of a page.
                "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
                "X-Frame-Options": "SAMEORIGIN",
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
            },
        )
