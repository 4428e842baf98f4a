"""Routes of the paths slice."""

from rest_framework.routers import SimpleRouter

from api.v1.paths.learner_views import MyPathViewSet
from api.v1.paths.views import PathEnrollmentViewSet, PathViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("paths", PathViewSet, basename="paths")
router.register("path-enrollments", PathEnrollmentViewSet, basename="path-enrollments")
router.register("my-paths", MyPathViewSet, basename="my-paths")

urlpatterns = router.urls
