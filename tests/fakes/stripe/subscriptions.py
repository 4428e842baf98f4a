"""Subscriptions with one licensed item in flexible billing mode: start, change, renewal, pause, end."""

import copy
from dataclasses import dataclass
from typing import Any

from tests.fakes.stripe import arithmetic, invoices
from tests.fakes.stripe.invoices import DAY, Line
from tests.fakes.stripe.shapes import listed
from tests.fakes.stripe.state import Account, Layer, Ledger, Refusal

INCOMPLETE_FOR = 23 * 3600
PENDING_UPDATE_FOR = 23 * 3600
ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(slots=True)
class Start:
    """A subscription to be."""

    customer: str
    price: dict[str, Any]
    quantity: int
    trial_days: int = 0
    trial_end: int | None = None
    automatic_tax: bool = False
    metadata: dict[str, str] | None = None
    discounts: tuple[str, ...] = ()
    missing_payment_method: str = "create_invoice"


@dataclass(slots=True)
class Change:
    """Another price or quantity from a moment on, with the lines that bill it."""

    price: dict[str, Any]
    quantity: int
    lines: list[Line]
    date: int
    until: int
    resets: bool


def start(account: Account, wish: Start, *, at: int) -> dict[str, Any]:
    """Make the subscription and bill its first period, or begin its trial."""
    customer = account.find("customer", wish.customer)
    if customer["currency"] not in (None, wish.price["currency"]):
        raise Refusal(400, "You cannot combine currencies on a single customer.")
    customer["currency"] = wish.price["currency"]
    trial_end = wish.trial_end or (at + wish.trial_days * DAY if wish.trial_days else None)
    period = trial_end or _period_end(wish.price, at, at)
    identifier = account.new_id("subscription")
    item = account.add(
        "subscription_item",
        at=at,
        current_period_start=at,
        current_period_end=period,
        discounts=[],
        metadata={},
        plan={"id": wish.price["id"], "object": "plan"},
        price=wish.price,
        quantity=wish.quantity,
        subscription=identifier,
        tax_rates=[],
    )
    subscription = account.add(
        "subscription",
        at=at,
        identifier=identifier,
        automatic_tax={"enabled": wish.automatic_tax, "liability": None, "disabled_reason": None},
        billing_cycle_anchor=trial_end or at,
        billing_mode={"type": "flexible", "flexible": None, "updated_at": None},
        billing_schedules=[],
        cancel_at_period_end=False,
        collection_method="charge_automatically",
        currency=wish.price["currency"],
        customer=wish.customer,
        discounts=list(wish.discounts),
        invoice_settings={
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self", "account": None},
        },
        items=listed(f"/v1/subscription_items?subscription={identifier}", [item]),
        metadata=wish.metadata or {},
        start_date=at,
        status="trialing" if trial_end else "incomplete",
        test_clock=account.find("customer", wish.customer)["test_clock"],
        trial_end=trial_end,
        trial_start=at if trial_end else None,
        trial_settings={"end_behavior": {"missing_payment_method": wish.missing_payment_method}},
    )
    account.ledgers[identifier] = Ledger()
    if trial_end:
        account.tell("customer.subscription.created", subscription, at=at)
        return subscription
    line = _period_line(account, subscription, at, period)
    invoice = _bill(account, subscription, [line], reason="subscription_create", at=at)
    if invoice["status"] == "paid" or invoices.pay(account, invoice, at=at):
        subscription["status"] = "active"
        _cover(account, subscription, line)
    else:
        account.ledgers[identifier].open_invoice = invoice["id"]
    account.tell("customer.subscription.created", subscription, at=at)
    return subscription


def renewal_line(account: Account, subscription: dict[str, Any], wish: Change) -> Line:
    """Return the line of the first whole period after the change."""
    end, price, quantity = _period_end(wish.price, wish.until, wish.until), wish.price, wish.quantity
    words = f"{quantity} × {_name(account, price)}"
    amount = price["unit_amount"] * quantity
    return Line(amount, words, quantity, price, wish.until, end, item_of(subscription)["id"])


def months_after(at: int, months: int) -> int:
    """Return the time that many calendar months later."""
    return arithmetic.add_interval(at, "month", months, at)


def period_after(price: dict[str, Any], begin: int) -> int:
    """Return the end of a period of the price that begins then."""
    return _period_end(price, begin, begin)


def item_of(subscription: dict[str, Any]) -> dict[str, Any]:
    """Return the one item."""
    item: dict[str, Any] = subscription["items"]["data"][0]
    return item


# --- Change -----------------------------------------------------------------------------------


