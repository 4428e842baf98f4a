"""Routes of the learning slice."""

from rest_framework.routers import SimpleRouter

from api.v1.learning.views import MyCourseViewSet, MyLessonViewSet, RunProgressViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("my-courses", MyCourseViewSet, basename="my-courses")
router.register("my-courses/<uuid:enrollment_id>/lessons", MyLessonViewSet, basename="my-lessons")
router.register("runs/<uuid:run_id>/progress", RunProgressViewSet, basename="run-progress")

urlpatterns = router.urls
