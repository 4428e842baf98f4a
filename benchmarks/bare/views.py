"""The one view: three queries, a nested serializer."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.bare.models import Course, Enrollment, Learner


class CourseOut(serializers.ModelSerializer[Course]):
    """The course of an enrollment."""

    class Meta:
        model = Course
        fields = ("id", "title", "summary", "lesson_count")


class EnrollmentOut(serializers.ModelSerializer[Enrollment]):
    """One enrollment with its course."""

    course = CourseOut()

    class Meta:
        model = Enrollment
        fields = ("id", "completed_count", "started_at", "course")


class LearnerOut(serializers.ModelSerializer[Learner]):
    """A learner with everything below."""

    enrollments = EnrollmentOut(many=True)

    class Meta:
        model = Learner
        fields = ("id", "name", "enrollments")


class LearnerView(APIView):
    """Answer a learner with enrollments and courses."""

    def get(self, request: Request, learner_id: int, *args: Any, **kwargs: Any) -> Response:
        """Return the learner: one query each for learner, enrollments and courses."""
        learner = get_object_or_404(
            Learner.objects.prefetch_related("enrollments", "enrollments__course"), pk=learner_id
        )
        return Response(LearnerOut(learner).data)
