"""Schedules: another quantity or price from the next period on."""

from typing import Any

from tests.fakes.stripe import subscriptions
from tests.fakes.stripe.operations.registry import operation
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/subscription_schedules")
def create_schedule(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", wanted.get("from_subscription"), "from_subscription")
    if subscription["schedule"]:
        raise Refusal(400, "The subscription has a schedule already.", param="from_subscription")
    item = subscriptions.item_of(subscription)
    begin, end = item["current_period_start"], item["current_period_end"]
    schedule = account.add(
        "subscription_schedule",
        at=account.now(subscription["customer"]),
        billing_mode={"type": "flexible", "flexible": None, "updated_at": None},
        current_phase={"start_date": begin, "end_date": end},
        customer=subscription["customer"],
        default_settings=_DEFAULTS,
        end_behavior="release",
        metadata={},
        pause_schedules=[],
        phases=[_phase(item["price"]["id"], item["quantity"], begin, end, subscription["currency"])],
        status="active",
        subscription=subscription["id"],
    )
    subscription["schedule"] = schedule["id"]
    return schedule


@operation("post", "/v1/subscription_schedules/{schedule}")
def update_schedule(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    schedule = account.find("subscription_schedule", path["schedule"])
    subscription = account.find("subscription", schedule["subscription"])
    if "phases" in wanted:
        item = subscriptions.item_of(subscription)
        begin, phases = item["current_period_start"], []
        for place, phase in enumerate(wanted["phases"]):
            each = phase["items"][0]
            price = account.find("price", each["price"], f"phases[{place}][items][0][price]")
            start = phase.get("start_date", begin)
            end = phase.get("end_date") or (
                item["current_period_end"] if place == 0 else subscriptions.period_after(price, start)
            )
            phases.append(_phase(price["id"], each.get("quantity", 1), start, end, subscription["currency"]))
            begin = end
        schedule["phases"] = phases
    schedule["end_behavior"] = wanted.get("end_behavior", schedule["end_behavior"])
    account.tell("subscription_schedule.updated", schedule, at=account.now(subscription["customer"]))
    return schedule


@operation("get", "/v1/subscription_schedules/{schedule}")
def read_schedule(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("subscription_schedule", path["schedule"])


@operation("post", "/v1/subscription_schedules/{schedule}/release")
def release_schedule(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    schedule = account.find("subscription_schedule", path["schedule"])
    if schedule["status"] != "active":
        raise Refusal(400, f"The schedule is {schedule['status']}.")
    subscription = account.find("subscription", schedule["subscription"])
    at = account.now(subscription["customer"])
    subscription["schedule"] = None
    schedule.update(
        status="released", released_at=at, released_subscription=subscription["id"], subscription=None
    )
    account.tell("subscription_schedule.released", schedule, at=at)
    return schedule


_DEFAULTS = {
    "application_fee_percent": None,
    "automatic_tax": None,
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "days_until_due": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self", "account": None},
    },
    "on_behalf_of": None,
    "transfer_data": None,
}


def _phase(price: str, quantity: int, start: int, end: int, currency: str) -> dict[str, Any]:
    item = {"price": price, "quantity": quantity, "discounts": [], "metadata": None, "plan": price}
    return {
        "add_invoice_items": [],
        "currency": currency,
        "discounts": [],
        "end_date": end,
        "items": [item],
        "metadata": None,
        "proration_behavior": "none",
        "start_date": start,
    }
