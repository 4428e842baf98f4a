"""Routes of the jobs slice."""

from rest_framework.routers import SimpleRouter

from api.v1.jobs.views import JobViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("jobs", JobViewSet, basename="jobs")

urlpatterns = router.urls
