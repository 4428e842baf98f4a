"""Routes of the seats slice."""

from rest_framework.routers import SimpleRouter

from api.v1.seats.views import SeatViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("seats", SeatViewSet, basename="seats")

urlpatterns = router.urls
