"""Routes of the files slice."""

from rest_framework.routers import SimpleRouter

from api.v1.files.views import FileViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("files", FileViewSet, basename="files")

urlpatterns = router.urls
