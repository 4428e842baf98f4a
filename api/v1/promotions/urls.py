"""Routes of the promotions slice."""

from rest_framework.routers import SimpleRouter

from api.v1.promotions.views import PromotionViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("promotions", PromotionViewSet, basename="promotions")

urlpatterns = router.urls
