"""Routes of the organizations slice on an organization's host: its own facts."""

from rest_framework.routers import SimpleRouter

from api.v1.organizations.views import OwnOrganizationViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("", OwnOrganizationViewSet, basename="organization")

urlpatterns = router.urls
