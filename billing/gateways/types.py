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
        promotion_codes: whether the page has a field for one; not with `promotion_ref`, which is one already.
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
    tax_ids: bool = False
    promotion_codes: bool = False
    promotion_ref: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromotionWish:
    """A code that lowers prices: by `percent`, or by `amount_minor` of `currency`.

    Attributes:
        reference: our name of it, unique at the gateway.
        duration: "once", "repeating" (for `months`) or "forever".
        product_ref: the only product it lowers; empty for all.
    """

    reference: str
    code: str
    duration: str
    months: int | None = None
    percent: int | None = None
    amount_minor: int | None = None
    currency: str = ""
    product_ref: str = ""
    max_redemptions: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenPromotion:
    """A code at the gateway."""

    ref: str
    code: str
    is_active: bool
    times_redeemed: int


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
class TermsWish:
    """What holds from the next period on.

    Attributes:
        interval: "month" or "year", with `interval_count` the length of a period of the price.
    """

    price_ref: str
    seats: int
    interval: str
    interval_count: int


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
    tax_behavior: str = "unspecified"


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
class SeenStrange:
    """A subscription that is none of ours by its shape: several items, or the old billing mode."""

    ref: str
    customer_ref: str
    status: str
    reason: str


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
    # The payment that covered it; only where it was asked for (`look_invoice`).
    payment_ref: str = ""


@dataclass(frozen=True, slots=True)
class SeenTaxId:
    """A customer's tax id, and what the gateway found out about it."""

    ref: str
    kind: str
    value: str
    verification: str


@dataclass(frozen=True, slots=True)
class SeenCustomer:
    """A customer as it is at the gateway; one that was deleted there has nothing but its id.

    Attributes:
        credit_minor: what the gateway owes the customer; lowers the next invoices.
    """

    ref: str
    is_deleted: bool = False
    name: str = ""
    email: str = ""
    address: dict[str, str] = field(default_factory=dict)
    tax_ids: tuple[SeenTaxId, ...] = ()
    currency: str = ""
    credit_minor: int = 0
    has_payment_method: bool = False


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """Money on its way back; `reference` is the id of our row when we asked for it, else empty."""

    ref: str
    amount_minor: int
    currency: str
    status: str
    reason: str
    reference: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SeenPayment:
    """A payment with all that was given back of it; `invoice_ref` is empty for one of no invoice."""

    ref: str
    invoice_ref: str
    refunds: tuple[SeenRefund, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a verified message of the gateway says: that an object changed. Go and look.

    Attributes:
        key: the gateway's id of the message, the same at each delivery.
        object_ref: what to look at; empty when there is nothing to look at. Of a tax id it is the customer,
            of a refund the payment, of a schedule the subscription: those are what we keep.
    """

    key: str
    kind: str
    object_ref: str
    occurred_at: datetime
