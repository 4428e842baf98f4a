"""Routes of the audit slice."""

from rest_framework.routers import SimpleRouter

from api.v1.audit.views import AuditEventViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("audit-events", AuditEventViewSet, basename="audit")

urlpatterns = router.urls
