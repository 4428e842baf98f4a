"""Routes of the members slice."""

from rest_framework.routers import SimpleRouter

from api.v1.members.views import MemberViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("members", MemberViewSet, basename="members")

urlpatterns = router.urls
