"""Promotion codes: made and archived here, brought to the gateway, which counts their uses."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction

from billing.enums import Duration
from billing.errors import (
    AmountNotChargeable,
    CurrencyUnknown,
    GatewayRefused,
    PaymentsNotSetUp,
    PromotionCodeTaken,
    PromotionIncoherent,
)
from billing.gateways.stripe_gateway import stripe_gateway
from billing.gateways.types import PromotionWish
from billing.models import Plan, Promotion
from billing.money import MOST_MINOR, STRIPE
from billing.policies import PLANS_MANAGE
from billing.services.catalogue.plans import SYNC
from billing.services.catalogue.syncing import product_ref
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

# So long an archived code is taken back there at each run; nothing tells that it was.
_RETIRED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PromotionDraft:
    """A promotion to be: `percent` (1 to 100), or `amount_minor` of `currency` (lower case).

    Attributes:
        plan_id: the only plan it lowers; None for all.
        months: for how long, with the duration "repeating".
    """

    code: str
    duration: Duration = Duration.ONCE
    percent: int | None = None
    amount_minor: int | None = None
    currency: str = ""
    months: int | None = None
    plan_id: uuid.UUID | None = None
    max_redemptions: int | None = None
    expires_at: datetime | None = None


def create_promotion(*, actor: Actor, draft: PromotionDraft) -> Promotion:
    """Add a promotion code; it works when the gateway has it.

    Raises:
        PromotionIncoherent, CurrencyUnknown, AmountNotChargeable: its facts do not go together.
        PromotionCodeTaken: there is one, archived or not.
        NotFound: there is no such plan.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        _check(draft)
        if draft.plan_id is not None and not Plan.objects.filter(id=draft.plan_id).exists():
            raise NotFound(field="plan", plan=str(draft.plan_id))
        promotion = Promotion(
            code=draft.code.upper(),
            plan_id=draft.plan_id,
            percent=draft.percent,
            amount_minor=draft.amount_minor,
            currency=draft.currency,
            duration=draft.duration,
            months=draft.months,
            max_redemptions=draft.max_redemptions,
            expires_at=draft.expires_at,
        )
        try:
            with transaction.atomic():
                promotion.save(force_insert=True)
        except IntegrityError as error:
            raise PromotionCodeTaken(field="code") from error
        do_record(actor=actor, action="promotions.create", organization_id=None, target=promotion)
        enqueue(SYNC, organization_id=None)
    return promotion


def archive_promotion(*, actor: Actor, promotion_id: uuid.UUID) -> Promotion:
    """Take a code no more; who has it keeps it. Archiving it again changes nothing.

    Raises:
        NotFound: there is no such promotion.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        promotion = Promotion.objects.select_for_update(of=("self",)).filter(id=promotion_id).first()
        if promotion is None:
            raise NotFound(promotion=str(promotion_id))
        if promotion.is_active:
            promotion.is_active = False
            promotion.save_fields("is_active")
            do_record(actor=actor, action="promotions.archive", organization_id=None, target=promotion)
            enqueue(SYNC, organization_id=None)
    return promotion


def sync_promotions() -> int:
    """Bring codes to the gateway and retire those that are archived; return how many were brought. Safe to
    repeat; one that the gateway refuses keeps no other back.

    Raises:
        PaymentsNotSetUp: there is no gateway.
        GatewayUnavailable: what was done stays done; run it again.
    """
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    brought = 0
    for promotion in Promotion.objects.filter(gateway_ref=None, is_active=True).select_related("plan"):
        if promotion.expires_at is not None and promotion.expires_at <= clock.now():
            continue
        try:
            seen = gateway.ensure_promotion(_wish(promotion))
        except GatewayRefused as error:
            log.error("promotion_refused", promotion=promotion.code, reason=error.facts.get("reason"))
            continue
        with entry_transaction():
            promotion.gateway_ref = seen.ref
            promotion.save_fields("gateway_ref")
        brought += 1
    lately = clock.now() - _RETIRED_FOR
    for promotion in Promotion.objects.filter(
        is_active=False, gateway_ref__isnull=False, updated_at__gt=lately
    ):
        gateway.retire_promotion(str(promotion.gateway_ref))
    return brought


def _check(draft: PromotionDraft) -> None:
    is_percent, is_amount = draft.percent is not None, draft.amount_minor is not None
    if is_percent == is_amount or is_amount != bool(draft.currency):
        raise PromotionIncoherent(field="percent")
    if (draft.duration == Duration.REPEATING) != (draft.months is not None):
        raise PromotionIncoherent(field="months")
    if draft.expires_at is not None and draft.expires_at <= clock.now():
        raise PromotionIncoherent(field="expires_at")
    if draft.amount_minor is not None:
        rules = STRIPE.get(draft.currency)
        if rules is None:
            raise CurrencyUnknown(field="amount", known=sorted(code.upper() for code in STRIPE))
        if draft.amount_minor % rules.step or not 0 < draft.amount_minor <= MOST_MINOR:
            raise AmountNotChargeable(
                field="amount", step=rules.step, minimum=rules.step, most=MOST_MINOR, asked=draft.amount_minor
            )


def _wish(promotion: Promotion) -> PromotionWish:
    return PromotionWish(
        reference=f"palaestra-{promotion.id.hex}",
        code=promotion.code,
        duration=promotion.duration,
        months=promotion.months,
        percent=promotion.percent,
        amount_minor=promotion.amount_minor,
        currency=promotion.currency,
        product_ref=product_ref(promotion.plan) if promotion.plan is not None else "",
        max_redemptions=promotion.max_redemptions,
        expires_at=promotion.expires_at,
    )
