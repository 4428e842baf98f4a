"""Learning paths for those who follow them."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.paths.serializers import CourseStartedOut, MyPathDetailOut, MyPathOut, SubmissionIn
from tenant_apps.paths.selectors.places import get_my_path, list_my_paths
from tenant_apps.paths.services.enrolling import pause_path, resume_path
from tenant_apps.paths.services.steps import start_course, submit_project


class MyPathViewSet(DomainViewSet):
    """The signed-in member's places on paths."""

    policies: ClassVar[dict[str, str]] = {
        "list": "paths.follow",
        "retrieve": "paths.follow",
        "pause": "paths.follow",
        "resume": "paths.follow",
        "start": "paths.follow",
        "submit": "paths.follow",
    }
    pagination_class = None  # type: ignore[assignment]  # nobody is on more paths than a page holds

    @extend_schema(responses={200: MyPathOut(many=True)})
    def list(self, request: Request) -> Response:
        """List your paths, newest first, each with its next deadline."""
        return self.answer(MyPathOut, list_my_paths(actor=self.actor), many=True)

    @extend_schema(responses={200: MyPathDetailOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one of your paths: each step with what is in its way and when it is due."""
        return self._place(pk)

    @extend_schema(request=None, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: uuid.UUID) -> Response:
        """Let your path rest; its deadlines stop until you resume it."""
        get_my_path(actor=self.actor, enrollment_id=pk)
        pause_path(actor=self.actor, enrollment_id=pk)
        return self._place(pk)

    @extend_schema(request=None, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: uuid.UUID) -> Response:
        """Go on; deadlines are later by the time the pause took."""
        get_my_path(actor=self.actor, enrollment_id=pk)
        resume_path(actor=self.actor, enrollment_id=pk)
        return self._place(pk)

    @extend_schema(request=None, responses={200: CourseStartedOut})
    @action(detail=True, methods=["post"], url_path="steps/<uuid:step_id>/start")
    def start(self, request: Request, pk: uuid.UUID, step_id: uuid.UUID) -> Response:
        """Begin the course of a step; a second time answers the same enrollment."""
        course_enrollment_id = start_course(actor=self.actor, enrollment_id=pk, step_id=step_id)
        return self.answer(CourseStartedOut, {"course_enrollment_id": course_enrollment_id})

    @extend_schema(request=SubmissionIn, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"], url_path="steps/<uuid:step_id>/submit")
    def submit(self, request: Request, pk: uuid.UUID, step_id: uuid.UUID) -> Response:
        """Hand a project in, or in again after it was sent back."""
        submit_project(actor=self.actor, enrollment_id=pk, step_id=step_id, **self.parsed(SubmissionIn))
        return self._place(pk)

    def _place(self, enrollment_id: uuid.UUID) -> Response:
        return self.answer(MyPathDetailOut, get_my_path(actor=self.actor, enrollment_id=enrollment_id))
