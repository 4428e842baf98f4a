"""Routes of the domains slice on the platform host: of any organization."""

from rest_framework.routers import SimpleRouter

from api.v1.domains.views import OrganizationDomainsViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register(
    "organizations/<uuid:organization_id>/domains",
    OrganizationDomainsViewSet,
    basename="organization-domains",
)

urlpatterns = router.urls
