"""Subscribe: a page at the gateway, opened for an organization or for somebody who signs one up; what came of
it is told by messages, never by the browser that returns."""

import hashlib
import uuid

from django.conf import settings
from django.db.models import Exists, OuterRef

from billing.enums import CheckoutState, Interval
from billing.errors import (
    CheckoutPaid,
    CurrencyFixed,
    FailureKept,
    GrantedSubscriptionExists,
    PaymentsNotSetUp,
    PlanNotOffered,
    PriceNotOffered,
    SeatsOutsidePlan,
    SubscriptionExists,
    TrialUsed,
)
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.locks import lock_live_subscription
from billing.models import BillingAccount, Checkout, PlanPrice, Subscription
from billing.policies import BILLING_MANAGE, require_in
from billing.selectors.promotions import usable_promotion_ref
from billing.services.customers.checkout_pages import (
    PageOwner,
    PageWish,
    close_page,
    do_apply_checkout,
    do_end_pages,
    do_note_purchase,
    open_page,
    sweep_checkouts,
)
from billing.services.customers.return_addresses import checked_return
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Conflict
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.context import in_public
from tenants.enums import OrganizationState
from tenants.errors import IllegalMove
from tenants.models import Organization

REFRESH = "billing.refresh_account"
# Nobody buys for an organization whose doors are closed, or that is going.
_CLOSED = frozenset(
    {
        OrganizationState.SUSPENDED,
        OrganizationState.CLOSING,
        OrganizationState.DELETING,
        OrganizationState.DELETED,
    }
)

__all__ = [
    "REFRESH",
    "do_adopt_customer",
    "do_apply_checkout",
    "do_end_pages",
    "ensure_account",
    "expire_checkout",
    "start_checkout",
    "start_sign_up_checkout",
    "sweep_checkouts",
]


def start_checkout(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    plan_code: str,
    interval: Interval,
    currency: str,
    seats: int,
    success_url: str = "",
    cancel_url: str = "",
    trial: bool | None = None,
    promotion: str = "",
) -> Checkout:
    """Open a page on which the organization subscribes; the same wish again gives the page that is open.

    A page for another wish is closed first, so that never two can be paid.

    Args:
        currency: lower case.
        success_url, cancel_url: where the page leads back to; empty for the organization's own host.
        trial: True wants one, False none, None takes it where there is one.
        promotion: a code to be on the page from the start.

    Raises:
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
        ReturnAddressForeign, PromotionNotValid, CurrencyFixed, TrialUsed: not to this organization.
        SubscriptionExists: there is a live subscription; change that one.
        IllegalMove: the organization is suspended, or on its way out.
        CheckoutPaid, CheckoutReplaced: another page was paid or asked for at the same time.
        GatewayUnavailable: nothing is open; try again.
    """
    with in_public():
        gateway = _gateway()
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            _refuse_second(organization_id)
        price = _offered(plan_code, interval, currency, seats)
        terms = _terms(
            success_url=checked_return(
                success_url, organization_id=organization_id, field="success_url", paid=True
            ),
            cancel_url=checked_return(cancel_url, organization_id=organization_id, field="cancel_url"),
            promotion_ref=usable_promotion_ref(
                promotion, price=price, organization_id=organization_id, field="promotion"
            )
            if promotion
            else "",
        )
        days = _trial_days(organization_id, price, trial)
        account = ensure_account(gateway, organization_id)
        if account.currency and account.currency != currency:
            raise CurrencyFixed(field="currency", currency=account.currency.upper(), asked=currency.upper())

        def check() -> None:
            require_in(actor, BILLING_MANAGE, organization_id)
            _refuse_second(organization_id)
            organization = Organization.objects.select_for_update(no_key=True).get(id=organization_id)
            if organization.state in _CLOSED:
                raise IllegalMove(state=organization.state)

        return open_page(
            gateway,
            PageOwner(organization_id=organization_id),
            PageWish(price, seats, account.gateway_ref, days, terms),
            requested_by_id=actor.user_id,
            do_check=check,
            do_note=lambda row: _record(actor, row),
        )


