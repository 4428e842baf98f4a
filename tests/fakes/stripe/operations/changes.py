"""Subscriptions: made, read, changed, paused, ended."""

from typing import Any

from tests.fakes.stripe import subscriptions
from tests.fakes.stripe.operations.customers import merge_metadata
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/subscriptions")
def create_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", wanted["customer"], "customer")
    item = wanted["items"][0]
    mode = wanted.get("billing_mode", {}).get("type", "flexible")
    if mode != "flexible":
        raise Refusal(400, "This server knows flexible billing mode only.", param="billing_mode[type]")
    settings = wanted.get("trial_settings", {}).get("end_behavior", {})
    return subscriptions.start(
        account,
        subscriptions.Start(
            customer=customer["id"],
            price=account.find("price", item["price"], "items[0][price]"),
            quantity=item.get("quantity", 1),
            trial_days=wanted.get("trial_period_days", 0),
            automatic_tax=wanted.get("automatic_tax", {}).get("enabled", False),
            metadata=wanted.get("metadata"),
            discounts=redeem(account, wanted.get("discounts") or [], account.now(customer["id"])),
            missing_payment_method=settings.get("missing_payment_method", "create_invoice"),
        ),
        at=account.now(customer["id"]),
    )


def redeem(account: Account, wanted: list[dict[str, Any]], at: int) -> tuple[str, ...]:
    """Return the ids of new discounts for coupons or promotion codes.

    Raises:
        Refusal: it is over, used up or unknown.
    """
    made = []
    for place, each in enumerate(wanted):
        code = None
        if "promotion_code" in each:
            code = account.find(
                "promotion_code", each["promotion_code"], f"discounts[{place}][promotion_code]"
            )
        name = code["promotion"]["coupon"] if code else each.get("coupon")
        coupon = account.find("coupon", name, f"discounts[{place}][coupon]")
        for holder in [coupon, *([code] if code else [])]:
            most = holder["max_redemptions"]
            if most is not None and holder["times_redeemed"] >= most:
                raise Refusal(400, "This promotion code has been redeemed too often.", code="coupon_expired")
            holder["times_redeemed"] += 1
        months = coupon["duration_in_months"]
        made.append(
            account.add(
                "discount",
                at=at,
                start=at,
                end=subscriptions.months_after(at, months) if months else None,
                source={"type": "coupon", "coupon": coupon["id"]},
                promotion_code=code["id"] if code else None,
            )["id"]
        )
    return tuple(made)


@operation("get", "/v1/subscriptions/{subscription_exposed_id}")
def read_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("subscription", path["subscription_exposed_id"])


@operation("get", "/v1/subscriptions")
def list_subscriptions(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    rows = account.all("subscription", **({"customer": wanted["customer"]} if "customer" in wanted else {}))
    status = wanted.get("status")
    if status == "ended":
        rows = [row for row in rows if row["status"] in subscriptions.ENDED]
    elif status != "all":
        wanted_states = {status} if status else None
        rows = [
            row
            for row in rows
            if (row["status"] in wanted_states if wanted_states else row["status"] != "canceled")
        ]
    return page(rows, "/v1/subscriptions", wanted)


@operation("post", "/v1/subscriptions/{subscription_exposed_id}")
def update_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", path["subscription_exposed_id"])
    at = account.now(subscription["customer"])
    if subscription["status"] in subscriptions.ENDED:
        raise Refusal(404, f"No such subscription: {subscription['id']}", code="resource_missing")
    if "items" in wanted:
        wish = change_of(account, subscription, wanted["items"], wanted.get("proration_date", at))
        subscriptions.change(
            account,
            subscription,
            wish,
            proration_behavior=wanted.get("proration_behavior", "create_prorations"),
            payment_behavior=wanted.get("payment_behavior", "allow_incomplete"),
            at=at,
        )
    before = dict(subscription)
    end = subscriptions.item_of(subscription)["current_period_end"]
    if "cancel_at_period_end" in wanted:
        ending = wanted["cancel_at_period_end"]
        subscription.update(
            cancel_at_period_end=ending,
            cancel_at=end if ending else None,
            canceled_at=at if ending else None,
        )
    if "trial_end" in wanted and subscription["status"] == "trialing":
        until = at if wanted["trial_end"] == "now" else int(wanted["trial_end"])
        subscription["trial_end"] = until
        subscription["billing_cycle_anchor"] = until
        subscriptions.item_of(subscription)["current_period_end"] = until
        while subscriptions.advance(account, subscription, at=at) is not None:
            pass
    if wanted.get("discounts"):
        subscription["discounts"] = list(redeem(account, wanted["discounts"], at))
    if wanted.get("discounts") == "":
        subscription["discounts"] = []
    merge_metadata(subscription, wanted)
    if any(before.get(name) != subscription.get(name) for name in subscription):
        account.tell("customer.subscription.updated", subscription, at=at, before=before)
    return subscription


def change_of(
    account: Account, subscription: dict[str, Any], items: list[dict[str, Any]], date: int
) -> subscriptions.Change:
    """Return the change that the `items` of an update or a preview ask for."""
    item = subscriptions.item_of(subscription)
    wanted = items[0]
    if len(items) != 1 or wanted.get("id") != item["id"]:
        raise Refusal(400, f"No such subscription item: '{wanted.get('id')}'", param="items[0][id]")
    price = account.find("price", wanted["price"], "items[0][price]") if "price" in wanted else item["price"]
    if price["currency"] != subscription["currency"]:
        raise Refusal(400, "The price has another currency than the subscription.", param="items[0][price]")
    # Stripe sets the quantity back to 1 when a price changes and none is sent along.
    quantity = wanted.get("quantity", 1 if "price" in wanted else item["quantity"])
    if not 0 <= quantity <= 999_999:
        raise Refusal(400, "Invalid integer: quantity", param="items[0][quantity]")
    return subscriptions.plan_change(account, subscription, price, quantity, date=date)


@operation("delete", "/v1/subscriptions/{subscription_exposed_id}")
def cancel_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", path["subscription_exposed_id"])
    if subscription["status"] in subscriptions.ENDED:
        raise Refusal(404, f"No such subscription: {subscription['id']}", code="resource_missing")
    subscriptions.cancel(account, subscription, at=account.now(subscription["customer"]))
    return subscription


@operation("post", "/v1/subscriptions/{subscription}/pause")
def pause_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", path["subscription"])
    if subscription["status"] not in {"active", "trialing", "past_due"}:
        raise Refusal(400, f"A subscription that is {subscription['status']} cannot be paused.")
    at = account.now(subscription["customer"])
    subscriptions.pause(account, subscription, at=at, why="pause_requested")
    return subscription


@operation("post", "/v1/subscriptions/{subscription}/resume")
def resume_subscription(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", path["subscription"])
    subscriptions.resume(account, subscription, at=account.now(subscription["customer"]))
    return subscription
