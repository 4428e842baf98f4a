"""Refunds, events and test clocks."""

from typing import Any

from tests.fakes.stripe import subscriptions
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.state import Account, Refusal


@operation("post", "/v1/refunds")
def create_refund(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    intent = account.find("payment_intent", wanted.get("payment_intent"), "payment_intent")
    before = sum(
        row["amount"]
        for row in account.all("refund", payment_intent=intent["id"])
        if row["status"] not in {"failed", "canceled"}
    )
    amount = wanted.get("amount", intent["amount_received"] - before)
    if amount <= 0 or before + amount > intent["amount_received"]:
        raise Refusal(
            400,
            "The refund is more than what is left of the payment.",
            param="amount",
            code="charge_already_refunded",
        )
    at = account.now(intent["customer"])
    refund = account.add(
        "refund",
        at=at,
        amount=amount,
        currency=intent["currency"],
        metadata=wanted.get("metadata", {}),
        payment_intent=intent["id"],
        reason=wanted.get("reason"),
        status=account.refunds_begin,
    )
    account.tell("refund.created", refund, at=at)
    return refund


@operation("get", "/v1/refunds/{refund}")
def read_refund(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("refund", path["refund"])


def settle_refund(account: Account, identifier: str, *, good: bool) -> dict[str, Any]:
    """Have money that is on its way arrive, or come back."""
    refund = account.find("refund", identifier)
    if refund["status"] != "pending":
        raise Refusal(400, "This refund is not on its way.")
    refund["status"] = "succeeded" if good else "failed"
    if not good:
        refund["failure_reason"] = "expired_or_canceled_card"
    at = account.now()
    account.tell("refund.updated" if good else "refund.failed", refund, at=at)
    return refund


@operation("get", "/v1/refunds")
def list_refunds(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: wanted[name] for name in ("payment_intent", "charge") if name in wanted}
    return page(account.all("refund", **chosen), "/v1/refunds", wanted)


@operation("get", "/v1/invoice_payments")
def list_invoice_payments(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: wanted[name] for name in ("invoice", "status") if name in wanted}
    rows = account.all("invoice_payment", **chosen)
    if "payment" in wanted:
        intent = wanted["payment"].get("payment_intent")
        rows = [row for row in rows if row["payment"]["payment_intent"] == intent]
    return page(rows, "/v1/invoice_payments", wanted)


@operation("get", "/v1/events/{id}")
def read_event(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("event", path["id"])


@operation("get", "/v1/events")
def list_events(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    rows = account.all("event")
    since = wanted.get("created")
    if isinstance(since, dict):
        rows = [row for row in rows if row["created"] >= since.get("gte", 0)]
        rows = [row for row in rows if row["created"] > since.get("gt", -1)]
    if "types" in wanted:
        rows = [row for row in rows if row["type"] in wanted["types"]]
    return page(rows, "/v1/events", wanted)


@operation("post", "/v1/test_helpers/test_clocks")
def create_clock(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.add(
        "test_helpers.test_clock",
        at=account.now(),
        deletes_after=account.now() + 30 * 86_400,
        frozen_time=wanted["frozen_time"],
        name=wanted.get("name"),
        status="ready",
        status_details={},
    )


@operation("get", "/v1/test_helpers/test_clocks/{test_clock}")
def read_clock(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("test_helpers.test_clock", path["test_clock"])


@operation("post", "/v1/test_helpers/test_clocks/{test_clock}/advance")
def advance_clock(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    clock = account.find("test_helpers.test_clock", path["test_clock"])
    until = wanted["frozen_time"]
    if until <= clock["frozen_time"]:
        raise Refusal(400, "A test clock only goes forward.", param="frozen_time")
    while True:
        # One due thing after the other over all of the clock's subscriptions, in the order of time.
        moved = False
        for subscription in [row for row in account.all("subscription") if row["test_clock"] == clock["id"]]:
            if subscriptions.advance(account, subscription, at=until) is not None:
                moved = True
        if not moved:
            break
    clock["frozen_time"] = until
    account.tell("test_helpers.test_clock.ready", clock, at=until)
    return clock
