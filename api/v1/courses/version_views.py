"""Versions of courses and their content. Every edit of a draft names the revision it was made from."""

import uuid
from typing import Any, ClassVar, Final

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet, PreconditionRequired
from api.v1.courses.serializers import (
    AddLessonIn,
    AddModuleIn,
    CopyVersionIn,
    EditedOut,
    LessonTreeOut,
    OrderIn,
    UpdateLessonIn,
    UpdateModuleIn,
    VersionOut,
)
from api.v1.courses.serializers_reviews import VersionPageOut
from tenant_apps.courses.selectors.outline import read_lesson, read_version
from tenant_apps.courses.selectors.reviews import get_version_standing
from tenant_apps.courses.services.drafts import copy_version, delete_draft
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.structure import (
    Edited,
    ModuleOrder,
    add_lesson,
    add_module,
    delete_lesson,
    delete_module,
    order_version,
    update_lesson,
    update_module,
)

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the version as read, such as "3"; * for whatever it is.',
)


class _DraftViewSet(DomainViewSet):
    """What the views of versions, modules and lessons share."""

    def _revision(self) -> str:
        """Return If-Match, "" without one: the service refuses that, once it knows that the draft exists."""
        try:
            return self.if_match()
        except PreconditionRequired:
            return ""

    def _edited(self, edited: Edited, *, status: int = 200, location: str = "") -> Response:
        headers = {"ETag": f'"{edited.revision}"'} | ({"Location": location} if location else {})
        return self.answer(EditedOut, edited, status=status, headers=headers)

    def _gone(self, edited: Edited) -> Response:
        return Response(status=204, headers={"ETag": f'"{edited.revision}"'})


class VersionViewSet(_DraftViewSet):
    """Versions."""

    policies: ClassVar[dict[str, str]] = {
        "retrieve": "courses.content",
        "destroy": "courses.edit",
        "publish": "courses.publish",
        "draft": "courses.edit",
        "order": "courses.edit",
    }

    @extend_schema(responses={200: VersionPageOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a version with its whole content, and what the caller may do to it; the ETag is what edits
        send as If-Match."""
        return self._tree(pk)

    @extend_schema(parameters=[IF_MATCH], responses={204: OpenApiResponse(description="The draft is gone.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Throw a draft away."""
        delete_draft(actor=self.actor, version_id=pk, revision=self._revision())
        return Response(status=204)

    @extend_schema(parameters=[IF_MATCH], request=None, responses={200: VersionPageOut})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: uuid.UUID) -> Response:
        """Publish a draft: from now on it never changes. Published again it stays as it is.

        Where the organization reviews courses, somebody must have approved the draft as it stands.
        """
        publish_version(actor=self.actor, version_id=pk, revision=self._revision())
        return self._tree(pk)

    @extend_schema(request=CopyVersionIn, responses={201: VersionOut})
    @action(detail=True, methods=["post"])
    def draft(self, request: Request, pk: uuid.UUID) -> Response:
        """Make a draft from this version."""
        draft = copy_version(actor=self.actor, version_id=pk, **self.parsed(CopyVersionIn))
        headers = {"Location": f"/api/v1/versions/{draft.id}", "ETag": f'"{draft.revision}"'}
        return self.answer(VersionOut, draft, status=201, headers=headers)

    @extend_schema(parameters=[IF_MATCH], request=OrderIn, responses={200: VersionPageOut})
    @action(detail=True, methods=["put"])
    def order(self, request: Request, pk: uuid.UUID) -> Response:
        """Put modules and lessons in order, all at once; lessons may change module."""
        wanted = self.parsed(OrderIn)["modules"]
        order = [ModuleOrder(module["id"], tuple(module["lesson_ids"])) for module in wanted]
        order_version(actor=self.actor, version_id=pk, revision=self._revision(), order=order)
        return self._tree(pk)

    def _tree(self, version_id: uuid.UUID) -> Response:
        tree = read_version(actor=self.actor, version_id=version_id)
        page = (tree, get_version_standing(self.actor, version_id))
        return self.answer(VersionPageOut, page, headers={"ETag": f'"{tree.revision}"'})


class ModuleViewSet(_DraftViewSet):
    """Modules of a draft."""

    policies: ClassVar[dict[str, str]] = {
        "create": "courses.edit",
        "partial_update": "courses.edit",
        "destroy": "courses.edit",
    }

    @extend_schema(parameters=[IF_MATCH], request=AddModuleIn, responses={201: EditedOut})
    def create(self, request: Request, version_id: uuid.UUID) -> Response:
        """Add a module."""
        facts = self.parsed(AddModuleIn)
        position = facts.pop("position", None)
        edited = add_module(
            actor=self.actor,
            version_id=version_id,
            revision=self._revision(),
            facts=facts,  # type: ignore[arg-type]
            position=position,
        )
        return self._edited(edited, status=201, location=f"/api/v1/versions/{version_id}")

    @extend_schema(parameters=[IF_MATCH], request=UpdateModuleIn, responses={200: EditedOut})
    def partial_update(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Change a module."""
        facts: Any = self.parsed(UpdateModuleIn)
        edited = update_module(
            actor=self.actor, version_id=version_id, module_id=pk, revision=self._revision(), facts=facts
        )
        return self._edited(edited)

    @extend_schema(parameters=[IF_MATCH], responses={204: OpenApiResponse(description="The module is gone.")})
    def destroy(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Delete a module with its lessons."""
        edited = delete_module(
            actor=self.actor, version_id=version_id, module_id=pk, revision=self._revision()
        )
        return self._gone(edited)


class LessonViewSet(_DraftViewSet):
    """Lessons of a version."""

    policies: ClassVar[dict[str, str]] = {
        "create": "courses.edit",
        "retrieve": "courses.content",
        "partial_update": "courses.edit",
        "destroy": "courses.edit",
    }

    @extend_schema(parameters=[IF_MATCH], request=AddLessonIn, responses={201: EditedOut})
    def create(self, request: Request, version_id: uuid.UUID) -> Response:
        """Add a lesson."""
        facts: Any = self.parsed(AddLessonIn)
        module_id, position = facts.pop("module_id"), facts.pop("position", None)
        edited = add_lesson(
            actor=self.actor,
            version_id=version_id,
            revision=self._revision(),
            module_id=module_id,
            facts=facts,
            position=position,
        )
        location = f"/api/v1/versions/{version_id}/lessons/{edited.id}"
        return self._edited(edited, status=201, location=location)

    @extend_schema(responses={200: LessonTreeOut})
    def retrieve(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Preview a lesson as learners will see it."""
        lesson = read_lesson(actor=self.actor, version_id=version_id, lesson_id=pk)
        return self.answer(LessonTreeOut, lesson)

    @extend_schema(parameters=[IF_MATCH], request=UpdateLessonIn, responses={200: EditedOut})
    def partial_update(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Change a lesson, or move it to another module."""
        facts: Any = self.parsed(UpdateLessonIn)
        module_id = facts.pop("module_id", None)
        edited = update_lesson(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            revision=self._revision(),
            facts=facts,
            module_id=module_id,
        )
        return self._edited(edited)

    @extend_schema(parameters=[IF_MATCH], responses={204: OpenApiResponse(description="The lesson is gone.")})
    def destroy(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Delete a lesson."""
        edited = delete_lesson(
            actor=self.actor, version_id=version_id, lesson_id=pk, revision=self._revision()
        )
        return self._gone(edited)
