"""Routes of the gateway slice."""

from rest_framework.routers import SimpleRouter

from api.v1.gateway.views import DriftViewSet, GatewayEventViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("gateway-events", GatewayEventViewSet, basename="gateway-events")
router.register("drifts", DriftViewSet, basename="drifts")

urlpatterns = router.urls