def plan_change(
    account: Account, subscription: dict[str, Any], price: dict[str, Any], quantity: int, *, date: int
) -> Change:
    """Return what a change of price or quantity at that time comes to.

    Unused time is credited at what was really paid for it; the rest of the period is charged anew. A price of
    another interval begins a new period.

    Raises:
        Refusal: the date lies outside the current period.
    """
    item = item_of(subscription)
    end = item["current_period_end"]
    if not item["current_period_start"] <= date <= end:
        raise Refusal(400, "The proration date must lie within the current period.", param="proration_date")
    resets = _rhythm(price) != _rhythm(item["price"]) and subscription["status"] != "trialing"
    until = _period_end(price, date, date) if resets else end
    if subscription["status"] == "trialing":
        return Change(price, quantity, [], date, until, resets)
    credit = _unused(account, subscription, date)
    full = price["unit_amount"] * quantity
    charge = full if resets else arithmetic.prorated(full, end - date, end - item["current_period_start"])
    lines = []
    if credit:
        words = f"Unused time on {item['quantity']} × {_name(account, item['price'])}"
        lines.append(
            Line(
                -credit,
                words,
                item["quantity"],
                item["price"],
                date,
                end,
                item["id"],
                proration=True,
                discountable=False,
            )
        )
    if charge:
        words = f"{'' if resets else 'Remaining time on '}{quantity} × {_name(account, price)}"
        lines.append(Line(charge, words, quantity, price, date, until, item["id"], proration=not resets))
    return Change(price, quantity, lines, date, until, resets)


def change(
    account: Account,
    subscription: dict[str, Any],
    wish: Change,
    *,
    proration_behavior: str,
    payment_behavior: str,
    at: int,
) -> None:
    """Change price or quantity, and bill it as asked.

    Raises:
        Refusal: 402 when the card is declined and the caller wants no change without payment.
    """
    ledger = account.ledgers[subscription["id"]]
    before = copy.deepcopy(subscription)
    if proration_behavior == "none" and not wish.resets:
        wish.lines = []
    if wish.lines and (proration_behavior == "always_invoice" or wish.resets):
        if payment_behavior == "error_if_incomplete" and not _can_pay(account, subscription):
            raise Refusal(402, "Your card was declined.", kind="card_error", code="card_declined")
        invoice = _bill(account, subscription, wish.lines, reason="subscription_update", at=at)
        paid = invoice["status"] == "paid" or invoices.pay(account, invoice, at=at)
        if not paid:
            ledger.open_invoice = invoice["id"]
        if not paid and payment_behavior == "pending_if_incomplete":
            ledger.pending = wish
            wanted = {**item_of(subscription), "quantity": wish.quantity, "price": wish.price}
            subscription["pending_update"] = {
                "expires_at": at + PENDING_UPDATE_FOR,
                "billing_cycle_anchor": None,
                "subscription_items": [wanted],
                "trial_end": None,
                "trial_from_plan": None,
            }
            account.tell("customer.subscription.updated", subscription, at=at, before=before)
            return
        if not paid:
            subscription["status"] = "past_due"
    else:
        ledger.waiting += wish.lines
    _apply(account, subscription, wish)
    account.tell("customer.subscription.updated", subscription, at=at, before=before)


def _apply(account: Account, subscription: dict[str, Any], wish: Change) -> None:
    item = item_of(subscription)
    item.update(price=wish.price, quantity=wish.quantity)
    if wish.resets:
        item.update(current_period_start=wish.date, current_period_end=wish.until)
        subscription["billing_cycle_anchor"] = wish.date
    if wish.lines:
        charged = sum(line.net for line in wish.lines if line.amount > 0)
        layers = [Layer(charged, wish.date, wish.until)] if charged else []
        account.ledgers[subscription["id"]].layers = layers


def _can_pay(account: Account, subscription: dict[str, Any]) -> bool:
    return account.cards.get(subscription["customer"]) == "ok"


def _unused(account: Account, subscription: dict[str, Any], at: int) -> int:
    """Return what was paid for the time after `at`."""
    return sum(
        arithmetic.prorated(layer.net, layer.end - at, layer.end - layer.start)
        for layer in account.ledgers[subscription["id"]].layers
        if layer.end > at
    )


# --- The clock's work ---------------------------------------------------------------------------


