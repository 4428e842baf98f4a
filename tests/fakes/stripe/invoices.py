"""Invoices: lines, discounts, tax, the customer's balance, paying and failing to pay."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe import arithmetic
from tests.fakes.stripe.shapes import listed, make
from tests.fakes.stripe.state import Account, Refusal

DAY = 86_400
# Stripe's own smart retries vary; these are fixed so that a scenario has one outcome.
RETRY_AFTER_DAYS = (3, 5, 7)


@dataclass(slots=True)
class Line:
    """One line to be: an amount for a span of a price, before discounts and tax."""

    amount: int
    description: str
    quantity: int
    price: dict[str, Any]
    start: int
    end: int
    item: str
    proration: bool = False
    # A credit repeats what was charged net of discounts, so no discount is taken from it again.
    discountable: bool = True
    discounts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def net(self) -> int:
        """Amount less discounts."""
        return self.amount - sum(amount for _, amount in self.discounts)


def discount_lines(account: Account, subscription: dict[str, Any], lines: list[Line]) -> None:
    """Take the subscription's discounts off its discountable lines."""
    for identifier in subscription["discounts"]:
        coupon = coupon_of(account, identifier)
        chosen = [line for line in lines if line.discountable and line.amount > 0]
        if coupon["percent_off"] is not None:
            basis_points = int(coupon["percent_off"] * 100)
            for line in chosen:
                line.discounts.append((identifier, arithmetic.prorated(line.net, basis_points, 10_000)))
        else:
            off = min(coupon["amount_off"], sum(line.net for line in chosen))
            for line, part in zip(chosen, arithmetic.spread(off, [line.net for line in chosen]), strict=True):
                line.discounts.append((identifier, part))


def coupon_of(account: Account, discount: str) -> dict[str, Any]:
    """Return the coupon behind a discount."""
    return account.find("coupon", account.find("discount", discount)["source"]["coupon"])


def build_invoice(
    account: Account,
    subscription: dict[str, Any],
    lines: list[Line],
    *,
    reason: str,
    at: int,
    identifier: str | None = None,
) -> dict[str, Any]:
    """Return an invoice with its sums. With an `identifier` it is a preview, kept nowhere."""
    customer = account.find("customer", subscription["customer"])
    discount_lines(account, subscription, lines)
    rate, why = 0, "not_collecting"
    automatic = bool(subscription["automatic_tax"]["enabled"])
    if automatic:
        country = (customer["address"] or {}).get("country")
        rate, why = arithmetic.tax_rate(country, has_vat_id=_has_vat_id(account, customer["id"]))
    built = [_line_object(account, line, subscription, rate, why, automatic) for line in lines]
    subtotal = sum(line.amount for line in lines)
    discounts = _sum_by_discount(lines)
    taxes = _sum_taxes(built)
    exclusive = sum(each["amount"] for each in taxes if each["tax_behavior"] == "exclusive")
    total = subtotal - sum(discounts.values()) + exclusive
    balance = customer["balance"]
    # A credit balance is negative; it pays as far as it goes, and a negative total adds to it.
    due = max(0, total + min(0, balance)) if total > 0 else 0
    fields: dict[str, Any] = {
        "account_country": arithmetic.SELLER_COUNTRY,
        "account_name": "Palaestra",
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "enabled": automatic,
            "status": "complete" if automatic else None,
            "liability": None,
            "disabled_reason": None,
            "provider": None,
        },
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "currency": subscription["currency"],
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": list(subscription["discounts"]),
        "issuer": {"type": "self", "account": None},
        "lines": listed(f"/v1/invoices/{identifier or 'in'}/lines", built),
        "metadata": {},
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {
                "subscription": subscription["id"],
                "metadata": subscription["metadata"],
                "subscription_proration_date": None,
            },
        },
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": max((line.end for line in lines), default=at),
        "period_start": min((line.start for line in lines), default=at),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": balance,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal
        - sum(each["amount"] for each in taxes if each["tax_behavior"] == "inclusive"),
        "test_clock": customer["test_clock"],
        "total": total,
        "total_discount_amounts": [
            {"amount": amount, "discount": discount} for discount, amount in discounts.items()
        ],
        "total_excluding_tax": total - sum(each["amount"] for each in taxes),
        "total_pretax_credit_amounts": [],
        "total_taxes": taxes,
    }
    if identifier is not None:
        return make("invoice", id=identifier, created=at, **fields)
    invoice = account.add("invoice", at=at, **fields)
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    for line in built:
        line["invoice"] = invoice["id"]
    return invoice


def finalize(account: Account, invoice: dict[str, Any], *, at: int) -> None:
    """Number the invoice and open it; what the balance covers, or a credit, is settled at once."""
    account.invoice_numbers += 1
    customer = account.find("customer", invoice["customer"])
    invoice["number"] = f"PAL-{account.invoice_numbers:06d}"
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = at
    invoice["hosted_invoice_url"] = f"{account.base_url}/_pages/invoices/{invoice['id']}"
    invoice["invoice_pdf"] = f"{account.base_url}/_pages/invoices/{invoice['id']}/pdf"
    invoice["effective_at"] = at
    used = invoice["total"] - invoice["amount_due"]
    customer["balance"] += used  # towards zero when it paid, below it when the invoice was a credit
    invoice["ending_balance"] = customer["balance"]
    account.tell("invoice.created", invoice, at=at)
    account.tell("invoice.finalized", invoice, at=at)
    if invoice["amount_due"] == 0:
        _mark_paid(account, invoice, at=at)


