"""Routes of the cohorts slice."""

from rest_framework.routers import SimpleRouter

from api.v1.cohorts.views import CohortViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("cohorts", CohortViewSet, basename="cohorts")

urlpatterns = router.urls