def advance(account: Account, subscription: dict[str, Any], *, at: int) -> int | None:
    """Do the next thing that is due until `at`; return when it happened, None when nothing is due."""
    ledger = account.ledgers[subscription["id"]]
    due: list[tuple[int, str]] = []
    if subscription["status"] in ENDED:
        return None
    if subscription["status"] == "incomplete":
        due.append((subscription["created"] + INCOMPLETE_FOR, "expire"))
    if subscription["pending_update"]:
        due.append((subscription["pending_update"]["expires_at"], "drop_pending"))
    invoice = account.objects["invoice"].get(ledger.open_invoice or "")
    if invoice and invoice["status"] == "open" and invoice["next_payment_attempt"]:
        due.append((invoice["next_payment_attempt"], "retry"))
    if subscription["cancel_at"]:
        due.append((subscription["cancel_at"], "end"))
    if subscription["status"] in {"trialing", "active", "past_due", "unpaid"}:
        due.append((item_of(subscription)["current_period_end"], "renew"))
    when, what = min(due, default=(at + 1, ""), key=lambda each: (each[0], _ORDER.get(each[1], 9)))
    if when > at:
        return None
    _DUE[what](account, subscription, when)
    return when


def _expire(account: Account, subscription: dict[str, Any], when: int) -> None:
    before = copy.deepcopy(subscription)
    subscription["status"] = "incomplete_expired"
    _void_open(account, subscription, when)
    account.tell("customer.subscription.updated", subscription, at=when, before=before)


def _drop_pending(account: Account, subscription: dict[str, Any], when: int) -> None:
    before = copy.deepcopy(subscription)
    subscription["pending_update"] = None
    account.ledgers[subscription["id"]].pending = None
    _void_open(account, subscription, when)
    account.tell("customer.subscription.pending_update_expired", subscription, at=when, before=before)


def _retry(account: Account, subscription: dict[str, Any], when: int) -> None:
    settle_open(account, subscription, at=when)


def settle_open(account: Account, subscription: dict[str, Any], *, at: int) -> bool:
    """Try the open invoice again; a paid one makes the subscription whole, a last failure unpaid."""
    ledger = account.ledgers[subscription["id"]]
    invoice = account.find("invoice", ledger.open_invoice)
    before = copy.deepcopy(subscription)
    if not invoices.pay(account, invoice, at=at):
        if invoice["next_payment_attempt"] is None and subscription["status"] == "past_due":
            subscription["status"] = "unpaid"
            account.tell("customer.subscription.updated", subscription, at=at, before=before)
        return False
    ledger.open_invoice = None
    if ledger.pending is not None:
        subscription["pending_update"] = None
        _apply(account, subscription, ledger.pending)
        ledger.pending = None
        account.tell("customer.subscription.pending_update_applied", subscription, at=at, before=before)
    elif subscription["status"] in {"incomplete", "past_due", "unpaid", "paused"}:
        # A paused one has an invoice open when its resumption was not paid.
        subscription.update(status="active", status_details=None)
    account.tell("customer.subscription.updated", subscription, at=at, before=before)
    return True


def _end(account: Account, subscription: dict[str, Any], when: int) -> None:
    cancel(account, subscription, at=when)


def _renew(account: Account, subscription: dict[str, Any], when: int) -> None:
    """Begin the next period: what waits is billed with it."""
    before = copy.deepcopy(subscription)
    item, ledger = item_of(subscription), account.ledgers[subscription["id"]]
    was_trial = subscription["status"] == "trialing"
    if was_trial and account.cards.get(subscription["customer"]) is None:
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behavior == "cancel":
            cancel(account, subscription, at=when)
            return
        if behavior == "pause":
            pause(account, subscription, at=when, why="trial_end_without_payment_method", credit=False)
            return
    _take_phase(account, subscription, when)
    end = _period_end(item["price"], when, subscription["billing_cycle_anchor"])
    item.update(current_period_start=when, current_period_end=end)
    line = _period_line(account, subscription, when, end)
    waiting, ledger.waiting = ledger.waiting, []
    invoice = _bill(account, subscription, [*waiting, line], reason="subscription_cycle", at=when)
    _cover(account, subscription, line)
    if was_trial:
        subscription["status"] = "active"
    if invoice["status"] != "paid" and not invoices.pay(account, invoice, at=when):
        if subscription["status"] != "unpaid":
            subscription["status"] = "past_due"
        ledger.open_invoice = invoice["id"]
    account.tell("customer.subscription.updated", subscription, at=when, before=before)


def _take_phase(account: Account, subscription: dict[str, Any], when: int) -> None:
    """Enter the phase of a schedule that begins now: another quantity or price from this period on."""
    schedule = account.objects["subscription_schedule"].get(subscription["schedule"] or "")
    if schedule is None or schedule["status"] != "active":
        return
    for phase in schedule["phases"]:
        if phase["start_date"] == when:
            wanted = phase["items"][0]
            item_of(subscription).update(
                quantity=wanted["quantity"], price=account.find("price", wanted["price"])
            )
            schedule["current_phase"] = {"start_date": when, "end_date": phase["end_date"]}
    if when >= schedule["phases"][-1]["start_date"]:
        schedule.update(status="released", released_at=when, released_subscription=subscription["id"])
        schedule["subscription"] = None
        subscription["schedule"] = None
        account.tell("subscription_schedule.released", schedule, at=when)


