"""Resources of a lesson."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.courses.editing import IF_MATCH_LESSON, DraftViewSet
from api.v1.courses.serializers import EditedOut
from api.v1.courses.serializers_content import AddResourceIn, ResourceOrderIn, UpdateResourceIn
from tenant_apps.courses.services.resources import (
    add_resource,
    delete_resource,
    order_resources,
    update_resource,
)


class ResourceViewSet(DraftViewSet):
    """Files and addresses beside a lesson or topic of a draft."""

    policies: ClassVar[dict[str, str]] = {
        "create": "courses.edit",
        "partial_update": "courses.edit",
        "destroy": "courses.edit",
        "order": "courses.edit",
    }

    @extend_schema(parameters=[IF_MATCH_LESSON], request=AddResourceIn, responses={201: EditedOut})
    def create(self, request: Request, version_id: uuid.UUID, lesson_id: uuid.UUID) -> Response:
        """Add a resource."""
        facts: Any = self.parsed(AddResourceIn)
        edited = add_resource(
            actor=self.actor,
            version_id=version_id,
            lesson_id=lesson_id,
            revision=self.claimed_if_match(),
            position=facts.pop("position", None),
            facts=facts,
        )
        location = f"/api/v1/versions/{version_id}/lessons/{lesson_id}"
        return self._edited(edited, status=201, location=location)

    @extend_schema(parameters=[IF_MATCH_LESSON], request=UpdateResourceIn, responses={200: EditedOut})
    def partial_update(
        self, request: Request, version_id: uuid.UUID, lesson_id: uuid.UUID, pk: uuid.UUID
    ) -> Response:
        """Change a resource."""
        facts: Any = self.parsed(UpdateResourceIn)
        edited = update_resource(
            actor=self.actor,
            version_id=version_id,
            lesson_id=lesson_id,
            resource_id=pk,
            revision=self.claimed_if_match(),
            facts=facts,
        )
        return self._edited(edited)

    @extend_schema(
        parameters=[IF_MATCH_LESSON], responses={204: OpenApiResponse(description="The resource is gone.")}
    )
    def destroy(
        self, request: Request, version_id: uuid.UUID, lesson_id: uuid.UUID, pk: uuid.UUID
    ) -> Response:
        """Take a resource away; its file stays in the library."""
        edited = delete_resource(
            actor=self.actor,
            version_id=version_id,
            lesson_id=lesson_id,
            resource_id=pk,
            revision=self.claimed_if_match(),
        )
        return self._gone(edited)

    @extend_schema(parameters=[IF_MATCH_LESSON], request=ResourceOrderIn, responses={200: EditedOut})
    @action(detail=False, methods=["put"])
    def order(self, request: Request, version_id: uuid.UUID, lesson_id: uuid.UUID) -> Response:
        """Put all resources of the lesson in order at once."""
        edited = order_resources(
            actor=self.actor,
            version_id=version_id,
            lesson_id=lesson_id,
            revision=self.claimed_if_match(),
            **self.parsed(ResourceOrderIn),
        )
        return self._edited(edited)
