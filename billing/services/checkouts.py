"""Subscribe: a page at the gateway, opened for an organization; what came of it is told by messages."""

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction

from billing.enums import CheckoutState, Interval
from billing.errors import (
    PaymentsNotSetUp,
    PlanNotOffered,
    PriceNotOffered,
    SeatsOutsidePlan,
    SubscriptionExists,
)
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import CheckoutWish, SeenCheckout
from billing.locks import lock_live_subscription
from billing.models import BillingAccount, Checkout, PlanPrice
from billing.policies import BILLING_MANAGE, require_in
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.models import Organization

# As short as the gateway allows with some time to type a card number.
PAGE_LIFETIME = timedelta(minutes=40)


def start_checkout(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    plan_code: str,
    interval: Interval,
    currency: str,
    seats: int,
    success_url: str,
    cancel_url: str,
) -> Checkout:
    """Open a page on which the organization subscribes; the same wish again gives the page that is open.

    A page for another wish is closed first, so that never two can be paid.

    Raises:
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
        SubscriptionExists: there is a live subscription; change that one.
        GatewayUnavailable: nothing is open; try again.
    """
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    price = _offered(plan_code, interval, currency, seats)
    row, outdated = _prepare(actor, organization_id, price, seats)
    for ref in outdated:
        gateway.end_checkout(ref)
    if row.state == CheckoutState.OPEN:
        return row
    account = ensure_account(gateway, organization_id)
    started = gateway.start_checkout(
        CheckoutWish(
            reference=str(row.id),
            customer_ref=account.gateway_ref,
            price_ref=str(price.gateway_ref),
            seats=seats,
            success_url=success_url,
            cancel_url=cancel_url,
            expires_at=row.expires_at,
            trial_days=price.plan.trial_days,
            promotion_codes=True,
        ),
        idempotency_key=str(row.id),
    )
    with entry_transaction():
        row = Checkout.objects.select_for_update(no_key=True).get(id=row.id)
        if row.state == CheckoutState.STARTING:
            row.state, row.gateway_ref, row.url = CheckoutState.OPEN, started.ref, started.url
            row.save_fields("state", "gateway_ref", "url")
    return row


def do_apply_checkout(seen: SeenCheckout) -> None:
    """Note that a page is over; what was bought on it is told by the subscription's own messages."""
    require_transaction()
    state = {"complete": CheckoutState.COMPLETE, "expired": CheckoutState.EXPIRED}.get(seen.status)
    row = Checkout.objects.select_for_update(no_key=True).filter(gateway_ref=seen.ref).first()
    if row is not None and state is not None and row.state != state:
        row.state = state
        row.save_fields("state")


def ensure_account(gateway: StripeGateway, organization_id: uuid.UUID) -> BillingAccount:
    """Return the organization as a customer, made at its first purchase: one, however often asked."""
    found = BillingAccount.objects.filter(organization_id=organization_id).first()
    if found is not None:
        return found
    organization = Organization.objects.get(id=organization_id)
    ref = gateway.create_customer(
        name=organization.name,
        email=organization.owner_email,
        metadata={"organization": str(organization_id)},
        idempotency_key=f"customer-{organization_id}",
    )
    with entry_transaction():
        BillingAccount.objects.bulk_create(
            [BillingAccount(organization=organization, gateway_ref=ref, email=organization.owner_email)],
            ignore_conflicts=True,
        )
        return BillingAccount.objects.get(organization_id=organization_id)


def _offered(plan_code: str, interval: Interval, currency: str, seats: int) -> PlanPrice:
    price = (
        PlanPrice.objects.select_related("plan")
        .filter(plan__code=plan_code, interval=interval, currency=currency, is_active=True)
        .exclude(gateway_ref=None)
        .first()
    )
    if price is None:
        raise PriceNotOffered(field="plan", plan=plan_code, interval=str(interval), currency=currency)
    if not price.plan.is_active:
        raise PlanNotOffered(plan=plan_code)
    plan = price.plan
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
    return price


def _prepare(
    actor: Actor, organization_id: uuid.UUID, price: PlanPrice, seats: int
) -> tuple[Checkout, list[str]]:
    """Return the row of the page, and the ids of pages to close first."""
    with entry_transaction():
        require_in(actor, BILLING_MANAGE, organization_id)
        live = lock_live_subscription(organization_id)
        if live is not None:
            raise SubscriptionExists(organization=str(organization_id))
        Organization.objects.select_for_update(no_key=True).get(id=organization_id)
        outdated = []
        for row in Checkout.objects.filter(
            organization_id=organization_id, state__in=(CheckoutState.STARTING, CheckoutState.OPEN)
        ):
            if row.price_id == price.id and row.seats == seats and row.expires_at > clock.now():
                return row, []
            if row.gateway_ref:
                outdated.append(row.gateway_ref)
            row.state = CheckoutState.EXPIRED
            row.save_fields("state")
        made = Checkout(
            organization_id=organization_id,
            price=price,
            seats=seats,
            requested_by_id=actor.user_id,
            expires_at=clock.now() + PAGE_LIFETIME,
        )
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError as error:  # two at once: the constraint lets one through
            raise SubscriptionExists(organization=str(organization_id)) from error
        do_record(
            actor=actor,
            action="billing.checkout",
            organization_id=organization_id,
            target=made,
            changes={"plan": price.plan.code, "seats": seats},
        )
    return made, outdated
