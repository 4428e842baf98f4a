"""What is bought on the page of a sign-up, before there is an organization and when it comes about."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from billing.enums import CheckoutState, Interval
from billing.errors import PaymentsNotSetUp, PlanNotOffered, PriceNotOffered, SeatsOutsidePlan
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.models import BillingAccount, Checkout, PlanPrice
from billing.services.customers.checkouts import do_adopt_customer, expire_checkout
from billing.services.gateway.following import INVOICE, SUBSCRIPTION, look_and_apply
from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction
from tenants.models import Organization

_OPEN = (CheckoutState.STARTING, CheckoutState.OPEN)
# The gateway's words.
_NEVER_BEGAN = frozenset({"incomplete_expired", "canceled"})


@dataclass(frozen=True, slots=True)
class Offer:
    """What is asked for a plan.

    Attributes:
        unit_minor: for one seat and period, before taxes on top.
        trial_days: for somebody who had none before.
    """

    plan_name: str
    unit_minor: int
    currency: str
    trial_days: int


@dataclass(frozen=True, slots=True)
class Page:
    """The newest page of a sign-up.

    Attributes:
        url: empty where nobody can pay on it (any more).
        is_complete: it was gone through; money may still be on its way.
    """

    url: str
    expires_at: datetime
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Purchase:
    """A page that was gone through.

    Attributes:
        is_settled: paid, or a trial has begun; else a bank has still to confirm.
    """

    checkout_id: uuid.UUID
    is_settled: bool


def get_offer(*, plan_code: str, interval: Interval, currency: str, seats: int) -> Offer:
    """Return what is asked, for a wish that is sold.

    Raises:
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
    """
    _gateway()
    price = (
        PlanPrice.objects.select_related("plan")
        .filter(plan__code=plan_code, interval=interval, currency=currency, is_active=True)
        .exclude(gateway_ref=None)
        .first()
    )
    if price is None:
        raise PriceNotOffered(field="plan", plan=plan_code, interval=str(interval), currency=currency.upper())
    plan = price.plan
    if not plan.is_active:
        raise PlanNotOffered(field="plan", plan=plan_code)
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
    return Offer(plan.name, price.unit_minor, price.currency, plan.trial_days)


def had_trial(email: str) -> bool:
    """Tell whether a customer of this address had a trial."""
    return BillingAccount.objects.filter(email=email, trial_used_at__isnull=False).exists()


def newest_page(sign_up_id: uuid.UUID) -> Page | None:
    """Return the page of a sign-up as our rows have it, None before there is one."""
    row = Checkout.objects.filter(sign_up_id=sign_up_id).order_by("-id").first()
    if row is None:
        return None
    is_open = row.state == CheckoutState.OPEN and row.expires_at > clock.now()
    return Page(row.url if is_open else "", row.expires_at, row.state == CheckoutState.COMPLETE)


def gone_through(sign_up_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of the sign-ups that have a page somebody went through."""
    rows = Checkout.objects.filter(sign_up_id__in=sign_up_ids, state=CheckoutState.COMPLETE)
    return [each for each in rows.values_list("sign_up_id", flat=True).distinct() if each is not None]


def sign_up_of(checkout_id: uuid.UUID) -> uuid.UUID | None:
    """Return whose page it is; None for an organization's own, or no page at all."""
    return Checkout.objects.filter(id=checkout_id).values_list("sign_up_id", flat=True).first()


def find_purchases(sign_up_id: uuid.UUID) -> list[Purchase]:
    """Ask the gateway what became of the pages that were gone through, the first one first. One whose bank
    said no, so that its subscription never began, is none.

    Raises:
        GatewayUnavailable: ask again.
    """
    rows = list(Checkout.objects.filter(sign_up_id=sign_up_id, state=CheckoutState.COMPLETE).order_by("id"))
    found = []
    for row in rows:
        seen = _gateway().look_checkout(str(row.gateway_ref))
        if seen.is_settled or not _is_lost(seen.subscription_ref):
            found.append(Purchase(row.id, seen.is_settled))
    return found


def close_pages(sign_up_id: uuid.UUID) -> list[Purchase]:
    """Close what is open, so that nobody can pay any more; return what was gone through before.

    Raises:
        GatewayUnavailable: a page may still be open; ask again.
    """
    for identifier in Checkout.objects.filter(sign_up_id=sign_up_id, state__in=_OPEN).values_list(
        "id", flat=True
    ):
        expire_checkout(identifier)
    return find_purchases(sign_up_id)


def do_adopt_payer(*, checkout_id: uuid.UUID, organization: Organization) -> None:
    """Make the customer of a sign-up's page the organization's, in the transaction that makes the
    organization: else its owner could be faster and make it another customer, beside what is paid. Safe to
    repeat.

    Raises:
        Conflict: the customer is another organization's.
    """
    do_adopt_customer(organization=organization, checkout=Checkout.objects.get(id=checkout_id))


def adopt_purchase(*, checkout_id: uuid.UUID, organization_id: uuid.UUID) -> None:
    """Make the customer the organization's, and give it the subscription that was bought. Safe to repeat.

    Raises:
        Conflict: the customer is another organization's.
        GatewayUnavailable: ask again.
    """
    organization = Organization.objects.get(id=organization_id)
    gateway = _gateway()
    with entry_transaction():
        do_adopt_payer(checkout_id=checkout_id, organization=organization)
    checkout = Checkout.objects.get(id=checkout_id)
    # Messages about these came while the customer was nobody's, and wait for their next try.
    if checkout.subscription_ref:
        look_and_apply(gateway, SUBSCRIPTION, checkout.subscription_ref)
    for invoice in gateway.list_invoices(checkout.customer_ref):
        look_and_apply(gateway, INVOICE, invoice.ref)


def give_back_purchase(checkout_id: uuid.UUID) -> None:
    """End what was bought on a page of no organization, and give all of the money back. Safe to repeat.

    Raises:
        GatewayUnavailable: call again.
        GatewayRefused: a payment cannot be given back; what was done stays done.
    """
    checkout = Checkout.objects.get(id=checkout_id)
    gateway = _gateway()
    if checkout.subscription_ref:
        gateway.cancel(checkout.subscription_ref, idempotency_key=f"{checkout_id}-end")
    for each in gateway.list_invoices(checkout.customer_ref):
        invoice = gateway.look_invoice(each.ref)
        if not invoice.payment_ref:
            continue
        payment = gateway.look_payment(invoice.payment_ref)
        given = sum(one.amount_minor for one in payment.refunds if one.status not in {"failed", "canceled"})
        if invoice.paid_minor > given:
            gateway.refund(
                invoice.payment_ref,
                amount_minor=invoice.paid_minor - given,
                reference=str(checkout_id),
                idempotency_key=f"{checkout_id}-{invoice.ref}",
            )


def _is_lost(subscription_ref: str) -> bool:
    return bool(subscription_ref) and _gateway().look_subscription(subscription_ref).status in _NEVER_BEGAN


def _gateway() -> StripeGateway:
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    return gateway