def start_sign_up_checkout(
    *,
    sign_up_id: uuid.UUID,
    name: str,
    email: str,
    plan_code: str,
    interval: Interval,
    currency: str,
    seats: int,
    with_card: bool,
    success_url: str,
    cancel_url: str,
    with_trial: bool = True,
) -> Checkout:
    """Open a page on which somebody signs an organization up; the same wish again gives the open page.

    There is no organization yet: the row carries the customer that it will be (`do_adopt_customer`). When the
    gateway says that the page is paid, or its trial begun, the message `billing.checkout_paid` is sent.
    The caller answers for who asks, and that the addresses are its own.

    Args:
        with_card: False asks for no card where the plan begins with a trial.
        with_trial: False for somebody who had one before.

    Raises:
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
        CheckoutPaid, CheckoutReplaced: another page was paid or asked for at the same time.
        GatewayUnavailable: nothing is open; try again.
    """
    gateway = _gateway()
    price = _offered(plan_code, interval, currency, seats)
    terms = _terms(success_url=success_url, cancel_url=cancel_url)
    trial_days = price.plan.trial_days if with_trial else 0
    if trial_days:
        terms["card_now"] = with_card
    owner = PageOwner(sign_up_id=sign_up_id)
    known = owner.rows().exclude(customer_ref="").values_list("customer_ref", flat=True).first()
    customer_ref = known or _create_customer(
        gateway, name, email, key=("sign-up", sign_up_id), metadata={"sign_up": str(sign_up_id)}
    )

    def check() -> None:
        paid = owner.rows().filter(state=CheckoutState.COMPLETE).first()
        if paid is not None:
            raise CheckoutPaid(checkout=str(paid.id))

    return open_page(
        gateway,
        owner,
        PageWish(price, seats, customer_ref, trial_days, terms),
        requested_by_id=None,
        do_check=check,
        do_note=lambda row: None,
    )


def do_adopt_customer(*, organization: Organization, checkout: Checkout) -> BillingAccount:
    """Make the customer of a sign-up's page the new organization's; safe to repeat.

    Raises:
        Conflict: the customer is another organization's.
    """
    require_transaction()
    row = Checkout.objects.select_for_update(no_key=True).select_related("price").get(id=checkout.id)
    account, _ = BillingAccount.objects.get_or_create(
        gateway_ref=row.customer_ref,
        defaults={
            "organization": organization,
            "name": organization.name,
            "email": organization.owner_email,
        },
    )
    if account.organization_id != organization.id:
        raise Conflict(customer=row.customer_ref)
    row.organization = organization
    row.save_fields("organization")
    do_note_purchase(account, row)
    # What was typed on the page (address, tax id) was told when there was no account to keep it.
    enqueue(REFRESH, organization_id=None, account_id=account.id)
    return account


def expire_checkout(checkout_id: uuid.UUID) -> CheckoutState:
    """Close a page; return how it stands then: `complete` where it was paid before.

    Raises:
        Checkout.DoesNotExist: there is no such row.
        GatewayUnavailable: it may still be open; try again.
    """
    row = Checkout.objects.get(id=checkout_id)
    if row.state in (CheckoutState.STARTING, CheckoutState.OPEN):
        try:
            close_page(_gateway(), row)
        except CheckoutPaid:
            return CheckoutState.COMPLETE
        row.refresh_from_db()
    return CheckoutState(row.state)


def ensure_account(gateway: StripeGateway, organization_id: uuid.UUID) -> BillingAccount:
    """Return the organization as a customer, made at its first purchase: one, however often asked."""
    found = BillingAccount.objects.filter(organization_id=organization_id).first()
    if found is not None:
        return found
    organization = Organization.objects.get(id=organization_id)
    ref = _create_customer(
        gateway,
        organization.name,
        organization.owner_email,
        key=("customer", organization_id),
        metadata={"organization": str(organization_id)},
    )
    made = BillingAccount(
        organization=organization,
        gateway_ref=ref,
        name=organization.name,
        email=organization.owner_email,
    )
    with entry_transaction():
        BillingAccount.objects.bulk_create([made], ignore_conflicts=True)
        return BillingAccount.objects.get(organization_id=organization_id)


