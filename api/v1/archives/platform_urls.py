"""Routes of the archives slice on the platform host."""

from rest_framework.routers import SimpleRouter

from api.v1.archives.views import PlatformArchiveViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("archives", PlatformArchiveViewSet, basename="archives")

urlpatterns = router.urls
