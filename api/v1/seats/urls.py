"""Routes of the seats slice."""

from rest_framework.routers import SimpleRouter

from api.v1.seats.views import SeatViewSet
from api.v1.seats.views_acts import SeatActViewSet, SeatPolicyViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("seats/acts", SeatActViewSet, basename="seat_acts")
router.register("seats", SeatPolicyViewSet, basename="seat_policy")
router.register("seats", SeatViewSet, basename="seats")

urlpatterns = router.urls
