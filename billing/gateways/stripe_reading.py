"""From Stripe's objects to our words, in one place: where a field sits changes with its API's versions."""

from datetime import UTC, datetime
from typing import Any

from billing.errors import GatewayRefused
from billing.gateways.types import (
    Notice,
    SeenCheckout,
    SeenCustomer,
    SeenInvoice,
    SeenLine,
    SeenPrice,
    SeenRefund,
    SeenStrange,
    SeenSubscription,
    SeenTaxId,
)


def instant(seconds: int) -> datetime:
    """Return the time of Stripe's seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def price(seen: Any) -> SeenPrice:
    """Read a recurring price."""
    return SeenPrice(
        ref=seen.id,
        key=seen.lookup_key or "",
        product_ref=_ref(seen.product),
        currency=seen.currency,
        unit_minor=seen.unit_amount,
        interval=seen.recurring.interval,
        interval_count=seen.recurring.interval_count,
        is_active=seen.active,
        tax_behavior=seen.tax_behavior or "unspecified",
    )


def checkout(seen: Any) -> SeenCheckout:
    """Read a checkout session."""
    return SeenCheckout(
        ref=seen.id,
        url=seen.url or "",
        status=seen.status or "",
        is_settled=seen.status == "complete" and seen.payment_status in {"paid", "no_payment_required"},
        reference=seen.client_reference_id or "",
        customer_ref=_ref(seen.customer),
        subscription_ref=_ref(seen.subscription),
        expires_at=instant(seen.expires_at),
    )


def subscription(seen: Any) -> SeenSubscription:
    """Read a subscription of one licensed item.

    Raises:
        GatewayRefused: it has several items, or the old billing mode whose credits differ: not ours.
    """
    items = seen["items"].data
    if len(items) != 1 or seen.billing_mode.type != "flexible":
        raise GatewayRefused(reason="subscription_not_ours")
    item = items[0]
    if item.quantity is None:  # billed by use, not by seats
        raise GatewayRefused(reason="subscription_not_ours")
    paused = getattr(seen.status_details, "paused", None) if seen.status_details else None
    pending = seen.pending_update
    waiting = pending.subscription_items if pending else None
    return SeenSubscription(
        ref=seen.id,
        customer_ref=_ref(seen.customer),
        item_ref=item.id,
        price_ref=item.price.id,
        # Of the item, never of the plan or of metadata: this is what is billed.
        seats=item.quantity,
        currency=seen.currency,
        status=seen.status,
        status_reason=paused.subscription.type if paused else "",
        period_start=instant(item.current_period_start),
        period_end=instant(item.current_period_end),
        trial_end=_instant_or_none(seen.trial_end),
        cancel_at=_instant_or_none(seen.cancel_at),
        ended_at=_instant_or_none(seen.ended_at),
        pending_seats=waiting[0].quantity if waiting else None,
        pending_until=instant(pending.expires_at) if pending else None,
        schedule_ref=_ref(seen.schedule),
        latest_invoice_ref=_ref(seen.latest_invoice),
        metadata=seen.metadata.to_dict() if seen.metadata else {},
    )


def any_subscription(seen: Any) -> SeenSubscription | SeenStrange:
    """Read a subscription of a list, in which things may be that are none of ours."""
    try:
        return subscription(seen)
    except GatewayRefused as error:
        reason = str(error.facts["reason"])
        return SeenStrange(ref=seen.id, customer_ref=_ref(seen.customer), status=seen.status, reason=reason)


def phase_discounts(schedule: Any) -> list[dict[str, str]]:
    """Return the discounts of a schedule's present phase, as parameters that keep them."""
    return [
        {"discount": _ref(each.discount)}
        for each in schedule.phases[0].discounts or []
        if getattr(each, "discount", None)
    ]


