"""How far everybody in a run is: the roster, lesson by lesson, as a table; and lessons over all runs."""

import uuid
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.pagination import PageByCursor
from api.core.viewsets import DomainViewSet
from api.v1.learning.progress_file import progress_lines
from api.v1.learning.serializers_roster import (
    ORDERS,
    CourseLessonStatsOut,
    LearnerRowOut,
    MatrixColumnOut,
    MatrixPageOut,
    MatrixQuery,
    MatrixRowOut,
    RosterQuery,
    RunLessonsOut,
    SortedRosterQuery,
)
from tenant_apps.learning.selectors.report import cells_of, columns_of, lesson_stats, lessons_of_run
from tenant_apps.learning.selectors.roster import Roster, RosterFilter, get_roster
from tenants.context import current_organization


class RunProgressViewSet(DomainViewSet):
    """Progress in a run. A manager sees own reports, whoever teaches the run and admins everybody."""

    policies: ClassVar[dict[str, str]] = {
        "list": "runs.roster",
        "lessons": "runs.roster",
        "matrix": "runs.roster",
        "file": "runs.roster",
    }

    @extend_schema(parameters=[SortedRosterQuery], responses=LearnerRowOut(many=True))
    def list(self, request: Request, run_id: uuid.UUID) -> Response:
        """List how far everybody in the run is, and what is due next."""
        roster, pages, rows = _page(self, run_id)
        return pages.get_paginated_response(LearnerRowOut(roster.finished(rows), many=True).data)

    @extend_schema(responses=RunLessonsOut)
    @action(detail=False, methods=["get"])
    def lessons(self, request: Request, run_id: uuid.UUID) -> Response:
        """Count, lesson by lesson, who opened and completed it, and how often it was viewed."""
        return self.answer(RunLessonsOut, lessons_of_run(actor=self.actor, run_id=run_id))

    @extend_schema(parameters=[MatrixQuery], responses=MatrixPageOut)
    @action(detail=False, methods=["get"])
    def matrix(self, request: Request, run_id: uuid.UUID) -> Response:
        """Report learners by lessons: when each learner of the page completed each lesson."""
        roster, pages, rows = _page(self, run_id)
        found = pages.get_paginated_response(MatrixRowOut(cells_of(roster, rows), many=True).data)
        columns = MatrixColumnOut(columns_of(roster.outline), many=True).data
        found.data = {"lessons": columns, **found.data}
        return found

    @extend_schema(
        parameters=[RosterQuery],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="One line for each learner.")
        },
    )
    @action(detail=False, methods=["get"], url_path="report.csv")
    def file(self, request: Request, run_id: uuid.UUID) -> StreamingHttpResponse:
        """Download learners by lessons as CSV, of any length.

        Cells that a spreadsheet would take for a formula begin with an apostrophe.
        """
        wanted = _wanted(request, RosterQuery)
        get_roster(actor=self.actor, run_id=run_id, wanted=wanted)  # refuse before the first byte is sent
        return StreamingHttpResponse(
            progress_lines(current_organization(), self.actor, run_id, wanted),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="progress-{run_id}.csv"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )


def _wanted(request: Request, serializer: type[RosterQuery]) -> RosterFilter:
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    return query.as_filter()


def _page(view: RunProgressViewSet, run_id: uuid.UUID) -> tuple[Roster, PageByCursor, list[dict[str, Any]]]:
    """Return the roster, and the rows of the page that is asked for."""
    sort = view.parsed_query(SortedRosterQuery)["sort"]
    roster = get_roster(actor=view.actor, run_id=run_id, wanted=_wanted(view.request, SortedRosterQuery))
    pages = PageByCursor()
    pages.ordering = ORDERS[sort]
    return roster, pages, pages.paginate_queryset(roster.rows, view.request, view=view) or []


class CourseLessonStatsViewSet(DomainViewSet):
    """How the lessons of a course do."""

    policies = {"lesson_stats": "courses.edit"}
    pagination_class = None  # type: ignore[assignment]  # all lessons of one course

    @extend_schema(responses=CourseLessonStatsOut)
    @action(detail=True, methods=["get"], url_path="lesson-stats")
    def lesson_stats(self, request: Request, pk: uuid.UUID) -> Response:
        """Count views and completions of every lesson of the course, over all runs, versions and attempts."""
        return self.answer(CourseLessonStatsOut, {"lessons": lesson_stats(actor=self.actor, course_id=pk)})
