"""Versions of courses and their content. Every edit of a draft names the revision it was made from."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.courses.editing import IF_MATCH, DraftViewSet
from api.v1.courses.serializers import (
    AddModuleIn,
    CopyVersionIn,
    EditedOut,
    OrderIn,
    UpdateModuleIn,
    VersionOut,
)
from api.v1.courses.serializers_content import (
    BulkIn,
    BulkOut,
    LearnerPreviewFilter,
    LearnerPreviewOut,
    ModuleTranslationIn,
    TranslationFilter,
)
from api.v1.courses.serializers_reviews import VersionPageOut
from api.v1.courses.serializers_rules import VersionRulesIn
from tenant_apps.courses.selectors.outline import read_version
from tenant_apps.courses.selectors.reviews import get_version_standing
from tenant_apps.courses.services.bulk import change_lessons
from tenant_apps.courses.services.drafts import copy_version, delete_draft
from tenant_apps.courses.services.duplicating import duplicate_module
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.structure import (
    ModuleOrder,
    add_module,
    delete_module,
    order_version,
    set_version_rules,
    update_module,
)
from tenant_apps.courses.services.translations import delete_module_translation, set_module_translation
from tenant_apps.learning.selectors.previews import preview_version


class VersionViewSet(DraftViewSet):
    """Versions."""

    policies: ClassVar[dict[str, str]] = {
        "retrieve": "courses.content",
        "destroy": "courses.edit",
        "publish": "courses.publish",
        "draft": "courses.edit",
        "order": "courses.edit",
        "rules": "courses.edit",
        "bulk": "courses.edit",
        "preview": "courses.content",
    }

    @extend_schema(responses={200: VersionPageOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a version with its whole content, and what the caller may do to it; the ETag is what edits
        send as If-Match."""
        return self._tree(pk)

    @extend_schema(parameters=[IF_MATCH], responses={204: OpenApiResponse(description="The draft is gone.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Throw a draft away."""
        delete_draft(actor=self.actor, version_id=pk, revision=self.claimed_if_match())
        return Response(status=204)

    @extend_schema(parameters=[IF_MATCH], request=None, responses={200: VersionPageOut})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: uuid.UUID) -> Response:
        """Publish a draft: from now on it never changes. Published again it stays as it is.

        Where the organization reviews courses, somebody must have approved the draft as it stands.
        """
        publish_version(actor=self.actor, version_id=pk, revision=self.claimed_if_match())
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
        order_version(actor=self.actor, version_id=pk, revision=self.claimed_if_match(), order=order)
        return self._tree(pk)

    @extend_schema(parameters=[IF_MATCH], request=VersionRulesIn, responses={200: EditedOut})
    @action(detail=True, methods=["put"])
    def rules(self, request: Request, pk: uuid.UUID) -> Response:
        """Say in which order lessons open and what completes the course; what is left out has its default."""
        rules = self.parsed(VersionRulesIn)
        edited = set_version_rules(
            actor=self.actor, version_id=pk, revision=self.claimed_if_match(), rules=rules
        )
        return self._edited(edited)

    @extend_schema(parameters=[IF_MATCH], request=BulkIn, responses={200: BulkOut})
    @action(detail=True, methods=["post"])
    def bulk(self, request: Request, pk: uuid.UUID) -> Response:
        """Do many acts on lessons in one step: all of them, or none with every refused act named by index."""
        acts: Any = self.parsed(BulkIn)["acts"]
        outcome = change_lessons(actor=self.actor, version_id=pk, revision=self.claimed_if_match(), acts=acts)
        return self.answer(BulkOut, outcome, headers={"ETag": f'"{outcome.revision}"'})

    @extend_schema(parameters=[LearnerPreviewFilter], responses={200: LearnerPreviewOut})
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: uuid.UUID) -> Response:
        """Show the tree as a learner would see it on a day of their attempt, with what is closed and why."""
        wanted = self.parsed_query(LearnerPreviewFilter)
        return self.answer(LearnerPreviewOut, preview_version(actor=self.actor, version_id=pk, **wanted))

    def _tree(self, version_id: uuid.UUID) -> Response:
        tree = read_version(actor=self.actor, version_id=version_id)
        page = (tree, get_version_standing(self.actor, version_id))
        return self.answer(VersionPageOut, page, headers={"ETag": f'"{tree.revision}"'})


class ModuleViewSet(DraftViewSet):
    """Modules of a draft."""

    policies: ClassVar[dict[str, str]] = {
        "create": "courses.edit",
        "partial_update": "courses.edit",
        "destroy": "courses.edit",
        "duplicate": "courses.edit",
        "translate": "courses.edit",
        "delete_translation": "courses.edit",
    }

    @extend_schema(parameters=[IF_MATCH], request=AddModuleIn, responses={201: EditedOut})
    def create(self, request: Request, version_id: uuid.UUID) -> Response:
        """Add a module."""
        facts = self.parsed(AddModuleIn)
        position = facts.pop("position", None)
        edited = add_module(
            actor=self.actor,
            version_id=version_id,
            revision=self.claimed_if_match(),
            facts=facts,  # type: ignore[arg-type]
            position=position,
        )
        return self._edited(edited, status=201, location=f"/api/v1/versions/{version_id}")

    @extend_schema(parameters=[IF_MATCH], request=UpdateModuleIn, responses={200: EditedOut})
    def partial_update(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Change a module."""
        facts: Any = self.parsed(UpdateModuleIn)
        edited = update_module(
            actor=self.actor,
            version_id=version_id,
            module_id=pk,
            revision=self.claimed_if_match(),
            facts=facts,
        )
        return self._edited(edited)

    @extend_schema(parameters=[IF_MATCH], responses={204: OpenApiResponse(description="The module is gone.")})
    def destroy(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Delete a module with its lessons."""
        edited = delete_module(
            actor=self.actor, version_id=version_id, module_id=pk, revision=self.claimed_if_match()
        )
        return self._gone(edited)

    @extend_schema(parameters=[IF_MATCH], request=None, responses={201: EditedOut})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Copy the module with everything in it, right behind it, as a module of its own."""
        edited = duplicate_module(
            actor=self.actor, version_id=version_id, module_id=pk, revision=self.claimed_if_match()
        )
        return self._edited(edited, status=201, location=f"/api/v1/versions/{version_id}")

    @extend_schema(parameters=[IF_MATCH], request=ModuleTranslationIn, responses={200: EditedOut})
    @action(detail=True, methods=["put"], url_path="translations", url_name="translations")
    def translate(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Say what the module is in another language, in the place of what was said before."""
        facts: Any = self.parsed(ModuleTranslationIn)
        edited = set_module_translation(
            actor=self.actor,
            version_id=version_id,
            module_id=pk,
            language=facts.pop("language"),
            revision=self.claimed_if_match(),
            facts=facts,
        )
        return self._edited(edited)

    @extend_schema(
        parameters=[IF_MATCH, TranslationFilter],
        responses={204: OpenApiResponse(description="The translation is gone.")},
    )
    @translate.mapping.delete
    def delete_translation(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Take a translation of the module away."""
        edited = delete_module_translation(
            actor=self.actor,
            version_id=version_id,
            module_id=pk,
            revision=self.claimed_if_match(),
            **self.parsed_query(TranslationFilter),
        )
        return self._gone(edited)
