"""What changed between two versions."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers_diff import BodyDiffOut, DiffFilter, VersionDiffOut
from tenant_apps.courses.selectors.diff import read_body_diff, read_diff


class DiffViewSet(DomainViewSet):
    """Differences between any two versions of one course."""

    policies: ClassVar[dict[str, str]] = {"retrieve": "courses.content", "lesson": "courses.content"}

    @extend_schema(parameters=[DiffFilter], responses={200: VersionDiffOut})
    def retrieve(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Tell what changed from the first version named to the second, module by module."""
        wanted = self.parsed_query(DiffFilter)
        diff = read_diff(actor=self.actor, before_id=version_id, after_id=pk, **wanted)
        return self.answer(VersionDiffOut, diff)

    @extend_schema(responses={200: BodyDiffOut})
    @action(detail=True, methods=["get"], url_path="lessons/<uuid:lineage>", url_name="lesson")
    def lesson(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID, lineage: uuid.UUID) -> Response:
        """Tell which lines differ in the text of one lesson or topic."""
        diff = read_body_diff(actor=self.actor, before_id=version_id, after_id=pk, lineage=lineage)
        return self.answer(BodyDiffOut, diff)