def _spend_discounts(account: Account, subscription: dict[str, Any], when: int) -> None:
    """End discounts that were for one invoice, or for months that are over."""
    kept = []
    for identifier in subscription["discounts"]:
        discount, coupon = account.find("discount", identifier), invoices.coupon_of(account, identifier)
        over = discount["end"] is not None and discount["end"] <= when
        if coupon["duration"] == "once" or over:
            account.tell("customer.discount.deleted", discount, at=when)
        else:
            kept.append(identifier)
    subscription["discounts"] = kept


_DUE = {"expire": _expire, "drop_pending": _drop_pending, "retry": _retry, "end": _end, "renew": _renew}
# At one instant: a subscription that ends is not renewed first.
_ORDER = {"expire": 0, "drop_pending": 1, "end": 2, "retry": 3, "renew": 4}


# --- Pause and end ------------------------------------------------------------------------------


def pause(account: Account, subscription: dict[str, Any], *, at: int, why: str, credit: bool = True) -> None:
    """Stop periods; unused time becomes a credit on the customer's balance."""
    if subscription["schedule"]:
        raise Refusal(400, "A subscription with a schedule cannot be paused.")
    before = copy.deepcopy(subscription)
    ledger = account.ledgers[subscription["id"]]
    if credit:
        unused = _unused(account, subscription, at)
        account.find("customer", subscription["customer"])["balance"] -= unused
    ledger.layers = []
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {"subscription": {"type": why}, "transitioned_at": at, "type": "subscription"}
    }
    account.tell("customer.subscription.paused", subscription, at=at, before=before)


def resume(account: Account, subscription: dict[str, Any], *, at: int) -> None:
    """Begin a new period now.

    Raises:
        Refusal: it is not paused.
    """
    if subscription["status"] != "paused":
        raise Refusal(400, "Only a paused subscription can be resumed.")
    before = copy.deepcopy(subscription)
    item = item_of(subscription)
    end = _period_end(item["price"], at, at)
    line_item = {"current_period_start": at, "current_period_end": end}
    item.update(line_item)
    subscription["billing_cycle_anchor"] = at
    line = _period_line(account, subscription, at, end)
    invoice = _bill(account, subscription, [line], reason="subscription_cycle", at=at)
    if invoice["status"] == "paid" or invoices.pay(account, invoice, at=at):
        subscription.update(status="active", status_details=None)
        _cover(account, subscription, line)
    else:
        account.ledgers[subscription["id"]].open_invoice = invoice["id"]
    account.tell("customer.subscription.resumed", subscription, at=at, before=before)
    account.tell("customer.subscription.updated", subscription, at=at, before=before)


def cancel(account: Account, subscription: dict[str, Any], *, at: int) -> None:
    """End the subscription for good."""
    before = copy.deepcopy(subscription)
    subscription.update(
        status="canceled", canceled_at=subscription["canceled_at"] or at, ended_at=at, pending_update=None
    )
    account.tell("customer.subscription.deleted", subscription, at=at, before=before)


# --- Pieces ---------------------------------------------------------------------------------------


def _bill(
    account: Account, subscription: dict[str, Any], lines: list[Line], *, reason: str, at: int
) -> dict[str, Any]:
    invoice = invoices.build_invoice(account, subscription, lines, reason=reason, at=at)
    subscription["latest_invoice"] = invoice["id"]
    _spend_discounts(account, subscription, at)
    invoices.finalize(account, invoice, at=at)
    return invoice


def _cover(account: Account, subscription: dict[str, Any], line: Line) -> None:
    layers = [Layer(line.net, line.start, line.end)] if line.net else []
    account.ledgers[subscription["id"]].layers = layers


def _period_line(account: Account, subscription: dict[str, Any], begin: int, end: int) -> Line:
    item = item_of(subscription)
    price, quantity = item["price"], item["quantity"]
    words = f"{quantity} × {_name(account, price)}"
    return Line(price["unit_amount"] * quantity, words, quantity, price, begin, end, item["id"])


def _period_end(price: dict[str, Any], begin: int, anchor: int) -> int:
    return arithmetic.add_interval(begin, *_rhythm(price), anchor)


def _rhythm(price: dict[str, Any]) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _name(account: Account, price: dict[str, Any]) -> str:
    return str(account.objects["product"].get(price["product"], {}).get("name") or price["id"])


def _void_open(account: Account, subscription: dict[str, Any], when: int) -> None:
    ledger = account.ledgers[subscription["id"]]
    invoice = account.objects["invoice"].get(ledger.open_invoice or "")
    if invoice and invoice["status"] == "open":
        invoices.void(account, invoice, at=when)
    ledger.open_invoice = None
