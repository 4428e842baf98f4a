"""The operator console's looks and its sidebar."""

from django.urls import reverse_lazy


def _page(title: str, icon: str, route: str) -> dict[str, object]:
    """Return one entry of the console's sidebar; addresses are known only once the routes are loaded."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{route}")}


UNFOLD = {
    "SITE_TITLE": "Palaestra operator console",
    "SITE_HEADER": "Palaestra",
    "SITE_SUBHEADER": "Operator console",
    "SITE_SYMBOL": "school",
    "SHOW_HISTORY": False,
    "ENVIRONMENT": "config.console.environment_label",
    "DASHBOARD_CALLBACK": "config.console.overview",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Customers",
                "items": [
                    _page("Overview", "dashboard", "index"),
                    _page("Organizations", "domain", "tenants_organization_changelist"),
                    _page("Sign-ups", "person_add", "onboarding_signup_changelist"),
                    _page("Hosts", "language", "tenants_domain_changelist"),
                    _page("Custom domains", "dns", "tenants_domainclaim_changelist"),
                    _page("Released names", "history", "tenants_releasedname_changelist"),
                    _page("Archives", "archive", "archives_archive_changelist"),
                    _page("Offboarding", "logout", "onboarding_offboarding_changelist"),
                    _page("Deletion receipts", "verified", "onboarding_deletionreceipt_changelist"),
                ],
            },
            {
                "title": "Billing",
                "items": [
                    _page("Plans", "sell", "billing_plan_changelist"),
                    _page("Subscriptions", "receipt_long", "billing_subscription_changelist"),
                    _page("Invoices", "receipt", "billing_subscriptioninvoice_changelist"),
                    _page("Refunds", "undo", "billing_refund_changelist"),
                    _page("Checkouts", "shopping_cart", "billing_checkout_changelist"),
                    _page("Changes", "published_with_changes", "billing_subscriptionchange_changelist"),
                    _page("Prices", "payments", "billing_planprice_changelist"),
                    _page("Promotions", "percent", "billing_promotion_changelist"),
                    _page("Seats", "chair", "billing_seatassignment_changelist"),
                    _page("Gateway inbox", "inbox", "billing_gatewayevent_changelist"),
                    _page("Gateway drifts", "difference", "billing_drift_changelist"),
                ],
            },
            {
                "title": "People",
                "items": [
                    _page("Users", "person", "accounts_user_changelist"),
                    _page("Memberships", "badge", "accounts_membership_changelist"),
                ],
            },
            {
                "title": "Operations",
                "items": [
                    _page("Audit log", "policy", "audit_auditevent_changelist"),
                    _page("Support entries", "visibility", "onboarding_supportentry_changelist"),
                    _page("Outbox", "outgoing_mail", "outbox_outboxmessage_changelist"),
                    _page("Jobs", "work_history", "jobs_job_changelist"),
                    _page("Usage", "monitoring", "usage_dailyusage_changelist"),
                    _page("Schema pool", "database", "tenants_tenantschema_changelist"),
                    _page("Migrations", "upgrade", "tenants_migrationrun_changelist"),
                ],
            },
        ],
    },
}
