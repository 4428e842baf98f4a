"""What learners do.

The learner's own endpoints are asked all day by everybody: their selectors return the answer itself, which
goes out without a serializer in between.
"""

import uuid
from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.cursors import page_links, read_cursor
from api.v1.learning.serializers import (
    LanguageQuery,
    LessonCompletedOut,
    LessonOut,
    LibraryQuery,
    MyCoursePageOut,
    MyCourseTreeOut,
)
from tenant_apps.learning.selectors.home import Shelf, ShelfFilter, Sort, list_shelf
from tenant_apps.learning.selectors.library import get_my_course
from tenant_apps.learning.services.lessons import complete_lesson, open_lesson


class MyCourseViewSet(DomainViewSet):
    """The signed-in member's courses."""

    pagination_class = None  # type: ignore[assignment]  # its pages are made from the list's own cursors
    policies = {"list": "learning.learn", "retrieve": "learning.learn"}

    @extend_schema(parameters=[LibraryQuery], responses=MyCoursePageOut)
    def list(self, request: Request) -> Response:
        """List your courses, live and past, newest first unless sorted otherwise."""
        query = self.parsed_query(LibraryQuery)
        wanted = ShelfFilter(
            state=query.get("state", ""),
            shelf=Shelf(query["shelf"]) if "shelf" in query else None,
            search=query.get("search", ""),
            sort=Sort(query["sort"]),
        )
        page = list_shelf(
            actor=self.actor,
            wanted=wanted,
            limit=query["limit"],
            language=query.get("language", ""),
            **read_cursor(query.get("cursor")),
        )
        return Response({"results": page.courses, **page_links(request, page)})

    @extend_schema(parameters=[LanguageQuery], responses=MyCourseTreeOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one of your courses with its whole tree."""
        language = self.parsed_query(LanguageQuery).get("language", "")
        return Response(get_my_course(actor=self.actor, enrollment_id=pk, language=language))


class MyLessonViewSet(DomainViewSet):
    """Lessons of one of the signed-in member's courses."""

    policies = {"retrieve": "learning.learn", "complete": "learning.learn"}

    @extend_schema(parameters=[LanguageQuery], responses=LessonOut)
    def retrieve(self, request: Request, enrollment_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Open a lesson; it becomes the place where you left."""
        language = self.parsed_query(LanguageQuery).get("language", "")
        found = open_lesson(actor=self.actor, enrollment_id=enrollment_id, lesson_id=pk, language=language)
        return Response(found)

    @extend_schema(request=None, responses=LessonCompletedOut)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, enrollment_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Complete a lesson; a second time answers the same."""
        done = complete_lesson(actor=self.actor, enrollment_id=enrollment_id, lesson_id=pk)
        return Response(asdict(done))
