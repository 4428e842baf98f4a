"""Routes of the subscriptions slice."""

from rest_framework.routers import SimpleRouter

from api.v1.subscriptions.views import SubscriptionViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("subscriptions", SubscriptionViewSet, basename="subscriptions")

urlpatterns = router.urls
