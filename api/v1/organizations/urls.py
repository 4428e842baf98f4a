"""Routes of the organizations slice on the platform host."""

from rest_framework.routers import SimpleRouter

from api.v1.organizations.views import OrganizationViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("organizations", OrganizationViewSet, basename="organizations")

urlpatterns = router.urls
