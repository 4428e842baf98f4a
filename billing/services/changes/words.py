"""What a change brings about, in words: for whoever presses the button."""

from dataclasses import dataclass
from decimal import Decimal

from billing.enums import SubscriptionStatus
from billing.gateways.types import SeenInvoice
from billing.models import PlanPrice, Subscription
from billing.money import STRIPE

_PERIOD = {"month": "month", "quarter": "three months", "year": "year"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens; `code` is stable, `text` is for people."""

    code: str
    text: str


def in_major_units(minor: int, currency: str) -> str:
    """Return a sum as people write it: "12.34 EUR", "1500 JPY"."""
    digits = STRIPE[currency].exponent if currency in STRIPE else 2
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency.upper()}"


def what_happens(
    subscription: Subscription,
    price: PlanPrice,
    *,
    from_seats: int,
    seats: int,
    invoice: SeenInvoice,
    renewal: SeenInvoice | None,
) -> tuple[Happening, ...]:
    """Return what confirming would bring about, in the order in which it happens."""
    same_price = price.id == subscription.price_id
    if seats == from_seats and same_price:
        return (Happening("nothing_changes", "Nothing changes and nothing is charged."),)
    said = [
        *_of_terms(subscription, price, from_seats, seats, same_price=same_price),
        *_of_money(subscription, invoice),
    ]
    if subscription.schedule_ref:
        text = "What was planned for the end of the period is withdrawn."
        said.append(Happening("plan_withdrawn", text))
    return (*said, *_of_later(subscription, price, renewal))


def _of_terms(
    subscription: Subscription, price: PlanPrice, from_seats: int, seats: int, *, same_price: bool
) -> list[Happening]:
    said = []
    if seats > from_seats:
        more = seats - from_seats
        text = f"{more} seats are added once the payment went through: {from_seats} become {seats}."
        said.append(Happening("seats_added", text))
    if seats < from_seats:
        text = f"{from_seats - seats} seats are given back at once: {from_seats} become {seats}."
        said.append(Happening("seats_given_back", text))
    if not same_price:
        text = f"The plan is {price.plan.name}, paid for each {_PERIOD[price.interval]}."
        said.append(Happening("plan_changes", text))
    if not same_price and _restarts(subscription, price):
        said.append(Happening("period_restarts", "A new period begins now; unused time is credited."))
    return said


def _of_money(subscription: Subscription, invoice: SeenInvoice) -> list[Happening]:
    currency, said = invoice.currency, []
    if subscription.status == SubscriptionStatus.TRIALING:
        return [Happening("trial_goes_on", "The trial goes on; nothing is charged before it ends.")]
    if invoice.total_minor < 0:
        given = in_major_units(-invoice.total_minor, currency)
        text = f"{given} become a credit that lowers your next invoices."
        return [Happening("credit_given", text)]
    if invoice.total_minor > invoice.due_minor:
        used = in_major_units(invoice.total_minor - invoice.due_minor, currency)
        said.append(Happening("credit_used", f"{used} are paid from your credit."))
    if invoice.due_minor:
        tax = f", {in_major_units(invoice.tax_minor, currency)} of it tax" if invoice.tax_minor else ""
        text = f"{in_major_units(invoice.due_minor, currency)} are charged to your card now{tax}."
        said.append(Happening("charged_now", text))
    elif not said:
        said.append(Happening("nothing_charged", "Nothing is charged now."))
    return said


def _of_later(subscription: Subscription, price: PlanPrice, renewal: SeenInvoice | None) -> list[Happening]:
    if renewal is None:
        end = subscription.cancels_at
        day = f"{end:%Y-%m-%d}" if end else "the end of the period"
        return [Happening("ends", f"The subscription still ends on {day}.")]
    begins = max((line.period_start for line in renewal.lines), default=None)
    day = f"From {begins:%Y-%m-%d} on" if begins else "From then on"
    sum_ = in_major_units(renewal.total_minor, renewal.currency)
    return [Happening("renews", f"{day} each {_PERIOD[price.interval]} costs {sum_}.")]


def _restarts(subscription: Subscription, price: PlanPrice) -> bool:
    if subscription.status == SubscriptionStatus.TRIALING or subscription.price_id is None:
        return False
    return (
        PlanPrice.objects.values_list("interval", flat=True).get(id=subscription.price_id) != price.interval
    )
