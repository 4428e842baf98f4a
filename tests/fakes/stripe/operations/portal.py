"""The customer portal: how it is set, and a customer's way in."""

from typing import Any

from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/billing_portal/configurations")
def create_configuration(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    at = account.now()
    return account.add(
        "billing_portal.configuration",
        at=at,
        active=True,
        business_profile={
            "headline": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
            **wanted.get("business_profile", {}),
        },
        features=_features(wanted["features"]),
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata=wanted.get("metadata", {}),
        updated=at,
    )


@operation("get", "/v1/billing_portal/configurations")
def list_configurations(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: wanted[name] for name in ("active", "is_default") if name in wanted}
    rows = account.all("billing_portal.configuration", **chosen)
    return page(rows, "/v1/billing_portal/configurations", wanted)


@operation("post", "/v1/billing_portal/sessions")
def create_portal_session(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", wanted.get("customer"), "customer")
    configuration = wanted.get("configuration")
    if configuration is None:
        raise Refusal(400, "No configuration provided and your account has no default.")
    account.find("billing_portal.configuration", configuration, "configuration")
    session = account.add(
        "billing_portal.session",
        at=account.now(customer["id"]),
        configuration=configuration,
        customer=customer["id"],
        return_url=wanted.get("return_url"),
        url="",
    )
    session["url"] = f"{account.base_url}/_pages/portal/{session['id']}"
    return session


def _features(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the features with what Stripe fills in: everything that is not named is off."""
    update = wanted.get("subscription_update", {})
    if update.get("enabled") and not update.get("products"):
        raise Refusal(400, "subscription_update needs products.", param="features[subscription_update]")
    cancel = wanted.get("subscription_cancel", {})
    reason = cancel.get("cancellation_reason", {})
    return {
        "customer_update": {
            "allowed_updates": wanted.get("customer_update", {}).get("allowed_updates") or [],
            "enabled": wanted.get("customer_update", {}).get("enabled", False),
        },
        "invoice_history": {"enabled": wanted.get("invoice_history", {}).get("enabled", False)},
        "payment_method_update": {
            "enabled": wanted.get("payment_method_update", {}).get("enabled", False),
            "payment_method_configuration": None,
        },
        "subscription_cancel": {
            "cancellation_reason": {
                "enabled": reason.get("enabled", False),
                "feedback_options": None,
                "options": reason.get("options") or [],
            },
            "enabled": cancel.get("enabled", False),
            "mode": cancel.get("mode", "at_period_end"),
            "proration_behavior": cancel.get("proration_behavior", "none"),
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": wanted.get("subscription_pause", {}).get("enabled", False),
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": update.get("default_allowed_updates") or [],
            "enabled": update.get("enabled", False),
            "products": update.get("products"),
            "proration_behavior": update.get("proration_behavior", "none"),
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }
