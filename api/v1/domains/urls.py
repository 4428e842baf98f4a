"""Routes of the domains slice on an organization's host."""

from rest_framework.routers import SimpleRouter

from api.v1.domains.views import DomainsViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("domains", DomainsViewSet, basename="domains")

urlpatterns = router.urls
