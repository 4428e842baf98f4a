"""Explanations of what is open and what is not, and what teachers do for one learner."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.serializers_why import (
    AccessWhyOut,
    ActQuery,
    AttemptDetailOut,
    AttemptQuery,
    AttemptsOut,
    LessonActQuery,
    RestartIn,
)
from tenant_apps.learning.selectors.attempts import get_attempt, list_attempts
from tenant_apps.learning.selectors.why import why_course, why_enrollment, why_my_course, why_run
from tenant_apps.learning.services.attempts import complete_course_by_hand, restart_enrollment


class MyCourseWhyViewSet(DomainViewSet):
    """Why one of your courses is open, or is not."""

    policies = {"why": "learning.learn"}

    @extend_schema(parameters=[ActQuery], responses=AccessWhyOut)
    @action(detail=True, methods=["get"])
    def why(self, request: Request, pk: uuid.UUID) -> Response:
        """Explain, link by link, why you can or cannot learn in the course now, and when that changes."""
        act = self.parsed_query(ActQuery)["act"]
        return self.answer(AccessWhyOut, why_my_course(actor=self.actor, enrollment_id=pk, act=act))


class MyLessonWhyViewSet(DomainViewSet):
    """Why a lesson is open, or is not."""

    policies = {"why": "learning.learn"}

    @extend_schema(parameters=[ActQuery], responses=AccessWhyOut)
    @action(detail=True, methods=["get"])
    def why(self, request: Request, enrollment_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Explain, link by link, why you can or cannot open or complete the lesson, and when that changes."""
        act = self.parsed_query(ActQuery)["act"]
        found = why_my_course(actor=self.actor, enrollment_id=enrollment_id, lesson_id=pk, act=act)
        return self.answer(AccessWhyOut, found)


class EnrollmentLearningViewSet(DomainViewSet):
    """What those who teach or manage somebody see and do of their learning."""

    policies = {
        "why": "learning.learn",
        "attempts": "learning.learn",
        "attempt": "learning.learn",
        "restart": "learning.teach",
        "complete": "learning.teach",
    }

    @extend_schema(parameters=[LessonActQuery], responses=AccessWhyOut)
    @action(detail=True, methods=["get"])
    def why(self, request: Request, pk: uuid.UUID) -> Response:
        """Explain why the learner can or cannot learn, or why you may not do something for them."""
        query = self.parsed_query(LessonActQuery)
        found = why_enrollment(
            actor=self.actor, enrollment_id=pk, lesson_id=query.get("lesson"), act=query["act"]
        )
        return self.answer(AccessWhyOut, found)

    @extend_schema(responses=AttemptsOut)
    @action(detail=True, methods=["get"])
    def attempts(self, request: Request, pk: uuid.UUID) -> Response:
        """List the attempts of the enrollment, newest first; your own as well."""
        return self.answer(AttemptsOut, {"attempts": list_attempts(actor=self.actor, enrollment_id=pk)})

    @extend_schema(parameters=[AttemptQuery], responses=AttemptDetailOut)
    @action(detail=True, methods=["get"], url_path="attempt-lessons")
    def attempt(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one attempt with what was done in it; once it has ended it is never changed."""
        number = self.parsed_query(AttemptQuery).get("number")
        found = get_attempt(actor=self.actor, enrollment_id=pk, number=number)
        return self.answer(AttemptDetailOut, found)

    @extend_schema(request=RestartIn, responses={201: AttemptDetailOut})
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: uuid.UUID) -> Response:
        """Let the learner begin again: a new attempt beside the old ones, which stay in every report."""
        number = restart_enrollment(actor=self.actor, enrollment_id=pk, **self.parsed(RestartIn))
        found = get_attempt(actor=self.actor, enrollment_id=pk, number=number)
        where = {"Location": f"/api/v1/enrollments/{pk}/attempt-lessons?number={number}"}
        return self.answer(AttemptDetailOut, found, status=201, headers=where)

    @extend_schema(request=None, responses=AttemptsOut)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: uuid.UUID) -> Response:
        """Say that the learner has completed a course whose rule leaves that to its instructors."""
        complete_course_by_hand(actor=self.actor, enrollment_id=pk)
        return self.answer(AttemptsOut, {"attempts": list_attempts(actor=self.actor, enrollment_id=pk)})


class RunWhyViewSet(DomainViewSet):
    """Why you can learn in a run, or cannot."""

    policies = {"why": "learning.learn"}

    @extend_schema(parameters=[ActQuery], responses=AccessWhyOut)
    @action(detail=True, methods=["get"])
    def why(self, request: Request, pk: uuid.UUID) -> Response:
        """Explain why you can or cannot learn here, come in (`act=join`), or do what a policy names."""
        act = self.parsed_query(ActQuery)["act"]
        return self.answer(AccessWhyOut, why_run(actor=self.actor, run_id=pk, act=act))


class CourseWhyViewSet(DomainViewSet):
    """Why you can learn a course, or cannot."""

    policies = {"why": "learning.learn"}

    @extend_schema(responses=AccessWhyOut)
    @action(detail=True, methods=["get"])
    def why(self, request: Request, pk: uuid.UUID) -> Response:
        """Explain why you can or cannot learn the course, by your newest enrollment in it."""
        return self.answer(AccessWhyOut, why_course(actor=self.actor, course_id=pk))
