"""Routes of the learning slice."""

from rest_framework.routers import SimpleRouter

from api.v1.learning.views import MyCourseViewSet, MyLessonViewSet, RunProgressViewSet
from api.v1.learning.views_reports import CourseReportViewSet, LessonReportViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("my-courses", MyCourseViewSet, basename="my-courses")
router.register("my-courses/<uuid:enrollment_id>/lessons", MyLessonViewSet, basename="my-lessons")
router.register("runs/<uuid:run_id>/progress", RunProgressViewSet, basename="run-progress")
router.register(
    "my-courses/<uuid:enrollment_id>/lessons", LessonReportViewSet, basename="my-lesson-reports"
)
router.register("my-courses", CourseReportViewSet, basename="my-reports")

urlpatterns = router.urls
