"""What we ask of a gateway and what we saw there, in our words. Amounts in minor units, times in UTC."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PriceWish:
    """A price to be sold: so much for one seat and period.

    Attributes:
        key: our name of it, unique at the gateway; the same key again is the same price.
        interval: "month" or "year"; a quarter is three months.
        tax_behavior: "exclusive" (tax on top) or "inclusive".
    """

    key: str
    product_ref: str
    currency: str
    unit_minor: int
    interval: str
    interval_count: int
    tax_behavior: str


@dataclass(frozen=True, slots=True)
class CheckoutWish:
    """A page on which somebody subscribes.

    Attributes:
        reference: id of our row; comes back on everything the page makes.
        trial_days: 0 for none; with a trial `card_now` says whether a card is asked for.
        expires_at: 30 minutes to 24 hours from now.
    """

    reference: str
    customer_ref: str
    price_ref: str
    seats: int
    success_url: str
    cancel_url: str
    expires_at: datetime
    trial_days: int = 0
    card_now: bool = True
    automatic_tax: bool = False
    promotion_codes: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeatsWish:
    """A change of seats or price, as it is previewed and as it is made: the same wish gives the same sums.

    Attributes:
        at: the moment the proration is reckoned from; a preview and its change name the same.
    """

    subscription_ref: str
    item_ref: str
    seats: int
    at: datetime
    price_ref: str | None = None


@dataclass(frozen=True, slots=True)
class SeenPrice:
    """A price at the gateway."""

    ref: str
    key: str
    product_ref: str
    currency: str
    unit_minor: int
    interval: str
    interval_count: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class SeenCheckout:
    """A checkout page.

    Attributes:
        status: open, complete or expired.
        is_settled: nothing is owed any more: paid, or nothing to pay. `complete` alone does not say so.
    """

    ref: str
    url: str
    status: str
    is_settled: bool
    reference: str
    customer_ref: str
    subscription_ref: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SeenSubscription:
    """A subscription as it is at the gateway at the moment of looking.

    Attributes:
        status: the gateway's word; one we do not know is not understood as good.
        status_reason: why it is paused, else empty.
        pending_seats: seats that wait for their payment, else None.
        coupon_refs: the coupons that are on it.
    """

    ref: str
    customer_ref: str
    item_ref: str
    price_ref: str
    seats: int
    currency: str
    status: str
    status_reason: str
    period_start: datetime
    period_end: datetime
    trial_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None
    pending_seats: int | None
    pending_until: datetime | None
    schedule_ref: str
    latest_invoice_ref: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line of an invoice; `net_minor` is less discounts and before tax upon it."""

    description: str
    amount_minor: int
    net_minor: int
    seats: int
    price_ref: str
    is_proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class SeenInvoice:
    """An invoice, or a preview of one (`number` and the addresses are empty then)."""

    ref: str
    customer_ref: str
    subscription_ref: str
    number: str
    status: str
    reason: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    due_minor: int
    paid_minor: int
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    paid_at: datetime | None
    hosted_url: str
    pdf_url: str
    lines: tuple[SeenLine, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a verified message of the gateway says: that an object changed. Go and look.

    Attributes:
        key: the gateway's id of the message, the same at each delivery.
    """

    key: str
    kind: str
    object_ref: str
    occurred_at: datetime