def _create_customer(
    gateway: StripeGateway, name: str, email: str, *, key: tuple[str, uuid.UUID], metadata: dict[str, str]
) -> str:
    """Return the customer of this key. Where the gateway keeps a failure, another one is made at once: a
    customer that nobody knows of costs nothing, and nobody could buy for a day."""
    first = _customer_key(*key, name, email)
    for idempotency_key in (first, f"{first}-2"):
        try:
            return gateway.create_customer(
                name=name, email=email, metadata=metadata, idempotency_key=idempotency_key
            )
        except FailureKept:
            continue
    return gateway.create_customer(name=name, email=email, metadata=metadata, idempotency_key=f"{first}-3")


def _customer_key(kind: str, identifier: uuid.UUID, name: str, email: str) -> str:
    # With what is sent: after a renaming in between, the same key would be refused for a day.
    digest = hashlib.sha256(f"{name}\n{email}".encode()).hexdigest()[:12]
    return f"{kind}-{identifier}-{digest}"


def _gateway() -> StripeGateway:
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    return gateway


def _offered(plan_code: str, interval: Interval, currency: str, seats: int) -> PlanPrice:
    price = (
        PlanPrice.objects.select_related("plan")
        .filter(plan__code=plan_code, interval=interval, currency=currency, is_active=True)
        .exclude(gateway_ref=None)
        .first()
    )
    if price is None:
        raise PriceNotOffered(field="plan", plan=plan_code, interval=str(interval), currency=currency.upper())
    if not price.plan.is_active:
        raise PlanNotOffered(plan=plan_code)
    plan = price.plan
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
    return price


def _terms(*, success_url: str, cancel_url: str, promotion_ref: str = "") -> dict[str, object]:
    return {
        "success_url": success_url,
        "cancel_url": cancel_url,
        "card_now": True,
        "automatic_tax": settings.CHECKOUT_AUTOMATIC_TAX,
        "tax_ids": settings.CHECKOUT_TAX_IDS,
        "promotion_codes": settings.CHECKOUT_PROMOTION_CODES and not promotion_ref,
        "promotion_ref": promotion_ref,
    }


def _trial_days(organization_id: uuid.UUID, price: PlanPrice, trial: bool | None) -> int:
    """Return the days of the trial: one for each customer, whatever became of it."""
    days = price.plan.trial_days
    if trial is False or not days:
        return 0
    used = (
        BillingAccount.objects.filter(organization_id=organization_id, trial_used_at__isnull=False).exists()
        or Subscription.objects.filter(
            organization_id=organization_id, trial_ends_at__isnull=False, gateway_ref__isnull=False
        ).exists()
    )
    if used and trial:
        raise TrialUsed(field="trial")
    return 0 if used else days


def _refuse_second(organization_id: uuid.UUID) -> None:
    live = lock_live_subscription(organization_id)
    if live is None:
        _refuse_after_payment(organization_id)
        return
    if live.gateway_ref is None:
        raise GrantedSubscriptionExists(organization=str(organization_id), granted=True)
    raise SubscriptionExists(organization=str(organization_id), granted=False)


def _refuse_after_payment(organization_id: uuid.UUID) -> None:
    """Refuse while what was bought on an earlier page is still on its way here: a page is told of before its
    subscription, or instead of it, and who does not see what they paid for would pay again."""
    known = Subscription.objects.filter(gateway_ref=OuterRef("subscription_ref"))
    rows = Checkout.objects.filter(organization_id=organization_id, state=CheckoutState.COMPLETE)
    paid = rows.exclude(subscription_ref="").filter(~Exists(known)).first()
    if paid is not None:
        raise CheckoutPaid(checkout=str(paid.id))


def _record(actor: Actor, row: Checkout) -> None:
    do_record(
        actor=actor,
        action="billing.checkout",
        organization_id=row.organization_id,
        target=row,
        changes={"plan": row.price.plan.code, "seats": row.seats},
    )
