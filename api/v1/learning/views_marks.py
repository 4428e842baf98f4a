"""A learner's own bookmarks and notes."""

import uuid
from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.notes_file import CONTENT_TYPES, notes_lines
from api.v1.learning.serializers_marks import (
    ORDERS,
    MarkChangeIn,
    MarkExportQuery,
    MarkFilter,
    MarkIn,
    MarkOrder,
    MarkOut,
    NotesFileOut,
)
from tenant_apps.learning.enums import MarkKind
from tenant_apps.learning.selectors.marks import get_mark, list_course_marks, list_marks
from tenant_apps.learning.services.marks import create_mark, delete_mark, edit_mark
from tenants.context import current_organization


class LessonMarkViewSet(DomainViewSet):
    """Your marks in one lesson."""

    policies = {"list": "learning.learn", "create": "learning.learn"}

    @extend_schema(parameters=[MarkOrder], responses=MarkOut(many=True))
    def list(self, request: Request, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> Response:
        """List your bookmarks and notes in a lesson."""
        rows = list_course_marks(actor=self.actor, enrollment_id=enrollment_id, lesson_id=lesson_id)
        return self.page(MarkOut, rows, ordering=ORDERS[self.parsed_query(MarkOrder)["sort"]])

    @extend_schema(request=MarkIn, responses={201: MarkOut})
    def create(self, request: Request, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> Response:
        """Bookmark a place in a lesson, or write a note at it. Nobody else sees it."""
        wanted = self.parsed(MarkIn)
        mark = create_mark(
            actor=self.actor,
            enrollment_id=enrollment_id,
            lesson_id=lesson_id,
            kind=MarkKind(wanted.pop("kind")),
            **wanted,
        )
        headers = {"Location": f"/api/v1/my-notes/{mark['id']}"}
        return self.answer(MarkOut, mark, status=201, headers=headers)


class CourseMarkViewSet(DomainViewSet):
    """Your marks in one course."""

    policies = {"list": "learning.learn"}

    @extend_schema(parameters=[MarkOrder], responses=MarkOut(many=True))
    def list(self, request: Request, enrollment_id: uuid.UUID) -> Response:
        """List your bookmarks and notes in a course."""
        rows = list_course_marks(actor=self.actor, enrollment_id=enrollment_id)
        return self.page(MarkOut, rows, ordering=ORDERS[self.parsed_query(MarkOrder)["sort"]])


class MyNoteViewSet(DomainViewSet):
    """Your marks over all courses."""

    policies: ClassVar[dict[str, str]] = {
        "list": "learning.learn",
        "retrieve": "learning.learn",
        "partial_update": "learning.learn",
        "destroy": "learning.learn",
        "export": "learning.learn",
    }

    @extend_schema(parameters=[MarkFilter], responses=MarkOut(many=True))
    def list(self, request: Request) -> Response:
        """List your bookmarks and notes over all courses, those of past ones too."""
        wanted = self.parsed_query(MarkFilter)
        rows = list_marks(
            actor=self.actor,
            enrollment_id=wanted.get("enrollment_id"),
            course_id=wanted.get("course_id"),
            kind=wanted.get("kind", ""),
            colour=wanted.get("colour", ""),
            search=wanted.get("search", ""),
        )
        return self.page(MarkOut, rows, ordering=ORDERS[wanted["sort"]])

    @extend_schema(responses=MarkOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one of your bookmarks or notes."""
        return self.answer(MarkOut, get_mark(actor=self.actor, mark_id=pk))

    @extend_schema(request=MarkChangeIn, responses=MarkOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change place, colour or text; what is left out stays."""
        changes = self.parsed(MarkChangeIn)
        return self.answer(MarkOut, edit_mark(actor=self.actor, mark_id=pk, changes=changes))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete one of your bookmarks or notes."""
        delete_mark(actor=self.actor, mark_id=pk)
        return Response(status=204)

    @extend_schema(
        parameters=[MarkExportQuery],
        responses={
            (200, "application/json"): NotesFileOut,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="One line for each."),
            (200, "text/markdown"): OpenApiResponse(OpenApiTypes.STR, description="To read."),
        },
    )
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> StreamingHttpResponse:
        """Download all your bookmarks and notes, as JSON, CSV or Markdown.

        In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe.
        """
        form = self.parsed_query(MarkExportQuery)["form"]
        content_type, ending = CONTENT_TYPES[form]
        return StreamingHttpResponse(
            notes_lines(current_organization(), self.actor, form),
            content_type=content_type,
            headers={
                "Content-Disposition": f'attachment; filename="notes.{ending}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )
