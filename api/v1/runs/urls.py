"""Routes of the runs slice."""

from rest_framework.routers import SimpleRouter

from api.v1.runs.views import EnrollmentViewSet, RunViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("runs", RunViewSet, basename="runs")
router.register("enrollments", EnrollmentViewSet, basename="enrollments")

urlpatterns = router.urls
