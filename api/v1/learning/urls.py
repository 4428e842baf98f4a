"""Routes of the learning slice."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from api.v1.learning.views import MyCourseViewSet, MyLessonViewSet
from api.v1.learning.views_home import HomeViewSet
from api.v1.learning.views_marks import CourseMarkViewSet, LessonMarkViewSet, MyNoteViewSet
from api.v1.learning.views_moves import RunMoveViewSet
from api.v1.learning.views_reports import CourseReportViewSet, LessonReportViewSet
from api.v1.learning.views_roster import CourseLessonStatsViewSet, RunProgressViewSet
from api.v1.learning.views_why import (
    CourseWhyViewSet,
    EnrollmentLearningViewSet,
    MyCourseWhyViewSet,
    MyLessonWhyViewSet,
    RunWhyViewSet,
)

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("my-courses", MyCourseViewSet, basename="my-courses")
router.register("my-courses/<uuid:enrollment_id>/lessons", MyLessonViewSet, basename="my-lessons")
router.register("runs/<uuid:run_id>/progress", RunProgressViewSet, basename="run-progress")
router.register("my-courses/<uuid:enrollment_id>/lessons", LessonReportViewSet, basename="my-lesson-reports")
router.register("my-courses", CourseReportViewSet, basename="my-reports")
router.register(
    "my-courses/<uuid:enrollment_id>/lessons/<uuid:lesson_id>/marks",
    LessonMarkViewSet,
    basename="my-lesson-marks",
)
router.register("my-courses/<uuid:enrollment_id>/marks", CourseMarkViewSet, basename="my-course-marks")
router.register("my-notes", MyNoteViewSet, basename="my-notes")
router.register("courses", CourseLessonStatsViewSet, basename="courses-lessons")
router.register("runs/<uuid:run_id>/moves", RunMoveViewSet, basename="run-moves")
router.register("my-courses", MyCourseWhyViewSet, basename="my-course-access")
router.register("my-courses/<uuid:enrollment_id>/lessons", MyLessonWhyViewSet, basename="my-lesson-access")
router.register("enrollments", EnrollmentLearningViewSet, basename="enrollment-learning")
router.register("runs", RunWhyViewSet, basename="run-access")
router.register("courses", CourseWhyViewSet, basename="course-access")

urlpatterns = [path("home", HomeViewSet.as_view({"get": "show"}, basename="home"), name="home"), *router.urls]
