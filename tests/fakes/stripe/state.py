"""Everything one Stripe account knows, kept in memory under one lock."""

import copy
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe.shapes import make

type_of_id = {
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs_test",
    "credit_note": "cn",
    "customer": "cus",
    "discount": "di",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "price": "price",
    "product": "prod",
    "promotion_code": "promo",
    "refund": "re",
    "subscription": "sub",
    "subscription_item": "si",
    "subscription_schedule": "sub_sched",
    "tax_id": "txi",
    "test_helpers.test_clock": "clock",
}


class Refusal(Exception):
    """An error answer, in the words of Stripe's error object."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **more: str | None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **{k: v for k, v in more.items() if v}}}


def no_such(kind: str, identifier: str, param: str = "id") -> Refusal:
    """Return the answer for an id that is not there: 404 in the path, 400 in a parameter."""
    return Refusal(
        404 if param == "id" else 400,
        f"No such {kind.rpartition('.')[2].replace('_', ' ')}: '{identifier}'",
        code="resource_missing",
        param=param,
    )


@dataclass(slots=True)
class Layer:
    """What was really charged for a span of the present period: the ground of a credit for unused time."""

    net: int
    start: int
    end: int


@dataclass(slots=True)
class Ledger:
    """What a subscription keeps that no object of the API shows."""

    layers: list[Layer] = field(default_factory=list)
    # Lines for the next invoice, and a change that waits for its payment (subscriptions.Change).
    waiting: list[Any] = field(default_factory=list)
    pending: Any = None
    open_invoice: str | None = None


class Account:
    """The objects by kind and id, the time, and who hears of changes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in type_of_id}
        self.objects["coupon"] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.invoice_numbers = 0
        # How the customer's card behaves: "ok", "decline", "bank" (confirmed later); and the wishes behind
        # open pages.
        self.cards: dict[str, str] = {}
        self.wishes: dict[str, dict[str, Any]] = {}
        # The status that refunds are made with: "succeeded", or "pending" for those that take days.
        self.refunds_begin = "succeeded"
        self.hear: Callable[[dict[str, Any]], None] = lambda event: None
        self.base_url = ""

    # --- Objects ---------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """Return a fresh id with the kind's prefix."""
        return f"{type_of_id[kind]}_{secrets.token_hex(12)}"

    def add(self, kind: str, *, at: int, identifier: str | None = None, **fields: Any) -> dict[str, Any]:
        """Make an object and keep it."""
        if "created" not in fields and kind != "discount":
            fields["created"] = at
        made = make(kind, id=identifier or self.new_id(kind), **fields)
        self.objects[kind][made["id"]] = made
        return made

    def find(self, kind: str, identifier: str | None, param: str = "id") -> dict[str, Any]:
        """Return an object.

        Raises:
            Refusal: there is none, or it was deleted.
        """
        found = self.objects[kind].get(identifier or "")
        if found is None or (found.get("deleted") and param != "id"):
            raise no_such(kind, identifier or "", param)
        return found

    def all(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the objects that have these values, newest first."""
        rows = [
            row
            for row in self.objects[kind].values()
            if not row.get("deleted") and all(row.get(name) == value for name, value in wanted.items())
        ]
        return rows[::-1]

    # --- Time ------------------------------------------------------------------------------

    def now(self, customer: str | None = None) -> int:
        """Return the time at the customer's test clock, else the real one; seconds since 1970, UTC."""
        holder = self.objects["customer"].get(customer or "")
        clock = self.objects["test_helpers.test_clock"].get((holder or {}).get("test_clock") or "")
        return int(clock["frozen_time"]) if clock else int(time.time())

    # --- Events ----------------------------------------------------------------------------

    def tell(
        self, kind: str, about: dict[str, Any], *, at: int, before: dict[str, Any] | None = None
    ) -> None:
        """Record an event with a snapshot of the object, and have it delivered."""
        data: dict[str, Any] = {"object": copy.deepcopy(about)}
        if before is not None:
            data["previous_attributes"] = {k: v for k, v in before.items() if about.get(k) != v}
        event = self.add(
            "event",
            at=at,
            type=kind,
            data=data,
            api_version=API_VERSION,
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
        )
        self.hear(event)


API_VERSION = "2026-10-28.endive"
