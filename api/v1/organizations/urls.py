"""Routes of the organizations slice on the platform host."""

from rest_framework.routers import SimpleRouter

from api.v1.organizations.views import EntryViewSet, OrganizationViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("organizations", OrganizationViewSet, basename="organizations")
router.register("organizations/<uuid:organization_id>/entries", EntryViewSet, basename="organization-entries")

urlpatterns = router.urls
