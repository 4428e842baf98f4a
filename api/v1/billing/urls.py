"""Routes of the billing slice on an organization's host, part by part."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from api.v1.billing.views_access import AccessViewSet
from api.v1.billing.views_entitlements import EntitlementsViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)

urlpatterns = [
    *router.urls,
    path("billing/access", AccessViewSet.as_view({"get": "show"}), name="billing-access"),
    path(
        "billing/entitlements",
        EntitlementsViewSet.as_view({"get": "show"}),
        name="billing-entitlements",
    ),
]