def pay(account: Account, invoice: dict[str, Any], *, at: int) -> bool:
    """Try to collect an open invoice from the customer's card; tell whether it is paid now."""
    if invoice["status"] == "paid":
        return True
    if invoice["status"] != "open":
        raise Refusal(400, f"This invoice can no longer be paid: it is {invoice['status']}.")
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    good = account.cards.get(invoice["customer"]) == "ok"
    intent = account.add(
        "payment_intent",
        at=at,
        amount=invoice["amount_due"],
        amount_capturable=0,
        amount_received=invoice["amount_due"] if good else 0,
        capture_method="automatic",
        confirmation_method="automatic",
        currency=invoice["currency"],
        customer=invoice["customer"],
        metadata={},
        payment_method_types=["card"],
        status="succeeded" if good else "requires_payment_method",
    )
    payment = account.add(
        "invoice_payment",
        at=at,
        amount_requested=invoice["amount_due"],
        amount_paid=invoice["amount_due"] if good else None,
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status="paid" if good else "open",
        status_transitions={"paid_at": at if good else None, "canceled_at": None},
    )
    if not good:
        retry = invoice["attempt_count"]
        waits = RETRY_AFTER_DAYS[retry - 1] * DAY if retry <= len(RETRY_AFTER_DAYS) else None
        invoice["next_payment_attempt"] = at + waits if waits else None
        account.tell("invoice.payment_failed", invoice, at=at)
        return False
    invoice["payments"] = listed("/v1/invoice_payments", [payment])
    invoice["amount_paid"] = invoice["amount_due"]
    invoice["amount_remaining"] = 0
    _mark_paid(account, invoice, at=at)
    account.tell("invoice_payment.paid", payment, at=at)
    return True


def void(account: Account, invoice: dict[str, Any], *, at: int) -> None:
    """Cancel an open invoice: nobody owes it any more."""
    invoice["status"] = "void"
    invoice["status_transitions"]["voided_at"] = at
    invoice["next_payment_attempt"] = None
    account.tell("invoice.voided", invoice, at=at)


def mark_uncollectible(account: Account, invoice: dict[str, Any], *, at: int) -> None:
    """Give an open invoice up."""
    invoice["status"] = "uncollectible"
    invoice["status_transitions"]["marked_uncollectible_at"] = at
    invoice["next_payment_attempt"] = None
    account.tell("invoice.marked_uncollectible", invoice, at=at)


def _mark_paid(account: Account, invoice: dict[str, Any], *, at: int) -> None:
    invoice["status"] = "paid"
    invoice["status_transitions"]["paid_at"] = at
    invoice["next_payment_attempt"] = None
    account.tell("invoice.paid", invoice, at=at)
    account.tell("invoice.payment_succeeded", invoice, at=at)


def _line_object(
    account: Account, line: Line, subscription: dict[str, Any], rate: int, why: str, automatic: bool
) -> dict[str, Any]:
    behavior = line.price["tax_behavior"] if line.price["tax_behavior"] == "inclusive" else "exclusive"
    taxes = []
    if automatic:
        taxes = [
            {
                "amount": arithmetic.tax_of(line.net, rate, inclusive=behavior == "inclusive"),
                "tax_behavior": behavior,
                "tax_rate_details": None,
                "taxability_reason": why,
                "taxable_amount": line.net,
                "type": "tax_rate_details",
            }
        ]
    return make(
        "line_item",
        id=account.new_id("line_item"),
        amount=line.amount,
        currency=subscription["currency"],
        description=line.description,
        discount_amounts=[{"amount": amount, "discount": name} for name, amount in line.discounts],
        discountable=line.discountable,
        discounts=[name for name, _ in line.discounts],
        metadata=subscription["metadata"],
        parent={
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": line.proration,
                "proration_details": None,
                "subscription": subscription["id"],
                "subscription_item": line.item,
            },
        },
        period={"start": line.start, "end": line.end},
        pretax_credit_amounts=[],
        pricing={
            "type": "price_details",
            "price_details": {"price": line.price["id"], "product": line.price["product"]},
            "unit_amount_decimal": line.price["unit_amount_decimal"],
        },
        quantity=line.quantity,
        subscription=subscription["id"],
        subtotal=line.amount,
        taxes=taxes,
    )


def _sum_by_discount(lines: list[Line]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        for name, amount in line.discounts:
            sums[name] = sums.get(name, 0) + amount
    return sums


def _sum_taxes(built: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for tax in (tax for line in built for tax in line["taxes"]):
        whole = sums.setdefault(
            (tax["tax_behavior"], tax["taxability_reason"]), {**tax, "amount": 0, "taxable_amount": 0}
        )
        whole["amount"] += tax["amount"]
        whole["taxable_amount"] += tax["taxable_amount"]
    return list(sums.values())


def _has_vat_id(account: Account, customer: str) -> bool:
    return any(row["type"] == "eu_vat" for row in account.all("tax_id", customer=customer))
