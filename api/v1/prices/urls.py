"""Routes of the public price list."""

from rest_framework.routers import SimpleRouter

from api.v1.prices.views import PublicPricesViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("prices", PublicPricesViewSet, basename="prices")

urlpatterns = router.urls
