"""Routes of the invitations slice."""

from rest_framework.routers import SimpleRouter

from api.v1.invitations.views import InvitationViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("invitations", InvitationViewSet, basename="invitations")

urlpatterns = router.urls
