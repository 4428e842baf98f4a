"""Moves of a run: what was done, what each did to whom, and whether it can be undone."""

import uuid
from typing import Any

from django.db.models import BooleanField, Case, F, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Concat, Trim

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.learning.content.moving import members
from tenant_apps.learning.models import RunMove, RunMoveLearner
from tenant_apps.learning.selectors.move_effects import Effect, Reckoning
from tenant_apps.learning.selectors.move_texts import standing_text
from tenant_apps.runs.enums import RunState
from tenant_apps.runs.selectors.moving import MovableRun, get_run_to_move

_FIELDS = (
    "id",
    "run_id",
    "from_version_id",
    "to_version_id",
    "moved_by_id",
    "created_at",
    "undo_until",
    "undone_at",
    "undone_by_id",
)
_REACHED = ("from_number", "to_number", "counts", "undo_counts", "can_undo")


def list_moves(*, actor: Actor, run_id: uuid.UUID) -> QuerySet[RunMove, dict[str, Any]]:
    """Return the run's moves as dicts, with numbers of versions, counts and whether each can be undone now.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not change it.
    """
    return _moves(get_run_to_move(actor=actor, run_id=run_id))


def get_move(*, actor: Actor, run_id: uuid.UUID, move_id: uuid.UUID) -> dict[str, Any]:
    """Return one move with everything but its learners.

    Raises:
        NotFound: no such run or move, or none the actor sees.
        Forbidden: the actor may not change the run.
    """
    found: dict[str, Any] | None = (
        _moves(get_run_to_move(actor=actor, run_id=run_id))
        .filter(pk=move_id)
        .values(
            *_FIELDS,
            *_REACHED,
            rules=F("mapping__rules"),
            lessons=F("summary__lessons"),
            date_rules=F("summary__date_rules"),
            dates_without_unit=F("summary__dates_without_unit"),
        )
        .first()
    )
    if found is None:
        raise NotFound
    return found


def list_move_learners(
    *, actor: Actor, run_id: uuid.UUID, move_id: uuid.UUID
) -> QuerySet[RunMoveLearner, dict[str, Any]]:
    """Return what the move did to each learner; `move_learner` makes the answer's row of each.

    Raises:
        NotFound, Forbidden: as for `get_move`.
    """
    get_run_to_move(actor=actor, run_id=run_id)
    if not RunMove.objects.filter(pk=move_id, run_id=run_id).exists():
        raise NotFound
    found: QuerySet[RunMoveLearner, Any] = RunMoveLearner.objects.filter(move_id=move_id).values(
        "id",
        "enrollment_id",
        "before",
        "after",
        member_id=F("enrollment__member_id"),
        member_name=Trim(
            Concat("enrollment__member__first_name", Value(" "), "enrollment__member__last_name")
        ),
    )
    return found


def read_keys(*, move_id: uuid.UUID) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what places in the learners' rows of a move stand for: lineages, and changed rules of dates."""
    found = RunMove.objects.filter(pk=move_id).order_by().values_list("summary", flat=True)[0]
    return found["lineages"], found["date_rules"]


def dry_run_learner(reckoning: Reckoning, effect: Effect) -> dict[str, Any]:
    """Return what a dry run says of one learner."""
    plan, learner = reckoning.plan, effect.learner
    return {
        "enrollment_id": learner.enrollment_id,
        "member_id": learner.member_id,
        "member_name": learner.name,
        "before": {**standing_text(effect.before), "state": learner.state},
        "after": {**standing_text(effect.after), "state": effect.state_after},
        "lost": plan.named(effect.carried.lost),
        "new": plan.named(effect.carried.new),
        "given": plan.named(effect.given),
        "dates": _dates(effect.dates, [rule.plain() for rule in reckoning.rules]),
        "effects": list(effect.effects),
        "undo_effects": [],
    }


def move_learner(
    row: dict[str, Any], lineages: list[str], date_rules: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what an applied move says of one learner, in the same form."""
    before, after = row["before"], row["after"]
    given = int(after["done"], 16) & ~int(before["done"], 16)
    return {
        "enrollment_id": row["enrollment_id"],
        "member_id": row["member_id"],
        "member_name": row["member_name"],
        "before": before,
        "after": after,
        "lost": [lineages[place] for place in members(int(after["lost"], 16))],
        "new": [lineages[place] for place in members(int(after["new"], 16))],
        "given": [lineages[place] for place in members(given)],
        "dates": _dates(after["dates"], date_rules),
        "effects": after["effects"],
        "undo_effects": after.get("undo", {}).get("effects", []),
    }


def _dates(changes: Any, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return changed dates with the unit and the kind of date ("opens" or "due") they belong to."""
    return [
        {"lineage": unit["lineage"], "what": rules[place]["what"], "before": before, "after": after}
        for place, before, after in changes
        for unit in rules[place]["units"]
    ]


def _moves(run: MovableRun) -> QuerySet[RunMove, dict[str, Any]]:
    applied = RunMove.objects.filter(run_id=run.id, undone_at=None).order_by("-pk").values("pk")
    undoable = Q(undone_at=None, pk=Subquery(applied[:1]), undo_until__gt=clock.now())
    if run.state == RunState.CANCELLED:
        undoable &= Q(pk__in=[])
    found: QuerySet[RunMove, dict[str, Any]] = (
        RunMove.objects.filter(run_id=run.id)
        .annotate(
            from_number=F("from_version__number"),
            to_number=F("to_version__number"),
            counts=F("summary__counts"),
            undo_counts=F("summary__undo"),
            can_undo=Case(When(undoable, then=True), default=False, output_field=BooleanField()),
        )
        .values(*_FIELDS, *_REACHED)
    )
    return found
