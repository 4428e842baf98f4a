"""Routes of the billing slice on an organization's host, part by part."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from api.v1.billing.views_access import AccessViewSet
from api.v1.billing.views_account import AccountViewSet, PortalSessionsViewSet, TaxIdsViewSet
from api.v1.billing.views_changes import ChangeViewSet, PreviewViewSet, SubscriptionActsViewSet
from api.v1.billing.views_checkouts import CheckoutsViewSet
from api.v1.billing.views_entitlements import EntitlementsViewSet
from api.v1.billing.views_invoices import InvoicesViewSet
from api.v1.billing.views_prices import PricesViewSet
from api.v1.billing.views_statements import LedgerViewSet, StatementsViewSet
from api.v1.billing.views_subscription import OwnSubscriptionViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("billing/previews", PreviewViewSet, basename="billing-previews")
router.register("billing/changes", ChangeViewSet, basename="billing-changes")
router.register("billing/subscription", SubscriptionActsViewSet, basename="billing-subscription-acts")
router.register("billing/checkouts", CheckoutsViewSet, basename="billing-checkouts")
router.register("billing/invoices", InvoicesViewSet, basename="billing-invoices")
router.register("billing/ledger", LedgerViewSet, basename="billing-ledger")
router.register("billing/statements", StatementsViewSet, basename="billing-statements")
router.register("billing/prices", PricesViewSet, basename="billing-prices")
router.register("billing/account/tax-ids", TaxIdsViewSet, basename="billing-tax-ids")
router.register("billing/portal-sessions", PortalSessionsViewSet, basename="billing-portal-sessions")

urlpatterns = [
    *router.urls,
    path(
        "billing/subscription",
        OwnSubscriptionViewSet.as_view({"get": "show"}, basename="billing-subscription"),
    ),
    path(
        "billing/account",
        AccountViewSet.as_view({"get": "show", "patch": "change"}, basename="billing-account"),
    ),
    path("billing/access", AccessViewSet.as_view({"get": "show"}), name="billing-access"),
    path(
        "billing/entitlements",
        EntitlementsViewSet.as_view({"get": "show"}),
        name="billing-entitlements",
    ),
]
