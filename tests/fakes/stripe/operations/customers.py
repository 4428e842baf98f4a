"""Customers and their tax ids."""

import re
from typing import Any

from tests.fakes.stripe import subscriptions
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal, no_such

# What Stripe writes of the forms of some kinds; the others it takes as they are.
_FORMS = {
    "eu_vat": r"[A-Z]{2}[0-9A-Z+*]{2,12}",
    "gb_vat": r"(GB|XI)[0-9]{9}([0-9]{3})?",
    "in_gst": r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]{3}",
    "us_ein": r"[0-9]{2}-?[0-9]{7}",
    "za_vat": r"4[0-9]{9}",
}


@operation("post", "/v1/customers")
def create_customer(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    clock = wanted.get("test_clock")
    if clock:
        account.find("test_helpers.test_clock", clock, "test_clock")
    at = account.objects["test_helpers.test_clock"][clock]["frozen_time"] if clock else account.now()
    customer = account.add(
        "customer",
        at=at,
        address=_address(wanted.get("address")),
        balance=0,
        currency=None,
        email=wanted.get("email"),
        metadata=wanted.get("metadata", {}),
        name=wanted.get("name"),
        tax_exempt=wanted.get("tax_exempt", "none"),
        test_clock=clock,
        invoice_prefix="PAL",
        next_invoice_sequence=1,
    )
    for each in wanted.get("tax_id_data", []):
        _add_tax_id(account, customer["id"], each, at)
    account.tell("customer.created", customer, at=at)
    return customer


@operation("get", "/v1/customers/{customer}")
def read_customer(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    if customer.get("deleted"):
        return {"id": customer["id"], "object": "customer", "deleted": True}
    return customer


@operation("get", "/v1/customers")
def list_customers(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    rows = account.all("customer", **({"email": wanted["email"]} if "email" in wanted else {}))
    return page(rows, "/v1/customers", wanted)


@operation("post", "/v1/customers/{customer}")
def update_customer(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    for name in ("email", "name", "tax_exempt", "balance"):
        if name in wanted:
            customer[name] = wanted[name]
    if "address" in wanted:
        customer["address"] = _address(wanted["address"])
    merge_metadata(customer, wanted)
    account.tell("customer.updated", customer, at=account.now(customer["id"]))
    return customer


@operation("delete", "/v1/customers/{customer}")
def delete_customer(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    at = account.now(customer["id"])
    for subscription in account.all("subscription", customer=customer["id"]):
        if subscription["status"] not in subscriptions.ENDED:
            subscriptions.cancel(account, subscription, at=at)
    customer["deleted"] = True
    account.tell("customer.deleted", customer, at=at)
    return {"id": customer["id"], "object": "customer", "deleted": True}


@operation("get", "/v1/customers/{customer}/payment_methods")
def list_payment_methods(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    rows = []
    if customer["id"] in account.cards:
        rows = account.all("payment_method", customer=customer["id"]) or [
            account.add(
                "payment_method",
                at=account.now(customer["id"]),
                billing_details={},
                customer=customer["id"],
                metadata={},
                type="card",
            )
        ]
    return page(rows, f"/v1/customers/{customer['id']}/payment_methods", wanted)


@operation("post", "/v1/customers/{customer}/tax_ids")
def create_tax_id(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    at = account.now(customer["id"])
    made = _add_tax_id(account, customer["id"], wanted, at)
    account.tell("customer.tax_id.created", made, at=at)
    return made


@operation("get", "/v1/customers/{customer}/tax_ids")
def list_tax_ids(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", path["customer"])
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return page(account.all("tax_id", customer=customer["id"]), url, wanted)


@operation("delete", "/v1/customers/{customer}/tax_ids/{id}")
def delete_tax_id(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    row = account.find("tax_id", path["id"])
    del account.objects["tax_id"][row["id"]]
    account.tell("customer.tax_id.deleted", row, at=account.now(row["customer"]))
    return {"id": row["id"], "object": "tax_id", "deleted": True}


def _add_tax_id(account: Account, customer: str, wanted: dict[str, Any], at: int) -> dict[str, Any]:
    form = _FORMS.get(wanted["type"])
    if form and not re.fullmatch(form, wanted["value"]):
        raise Refusal(400, f"Invalid value for {wanted['type']}.", code="tax_id_invalid", param="value")
    return account.add(
        "tax_id",
        at=at,
        country=wanted["value"][:2] if wanted["type"] == "eu_vat" else None,
        customer=customer,
        type=wanted["type"],
        value=wanted["value"],
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )


def _address(wanted: Any) -> dict[str, Any] | None:
    if not wanted:
        return None
    names = ("city", "country", "line1", "line2", "postal_code", "state")
    return {name: wanted.get(name) for name in names}


def merge_metadata(row: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Set the keys that are sent, drop those sent empty; Stripe keeps the rest."""
    for name, value in (wanted.get("metadata") or {}).items():
        if value == "":
            row["metadata"].pop(name, None)
        else:
            row["metadata"][name] = value


# Stripe's own test cards, and how each behaves when it is charged.
_TEST_CARDS = {"pm_card_visa": "ok", "pm_card_chargeCustomerFail": "decline"}


@operation("post", "/v1/payment_methods/{payment_method}/attach")
def attach_payment_method(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    customer = account.find("customer", wanted.get("customer"), "customer")
    behavior = _TEST_CARDS.get(path["payment_method"])
    if behavior is None:
        raise no_such("payment_method", path["payment_method"])
    account.cards[customer["id"]] = behavior
    return account.add(
        "payment_method",
        at=account.now(customer["id"]),
        billing_details={},
        customer=customer["id"],
        metadata={},
        type="card",
    )
