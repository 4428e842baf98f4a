"""Keep the plan catalogue."""

import dataclasses
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from billing.entitlements import check_features
from billing.enums import Overuse
from billing.errors import PlanCodeTaken, SeatsOutsidePlan
from billing.models import Plan
from billing.policies import PLANS_MANAGE
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction

EDITABLE = frozenset(
    {
        "name",
        "description",
        "features",
        "min_seats",
        "max_seats",
        "trial_days",
        "position",
        "cooling_hours",
        "moves_percent",
        "overuse",
    }
)
# Brings to the gateway what was changed here.
SYNC = "billing.sync_catalogue"


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """What a new plan says. Seats are numbers of seats an organization can have under it, ends included.

    Attributes:
        position: where it stands in a price list, lowest first.
        cooling_hours: how long somebody holds a seat at least before it moves on.
        moves_percent: moves in a year for each hundred seats; None for any number.
    """

    code: str
    name: str
    description: str = ""
    features: dict[str, Any] = field(default_factory=dict)
    min_seats: int = 1
    max_seats: int = 100_000
    trial_days: int = 0
    position: int = 0
    cooling_hours: int = 0
    moves_percent: int | None = None
    overuse: Overuse = Overuse.BLOCK


def create_plan(*, actor: Actor, draft: PlanDraft) -> Plan:
    """Add a plan to the catalogue.

    Raises:
        PlanCodeTaken: there is one of this code, archived or not.
        SeatsOutsidePlan: min_seats is above max_seats.
        FeatureUnknown, FeatureValueRefused: see `check_features`.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        _check_seats(draft.min_seats, draft.max_seats)
        check_features(draft.features)
        plan = Plan(**dataclasses.asdict(draft))
        try:
            with transaction.atomic():
                plan.save(force_insert=True)
        except IntegrityError as error:  # two creations of one code at once, too
            raise PlanCodeTaken(field="code", plan=draft.code) from error
        do_record(actor=actor, action="plans.create", organization_id=None, target=plan)
        enqueue(SYNC, organization_id=None)
    return plan


def update_plan(*, actor: Actor, plan_id: uuid.UUID, changes: dict[str, Any]) -> Plan:
    """Change what a plan says; live subscriptions keep the seats they have.

    Args:
        changes: any of EDITABLE; other names are ignored.

    Raises:
        NotFound: there is no such plan.
        SeatsOutsidePlan, FeatureUnknown, FeatureValueRefused: as for `create_plan`.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        plan = _lock(plan_id)
        _check_seats(changes.get("min_seats", plan.min_seats), changes.get("max_seats", plan.max_seats))
        check_features(changes.get("features", {}))
        differing = {
            name: value
            for name, value in changes.items()
            if name in EDITABLE and getattr(plan, name) != value
        }
        if differing:
            recorded = {name: [getattr(plan, name), value] for name, value in differing.items()}
            for name, value in differing.items():
                setattr(plan, name, value)
            plan.save_fields(*differing)
            do_record(actor=actor, action="plans.update", organization_id=None, target=plan, changes=recorded)
            enqueue(SYNC, organization_id=None)
    return plan


def archive_plan(*, actor: Actor, plan_id: uuid.UUID) -> Plan:
    """Stop offering a plan; its subscriptions go on. Archiving it again changes nothing."""
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        plan = _lock(plan_id)
        if plan.is_active:
            plan.is_active = False
            plan.save_fields("is_active")
            do_record(actor=actor, action="plans.archive", organization_id=None, target=plan)
            enqueue(SYNC, organization_id=None)
    return plan


def _lock(plan_id: uuid.UUID) -> Plan:
    plan = Plan.objects.select_for_update().filter(id=plan_id).first()
    if plan is None:
        raise NotFound(plan=str(plan_id))
    return plan


def _check_seats(least: int, most: int) -> None:
    if least > most:
        raise SeatsOutsidePlan(field="min_seats", min_seats=least, max_seats=most)
