"""Lessons of a version, their topics, translations and unsaved writing."""

import json
import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.courses.editing import IF_MATCH, IF_MATCH_LESSON, DraftViewSet
from api.v1.courses.serializers import AddLessonIn, AddTopicIn, EditedOut, LessonTreeOut, UpdateLessonIn
from api.v1.courses.serializers_content import (
    AutosavedOut,
    AutosaveIn,
    LessonTranslationIn,
    TopicOrderIn,
    TranslationFilter,
)
from tenant_apps.courses.selectors.outline import read_lesson
from tenant_apps.courses.services.autosave import drop_working_copy, keep_working_copy, read_working_copy
from tenant_apps.courses.services.duplicating import duplicate_lesson
from tenant_apps.courses.services.structure import (
    add_lesson,
    add_topic,
    delete_lesson,
    order_topics,
    update_lesson,
)
from tenant_apps.courses.services.translations import delete_lesson_translation, set_lesson_translation


class LessonViewSet(DraftViewSet):
    """Lessons and topics of a version."""

    policies: ClassVar[dict[str, str]] = {
        "create": "courses.edit",
        "retrieve": "courses.content",
        "partial_update": "courses.edit",
        "destroy": "courses.edit",
        "topics": "courses.edit",
        "topic_order": "courses.edit",
        "duplicate": "courses.edit",
        "translate": "courses.edit",
        "delete_translation": "courses.edit",
        "autosaved": "courses.edit",
        "autosave": "courses.edit",
        "discard_autosave": "courses.edit",
    }

    @extend_schema(parameters=[IF_MATCH], request=AddLessonIn, responses={201: EditedOut})
    def create(self, request: Request, version_id: uuid.UUID) -> Response:
        """Add a lesson."""
        facts: Any = self.parsed(AddLessonIn)
        module_id, position = facts.pop("module_id"), facts.pop("position", None)
        edited = add_lesson(
            actor=self.actor,
            version_id=version_id,
            revision=self.claimed_if_match(),
            module_id=module_id,
            facts=facts,
            position=position,
        )
        return self._edited(edited, status=201, location=_address(version_id, edited.id))

    @extend_schema(responses={200: LessonTreeOut})
    def retrieve(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Preview a lesson or topic as learners will see it; edits of it send its ETag as If-Match."""
        lesson = read_lesson(actor=self.actor, version_id=version_id, lesson_id=pk)
        return self.answer(LessonTreeOut, lesson, headers={"ETag": f'"lesson-{lesson.revision}"'})

    @extend_schema(parameters=[IF_MATCH_LESSON], request=UpdateLessonIn, responses={200: EditedOut})
    def partial_update(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Change a lesson or topic, or move a lesson to another module."""
        facts: Any = self.parsed(UpdateLessonIn)
        module_id = facts.pop("module_id", None)
        edited = update_lesson(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            revision=self.claimed_if_match(),
            facts=facts,
            module_id=module_id,
        )
        return self._edited(edited)

    @extend_schema(
        parameters=[IF_MATCH_LESSON], responses={204: OpenApiResponse(description="The lesson is gone.")}
    )
    def destroy(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Delete a lesson with its topics, or a topic."""
        edited = delete_lesson(
            actor=self.actor, version_id=version_id, lesson_id=pk, revision=self.claimed_if_match()
        )
        return self._gone(edited)

    @extend_schema(parameters=[IF_MATCH_LESSON], request=AddTopicIn, responses={201: EditedOut})
    @action(detail=True, methods=["post"])
    def topics(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Add a topic below the lesson. It is changed and deleted as a lesson, by its own id."""
        facts: Any = self.parsed(AddTopicIn)
        edited = add_topic(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            revision=self.claimed_if_match(),
            position=facts.pop("position", None),
            facts=facts,
        )
        return self._edited(edited, status=201, location=_address(version_id, edited.id))

    @extend_schema(parameters=[IF_MATCH_LESSON], request=TopicOrderIn, responses={200: EditedOut})
    @action(detail=True, methods=["put"], url_path="topics/order", url_name="topic-order")
    def topic_order(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Put all topics of the lesson in order at once."""
        edited = order_topics(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            revision=self.claimed_if_match(),
            **self.parsed(TopicOrderIn),
        )
        return self._edited(edited)

    @extend_schema(parameters=[IF_MATCH_LESSON], request=None, responses={201: EditedOut})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Copy the lesson with its topics and resources, right behind it, as a lesson of its own."""
        edited = duplicate_lesson(
            actor=self.actor, version_id=version_id, lesson_id=pk, revision=self.claimed_if_match()
        )
        return self._edited(edited, status=201, location=_address(version_id, edited.id))

    @extend_schema(parameters=[IF_MATCH_LESSON], request=LessonTranslationIn, responses={200: EditedOut})
    @action(detail=True, methods=["put"], url_path="translations", url_name="translations")
    def translate(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Say what the lesson is in another language, in the place of what was said before."""
        facts: Any = self.parsed(LessonTranslationIn)
        edited = set_lesson_translation(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            language=facts.pop("language"),
            revision=self.claimed_if_match(),
            facts=facts,
        )
        return self._edited(edited)

    @extend_schema(
        parameters=[IF_MATCH_LESSON, TranslationFilter],
        responses={204: OpenApiResponse(description="The translation is gone.")},
    )
    @translate.mapping.delete
    def delete_translation(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Take a translation of the lesson away."""
        edited = delete_lesson_translation(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            revision=self.claimed_if_match(),
            **self.parsed_query(TranslationFilter),
        )
        return self._gone(edited)

    @extend_schema(responses={200: AutosavedOut})
    @action(detail=True, methods=["get"], url_path="autosave", url_name="autosave")
    def autosaved(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Show what the caller was writing in the lesson and has not saved."""
        found = read_working_copy(actor=self.actor, version_id=version_id, lesson_id=pk)
        return self.answer(AutosavedOut, found)

    @extend_schema(request=AutosaveIn, responses={200: AutosavedOut})
    @autosaved.mapping.put
    def autosave(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Keep what the caller is writing. It changes nothing for anybody else, and saving the lesson ends
        it."""
        wanted = self.parsed(AutosaveIn)
        kept = keep_working_copy(
            actor=self.actor,
            version_id=version_id,
            lesson_id=pk,
            facts=json.loads(json.dumps(wanted["facts"], default=str)),
            based_on_revision=wanted.get("based_on_revision"),
        )
        return self.answer(AutosavedOut, kept)

    @extend_schema(responses={204: OpenApiResponse(description="Nothing is kept any more.")})
    @autosaved.mapping.delete
    def discard_autosave(self, request: Request, version_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Throw away what the caller was writing."""
        drop_working_copy(actor=self.actor, version_id=version_id, lesson_id=pk)
        return Response(status=204)


def _address(version_id: uuid.UUID, lesson_id: uuid.UUID) -> str:
    return f"/api/v1/versions/{version_id}/lessons/{lesson_id}"
