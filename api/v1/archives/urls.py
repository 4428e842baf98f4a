"""Routes of the archives slice on an organization's host."""

from rest_framework.routers import SimpleRouter

from api.v1.archives.views import ArchiveViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("archives", ArchiveViewSet, basename="archives")

urlpatterns = router.urls
