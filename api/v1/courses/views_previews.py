"""Free previews of a course."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers_content import FreePreviewListOut, FreePreviewOut
from tenant_apps.courses.selectors.previews import list_previews, read_preview


class PreviewViewSet(DomainViewSet):
    """Lessons that every member may read without enrollment."""

    policies: ClassVar[dict[str, str]] = {"list": "courses.view", "retrieve": "courses.view"}

    @extend_schema(responses={200: FreePreviewListOut(many=True)})
    def list(self, request: Request, course_id: uuid.UUID) -> Response:
        """List the free previews of the course's current version."""
        return self.page(
            FreePreviewListOut, list_previews(actor=self.actor, course_id=course_id), ordering="id"
        )

    @extend_schema(responses={200: FreePreviewOut})
    def retrieve(self, request: Request, course_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Read a free preview. No other lesson can be read without enrollment."""
        return self.answer(FreePreviewOut, read_preview(actor=self.actor, course_id=course_id, lesson_id=pk))
