"""Routes of the plans slice."""

from rest_framework.routers import SimpleRouter

from api.v1.plans.views import PlanViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("plans", PlanViewSet, basename="plans")

urlpatterns = router.urls
