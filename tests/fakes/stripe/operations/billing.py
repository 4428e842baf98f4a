"""Invoices: previewed, read, paid, voided."""

from typing import Any

from tests.fakes.stripe import invoices, subscriptions
from tests.fakes.stripe.operations.changes import change_of
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/invoices/create_preview")
def preview_invoice(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    subscription = account.find("subscription", wanted.get("subscription"), "subscription")
    details = wanted.get("subscription_details", {})
    at = account.now(subscription["customer"])
    if "items" not in details:
        raise Refusal(400, "This server previews changes of items.", param="subscription_details[items]")
    wish = change_of(account, subscription, details["items"], details.get("proration_date", at))
    if wanted.get("preview_mode") == "recurring":
        wish.lines = [subscriptions.renewal_line(account, subscription, wish)]
    elif details.get("proration_behavior") == "none" and not wish.resets:
        wish.lines = []
    return invoices.build_invoice(
        account, subscription, wish.lines, reason="upcoming", at=at, identifier=account.new_id("invoice")
    )


@operation("get", "/v1/invoices/{invoice}")
def read_invoice(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("invoice", path["invoice"])


@operation("get", "/v1/invoices")
def list_invoices(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: wanted[name] for name in ("customer", "status") if name in wanted}
    rows = account.all("invoice", **chosen)
    if "created" in wanted:
        rows = [row for row in rows if row["created"] >= wanted["created"].get("gte", 0)]
    if "subscription" in wanted:
        rows = [
            row
            for row in rows
            if row["parent"]["subscription_details"]["subscription"] == wanted["subscription"]
        ]
    return page(rows, "/v1/invoices", wanted)


@operation("post", "/v1/invoices/{invoice}/pay")
def pay_invoice(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    invoice = account.find("invoice", path["invoice"])
    subscription = account.find("subscription", invoice["parent"]["subscription_details"]["subscription"])
    at = account.now(invoice["customer"])
    ledger = account.ledgers[subscription["id"]]
    if ledger.open_invoice == invoice["id"]:
        paid = subscriptions.settle_open(account, subscription, at=at)
    else:
        paid = invoices.pay(account, invoice, at=at)
    if not paid:
        raise Refusal(402, "Your card was declined.", kind="card_error", code="card_declined")
    return invoice


@operation("post", "/v1/invoices/{invoice}/void")
def void_invoice(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    invoice = account.find("invoice", path["invoice"])
    if invoice["status"] not in {"open", "uncollectible"}:
        raise Refusal(400, f"An invoice that is {invoice['status']} cannot be voided.")
    invoices.void(account, invoice, at=account.now(invoice["customer"]))
    return invoice


@operation("post", "/v1/invoices/{invoice}/mark_uncollectible")
def give_up_invoice(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    invoice = account.find("invoice", path["invoice"])
    if invoice["status"] != "open":
        raise Refusal(400, f"An invoice that is {invoice['status']} cannot be given up.")
    invoices.mark_uncollectible(account, invoice, at=account.now(invoice["customer"]))
    return invoice
