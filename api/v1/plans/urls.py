"""Routes of the plans slice."""

from rest_framework.routers import SimpleRouter

from api.v1.plans.views import PlanPriceViewSet, PlanViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("plans", PlanViewSet, basename="plans")
router.register("plans/<uuid:plan_id>/prices", PlanPriceViewSet, basename="plan-prices")

urlpatterns = router.urls
