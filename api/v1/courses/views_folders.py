"""Courses as folders: out as a zip, in from one."""

import tempfile
import uuid
from typing import ClassVar

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.polling import POLL_SECONDS
from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers_folders import ImportCourseIn, ImportJobOut
from tenant_apps.courses.services.exporting import export_to_zip
from tenant_apps.courses.services.uploading import start_import


class VersionExportViewSet(DomainViewSet):
    """Versions as folders of texts and files."""

    policies: ClassVar[dict[str, str]] = {"export": "courses.edit"}

    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The zip.")
        }
    )
    @refuses(409)
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Download a version as a zip of its folder, which POST /courses/import reads back."""
        # No name on the disk, and closed with the answer; small ones stay in memory.
        spool = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
        try:
            done = export_to_zip(actor=self.actor, version_id=pk, sink=spool)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return FileResponse(
            spool,
            as_attachment=True,
            filename=f"{done.slug}-{done.number}.zip",
            content_type="application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
        )


class CourseImportViewSet(DomainViewSet):
    """Imports of courses."""

    policies: ClassVar[dict[str, str]] = {"create": "courses.create"}
    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={"multipart/form-data": ImportCourseIn},
        responses={
            202: OpenApiResponse(
                ImportJobOut,
                description="Started; Location names the job, Retry-After says how often to ask for it.",
            )
        },
    )
    def create(self, request: Request) -> Response:
        """Import a course from a zip of its folder: a new course, or a new draft of the one with its slug."""
        wanted = self.parsed(ImportCourseIn)
        upload = wanted["file"]
        job = start_import(actor=self.actor, stream=upload.file, size=upload.size, publish=wanted["publish"])
        headers = {"Location": f"/api/v1/jobs/{job.id}", "Retry-After": POLL_SECONDS}
        return self.answer(ImportJobOut, job, status=202, headers=headers)
