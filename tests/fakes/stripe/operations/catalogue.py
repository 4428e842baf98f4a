"""Products and prices."""

from typing import Any

from tests.fakes.stripe.operations.customers import merge_metadata
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/products")
def create_product(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    identifier = wanted.get("id")
    if identifier in account.objects["product"]:
        raise Refusal(
            400, f"Product already exists: {identifier}.", code="resource_already_exists", param="id"
        )
    at = account.now()
    product = account.add(
        "product",
        at=at,
        identifier=identifier,
        active=wanted.get("active", True),
        description=wanted.get("description"),
        images=[],
        marketing_features=[],
        metadata=wanted.get("metadata", {}),
        name=wanted["name"],
        tax_code=wanted.get("tax_code"),
        type="service",
        updated=at,
    )
    account.tell("product.created", product, at=at)
    return product


@operation("get", "/v1/products/{id}")
def read_product(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("product", path["id"])


@operation("get", "/v1/products")
def list_products(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return page(account.all("product", **_active(wanted)), "/v1/products", wanted)


@operation("post", "/v1/products/{id}")
def update_product(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    product = account.find("product", path["id"])
    for name in ("active", "name", "description", "tax_code"):
        if name in wanted:
            product[name] = wanted[name]
    merge_metadata(product, wanted)
    product["updated"] = account.now()
    account.tell("product.updated", product, at=account.now())
    return product


@operation("post", "/v1/prices")
def create_price(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    account.find("product", wanted.get("product"), "product")
    amount = wanted.get("unit_amount")
    if amount is None or amount < 0:
        raise Refusal(400, "Invalid integer: unit_amount", param="unit_amount")
    lookup = wanted.get("lookup_key")
    if lookup:
        for other in account.all("price", lookup_key=lookup):
            if not wanted.get("transfer_lookup_key"):
                raise Refusal(400, f"A price already uses the lookup key {lookup}.", param="lookup_key")
            other["lookup_key"] = None
    recurring = wanted.get("recurring")
    price = account.add(
        "price",
        at=account.now(),
        active=wanted.get("active", True),
        billing_scheme="per_unit",
        currency=wanted["currency"],
        lookup_key=lookup,
        metadata=wanted.get("metadata", {}),
        nickname=wanted.get("nickname"),
        product=wanted["product"],
        recurring=recurring
        and {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        tax_behavior=wanted.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    account.tell("price.created", price, at=account.now())
    return price


@operation("get", "/v1/prices/{price}")
def read_price(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("price", path["price"])


@operation("get", "/v1/prices")
def list_prices(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    rows = account.all("price", **_active(wanted))
    if "product" in wanted:
        rows = [row for row in rows if row["product"] == wanted["product"]]
    if "lookup_keys" in wanted:
        rows = [row for row in rows if row["lookup_key"] in wanted["lookup_keys"]]
    return page(rows, "/v1/prices", wanted)


@operation("post", "/v1/prices/{price}")
def update_price(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    price = account.find("price", path["price"])
    for name in ("active", "nickname", "tax_behavior"):
        if name in wanted:
            price[name] = wanted[name]
    merge_metadata(price, wanted)
    account.tell("price.updated", price, at=account.now())
    return price


def _active(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"active": wanted["active"]} if "active" in wanted else {}
