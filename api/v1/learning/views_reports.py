"""What players tell of watching."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.serializers_reports import ReportsIn, SingleReportIn, TakenOut, WatchedOut
from tenant_apps.learning.content.watching import Report
from tenant_apps.learning.services.reports import report_watching, report_watching_later


class LessonReportViewSet(DomainViewSet):
    """Reports about one lesson."""

    policies = {"send": "learning.learn"}

    @extend_schema(request=SingleReportIn, responses=WatchedOut)
    @action(detail=True, methods=["post"], url_path="report")
    def send(self, request: Request, enrollment_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Tell where you are in a lesson and how long you have watched it.

        Reports may come late, twice or out of order: an older one moves nothing back, and watched time never
        grows faster than the server's clock goes.
        """
        wanted = self.parsed(SingleReportIn)
        sent_at = wanted.pop("sent_at", None)
        report = Report(lesson_id=pk, **wanted)
        watched = report_watching(
            actor=self.actor, enrollment_id=enrollment_id, report=report, sent_at=sent_at
        )
        return self.answer(WatchedOut, watched)


class CourseReportViewSet(DomainViewSet):
    """Reports about the lessons of one course."""

    policies = {"send": "learning.learn"}

    @extend_schema(request=ReportsIn, responses=TakenOut)
    @action(detail=True, methods=["post"], url_path="reports")
    def send(self, request: Request, pk: uuid.UUID) -> Response:
        """Hand in up to 200 reports that were gathered offline, about any lessons of the course.

        Lessons that are not open, or no longer there, are named with the refusal's code; the others count.
        """
        wanted = self.parsed(ReportsIn)
        taken = report_watching_later(
            actor=self.actor,
            enrollment_id=pk,
            reports=[Report(**each) for each in wanted["reports"]],
            sent_at=wanted.get("sent_at"),
        )
        return self.answer(TakenOut, taken)
