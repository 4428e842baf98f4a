"""Routes of the sign-ups slice, on the platform host."""

from rest_framework.routers import SimpleRouter

from api.v1.sign_ups.views import SignUpViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("sign-ups", SignUpViewSet, basename="sign-ups")

urlpatterns = router.urls
