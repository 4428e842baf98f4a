"""Reads on sign-ups."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from billing.enums import Interval
from billing.services.customers.sign_up_purchases import Offer, Page, get_offer, newest_page
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.policies import require
from shared_apps.onboarding.enums import UNPAID_SIGN_UPS, NextStep, SignUpStatus
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.policies import SIGN_UP
from shared_apps.onboarding.tokens import fits
from tenants.links import public_url
from tenants.selectors.hosts import primary_host
from tenants.services.organizations import host_of

_STEPS = {
    SignUpStatus.UNVERIFIED: NextStep.VERIFY_EMAIL,
    SignUpStatus.VERIFIED: NextStep.CHECKOUT,
    SignUpStatus.PROVISIONING: NextStep.WAIT,
    SignUpStatus.READY: NextStep.SIGN_IN,
    SignUpStatus.NEEDS_ATTENTION: NextStep.SUPPORT,
    SignUpStatus.EXPIRED: NextStep.START_AGAIN,
    SignUpStatus.CANCELED: NextStep.START_AGAIN,
    SignUpStatus.REFUNDED: NextStep.START_AGAIN,
}
_AT_ONCE = 200
# A step that a task is at takes less; then somebody else goes on.
_STUCK_AFTER = timedelta(minutes=1)
_NO_MESSAGE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SweptSignUps:
    """What a sweep has to look at, each list longest waiting first.

    Attributes:
        over: unpaid, and their time is over.
        stuck: paid, and nobody goes on with them.
        silent: on their page for a while: a message may have been lost.
    """

    over: list[uuid.UUID]
    stuck: list[uuid.UUID]
    silent: list[uuid.UUID]


def get_sign_up(*, actor: Actor, sign_up_id: uuid.UUID, secret: str | None) -> SignUp:
    """Return the sign-up for whoever has its secret.

    Raises:
        NotFound: there is none, or the secret is another one. Which, isn't said.
    """
    require(actor, SIGN_UP)
    row = SignUp.objects.filter(id=sign_up_id).first()
    if row is None or not fits(secret, row.secret_hash):
        raise NotFound(sign_up=str(sign_up_id))
    return row


def show_sign_up(row: SignUp) -> dict[str, Any]:
    """Return a sign-up as answers show it, with what comes next."""
    is_open = row.status in UNPAID_SIGN_UPS
    page = newest_page(row.id) if row.status == SignUpStatus.PAYING else None
    offer = _offer(row)
    is_ready = row.status == SignUpStatus.READY and row.organization_id is not None
    host = primary_host(row.organization_id) if is_ready and row.organization_id else host_of(row.slug)
    return {
        "id": row.id,
        "status": row.status,
        "next_step": _next_step(row, page),
        "name": row.name,
        "slug": row.slug,
        "host": host,
        "url": public_url(host, "/") if is_ready else None,
        "email": row.email,
        "plan": row.plan_code,
        "interval": row.interval,
        "seats": row.seats,
        "unit_price": offer and _money(offer.unit_minor, offer),
        "amount": offer and _money(offer.unit_minor * row.seats, offer),
        "trial_days": row.trial_days,
        "card_later": row.card_later,
        "checkout_url": page.url or None if page else None,
        "expires_at": row.expires_at if is_open else None,
    }


def _next_step(row: SignUp, page: Page | None) -> NextStep:
    if row.status == SignUpStatus.PAYING:
        if page is not None and page.is_complete:
            return NextStep.WAIT
        return NextStep.PAY if page is not None and page.url else NextStep.CHECKOUT
    return _STEPS[SignUpStatus(row.status)]


def _offer(row: SignUp) -> Offer | None:
    try:
        return get_offer(
            plan_code=row.plan_code, interval=Interval(row.interval), currency=row.currency, seats=row.seats
        )
    except DomainError:  # not sold any more
        return None


def _money(amount_minor: int, offer: Offer) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": offer.currency.upper()}


def is_name_held(alike: str) -> bool:
    """Tell whether a sign-up holds the subdomain of this skeleton."""
    return SignUp.objects.filter(held_skeleton=alike).exists()


def sign_ups_to_sweep() -> SweptSignUps:
    """Return what the sweep looks at."""
    now = clock.now()
    unpaid = SignUp.objects.filter(status__in=UNPAID_SIGN_UPS)
    over = unpaid.filter(Q(expires_at__lte=now) | Q(closing_at__isnull=False))
    waiting = SignUp.objects.filter(status=SignUpStatus.PROVISIONING, updated_at__lte=now - _STUCK_AFTER)
    silent = unpaid.filter(status=SignUpStatus.PAYING, updated_at__lte=now - _NO_MESSAGE_AFTER)
    return SweptSignUps(
        over=list(over.order_by("expires_at").values_list("id", flat=True)[:_AT_ONCE]),
        stuck=list(waiting.order_by("updated_at").values_list("id", flat=True)[:_AT_ONCE]),
        silent=list(silent.order_by("updated_at").values_list("id", flat=True)[:_AT_ONCE]),
    )


def forgettable_before() -> datetime:
    """Return the moment before which a sign-up that came to nothing must have ended to be forgotten."""
    return clock.now() - settings.KEEP_EXPIRED_SIGN_UPS