def invoice(seen: Any) -> SeenInvoice:
    """Read an invoice or a preview of one."""
    details = seen.parent.subscription_details if seen.parent else None
    return SeenInvoice(
        ref=seen.id,
        customer_ref=_ref(seen.customer),
        subscription_ref=_ref(details.subscription) if details else "",
        number=seen.number or "",
        status=seen.status or "",
        reason=seen.billing_reason or "",
        currency=seen.currency,
        subtotal_minor=seen.subtotal,
        discount_minor=sum(each.amount for each in seen.total_discount_amounts or []),
        tax_minor=sum(each.amount for each in seen.total_taxes or []),
        total_minor=seen.total,
        due_minor=seen.amount_due,
        paid_minor=seen.amount_paid,
        attempts=seen.attempt_count,
        next_attempt_at=_instant_or_none(seen.next_payment_attempt),
        created_at=instant(seen.created),
        paid_at=_instant_or_none(seen.status_transitions.paid_at),
        hosted_url=seen.hosted_invoice_url or "",
        pdf_url=seen.invoice_pdf or "",
        lines=tuple(_line(each) for each in seen.lines.data),
        payment_ref=_payment_of(seen),
    )


def customer(seen: Any, tax_ids: Any, payment_methods: Any) -> SeenCustomer:
    """Read a customer with the lists of its tax ids and payment methods."""
    return SeenCustomer(
        ref=seen.id,
        name=seen.name or "",
        email=seen.email or "",
        address={k: v for k, v in seen.address.to_dict().items() if v} if seen.address else {},
        tax_ids=tuple(_tax_id(each) for each in tax_ids),
        currency=seen.currency or "",
        # What it owes a customer the gateway writes as a negative balance.
        credit_minor=-seen.balance,
        has_payment_method=bool(payment_methods),
    )


def refund(seen: Any) -> SeenRefund:
    """Read a refund."""
    return SeenRefund(
        ref=seen.id,
        amount_minor=seen.amount,
        currency=seen.currency,
        status=seen.status or "",
        reason=getattr(seen, "failure_reason", None) or seen.reason or "",
        reference=(seen.metadata.to_dict() if seen.metadata else {}).get("reference", ""),
        created_at=instant(seen.created),
    )


def notice(seen: Any) -> Notice:
    """Read an event: which object to look at, and nothing of what it says about it."""
    about = seen.data.object
    return Notice(
        key=seen.id,
        kind=seen.type,
        object_ref=_object_of(seen.type, about),
        occurred_at=instant(seen.created),
    )


def _object_of(kind: str, about: Any) -> str:
    """Return what is to be looked at; empty for an object without a name, as the invoice that is to come."""
    if kind.startswith("customer.tax_id."):
        return _ref(getattr(about, "customer", None))
    if kind.startswith("subscription_schedule."):
        return _ref(getattr(about, "subscription", None) or getattr(about, "released_subscription", None))
    if kind.startswith(("refund.", "charge.refund")):
        return _ref(getattr(about, "payment_intent", None))
    return str(getattr(about, "id", None) or "")


def _payment_of(seen: Any) -> str:
    """Return the payment that covered an invoice whose payments were expanded."""
    payments = getattr(seen, "payments", None)
    for each in payments.data if payments else []:
        if each.status == "paid" and each.payment.type == "payment_intent":
            return _ref(each.payment.payment_intent)
    return ""


def _tax_id(seen: Any) -> SeenTaxId:
    checked = seen.verification.status if seen.verification else ""
    return SeenTaxId(ref=seen.id, kind=seen.type, value=seen.value, verification=checked or "")


def _line(seen: Any) -> SeenLine:
    details = seen.parent.subscription_item_details if seen.parent else None
    return SeenLine(
        description=seen.description or "",
        amount_minor=seen.amount,
        net_minor=seen.amount - sum(each.amount for each in seen.discount_amounts or []),
        seats=seen.quantity or 0,
        price_ref=_ref(seen.pricing.price_details.price) if seen.pricing else "",
        is_proration=bool(details and details.proration),
        period_start=instant(seen.period.start),
        period_end=instant(seen.period.end),
    )


def _ref(field: Any) -> str:
    """Return the id of a field that holds an id, an object or nothing."""
    if field is None:
        return ""
    return field if isinstance(field, str) else str(field.id)


def _instant_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant(seconds)
