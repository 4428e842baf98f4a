"""Routes of the subscriptions slice."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from api.v1.subscriptions.views import SubscriptionViewSet
from api.v1.subscriptions.views_billing import (
    InvoiceRefundViewSet,
    OrganizationBillingViewSet,
    RefundViewSet,
)
from api.v1.subscriptions.views_entitlements import OrganizationEntitlementsViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("subscriptions", SubscriptionViewSet, basename="subscriptions")
router.register("invoices/<uuid:invoice_id>/refunds", InvoiceRefundViewSet, basename="invoice-refunds")
router.register("refunds", RefundViewSet, basename="refunds")

urlpatterns = [
    *router.urls,
    path(
        "organizations/<uuid:pk>/billing",
        OrganizationBillingViewSet.as_view({"get": "show"}),
        name="organizations-billing",
    ),
    path(
        "organizations/<uuid:pk>/entitlements",
        OrganizationEntitlementsViewSet.as_view({"get": "show", "patch": "change"}),
        name="organizations-entitlements",
    ),
]
