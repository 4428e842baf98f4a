"""Coupons and promotion codes."""

from decimal import Decimal
from typing import Any

from tests.fakes.stripe.operations.customers import merge_metadata
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/coupons")
def create_coupon(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    if ("percent_off" in wanted) == ("amount_off" in wanted):
        raise Refusal(400, "You must pass either percent_off or amount_off.", param="percent_off")
    identifier = wanted.get("id") or account.new_id("discount")[3:15].upper()
    if identifier in account.objects["coupon"]:
        raise Refusal(
            400, f"Coupon already exists: {identifier}.", code="resource_already_exists", param="id"
        )
    duration = wanted.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in wanted):
        raise Refusal(400, "duration_in_months goes with repeating.", param="duration_in_months")
    return account.add(
        "coupon",
        at=account.now(),
        identifier=identifier,
        amount_off=wanted.get("amount_off"),
        applies_to=wanted.get("applies_to"),
        currency=wanted.get("currency"),
        duration=duration,
        duration_in_months=wanted.get("duration_in_months"),
        max_redemptions=wanted.get("max_redemptions"),
        metadata=wanted.get("metadata", {}),
        name=wanted.get("name"),
        percent_off=Decimal(wanted["percent_off"]) if "percent_off" in wanted else None,
        redeem_by=wanted.get("redeem_by"),
        times_redeemed=0,
        valid=True,
    )


@operation("get", "/v1/coupons/{coupon}")
def read_coupon(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("coupon", path["coupon"])


@operation("post", "/v1/promotion_codes")
def create_promotion_code(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    coupon = account.find("coupon", wanted["promotion"].get("coupon"), "promotion[coupon]")
    code = wanted.get("code") or account.new_id("discount")[3:11].upper()
    if any(each["code"].lower() == code.lower() for each in account.all("promotion_code", active=True)):
        raise Refusal(400, f"An active promotion code {code} exists.", param="code")
    return account.add(
        "promotion_code",
        at=account.now(),
        active=wanted.get("active", True),
        code=code,
        max_redemptions=wanted.get("max_redemptions"),
        expires_at=wanted.get("expires_at"),
        metadata=wanted.get("metadata", {}),
        promotion={"type": "coupon", "coupon": coupon["id"]},
        restrictions={
            "first_time_transaction": wanted.get("restrictions", {}).get("first_time_transaction", False),
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        times_redeemed=0,
    )


@operation("get", "/v1/promotion_codes")
def list_promotion_codes(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: wanted[name] for name in ("code", "active") if name in wanted}
    return page(account.all("promotion_code", **chosen), "/v1/promotion_codes", wanted)


@operation("post", "/v1/promotion_codes/{promotion_code}")
def update_promotion_code(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    code = account.find("promotion_code", path["promotion_code"])
    code["active"] = wanted.get("active", code["active"])
    merge_metadata(code, wanted)
    return code


def promotion_works(account: Account, code: dict[str, Any], price: dict[str, Any], at: int) -> bool:
    """Tell whether a code lowers this price now: not over, not used up, of its product and currency."""
    coupon = account.find("coupon", code["promotion"]["coupon"])
    if code["expires_at"] is not None and code["expires_at"] <= at:
        return False
    if code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]:
        return False
    if coupon["applies_to"] and price["product"] not in coupon["applies_to"]["products"]:
        return False
    return coupon["currency"] in (None, price["currency"])
