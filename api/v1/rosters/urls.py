"""Routes of the rosters slice."""

from rest_framework.routers import SimpleRouter

from api.v1.rosters.views import RosterViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("rosters", RosterViewSet, basename="rosters")

urlpatterns = router.urls
