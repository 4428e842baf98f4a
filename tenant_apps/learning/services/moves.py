"""Move a run to another version of its course: look first, then apply; undo is for thirty days.

Records of lessons go by lineage, so what is the same or only elsewhere in the other version stays done by
itself. A mapping says what stands for the rest. No record is ever taken from a learner, and what no longer
counts is listed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction
from tenant_apps.learning.content.moving import Plan
from tenant_apps.learning.errors import MoveOutdated, MoveRunCancelled
from tenant_apps.learning.models import RunMove, RunMoveLearner
from tenant_apps.learning.selectors.move_effects import COMPLETES, Effect, Reckoning, reckon_move
from tenant_apps.learning.selectors.move_texts import lesson_ids_of, standing_text, translate_lesson
from tenant_apps.learning.services.move_steps import (
    Completion,
    Count,
    GivenLesson,
    do_complete_by_move,
    do_count,
    do_give,
)
from tenant_apps.learning.services.move_undoing import undo_move
from tenant_apps.runs.enums import RunState
from tenant_apps.runs.selectors.moving import MovableRun, get_run_to_move
from tenant_apps.runs.services.moving import do_change_version, do_lock_run_to_move
from tenants.context import current_organization

__all__ = ["DryRun", "apply_move", "dry_run_move", "undo_move"]

UNDO_DAYS: Final = 30
MOVE = "runs.move"

Mapping = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a move would do. `learners` is one page of effects, `next_after` the last enrollment on it when
    there are more."""

    reckoning: Reckoning
    fingerprint: str
    learners: list[Effect]
    next_after: uuid.UUID | None


def dry_run_move(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    to_version_id: uuid.UUID,
    mapping: Mapping = (),
    only: str | None = None,
    after: uuid.UUID | None = None,
    limit: int = 50,
) -> DryRun:
    """Return what moving the run would do to everybody in it; nothing is written.

    Args:
        actor: who acts.
        run_id: the run.
        to_version_id: another published version of its course, newer or older.
        mapping: see `content.mapping`; without rules lineage alone decides.
        only: "affected" or one of the effects; lists these learners alone.
        after: list learners behind this enrollment.
        limit: of learners listed.

    Raises:
        NotFound, Forbidden: see `get_run_to_move`.
        MoveRunCancelled: the run is cancelled.
        MoveTargetRefused, MappingRefused: see `reckon_move`.
    """
    run = get_run_to_move(actor=actor, run_id=run_id)
    _refuse_cancelled(run)
    reckoning = reckon_move(run=run, to_version_id=to_version_id, mapping=list(mapping))
    listed = [
        effect
        for effect in reckoning.effects
        if (after is None or effect.learner.enrollment_id > after)
        and (only is None or only in effect.effects or (only == "affected" and bool(effect.effects)))
    ]
    page = listed[:limit]
    more = page[-1].learner.enrollment_id if len(listed) > limit else None
    return DryRun(reckoning, reckoning.fingerprint(), page, more)


def apply_move(
    *, actor: Actor, run_id: uuid.UUID, to_version_id: uuid.UUID, fingerprint: str, mapping: Mapping = ()
) -> uuid.UUID:
    """Move the run as the dry run showed, and return the move's id.

    One transaction, with the run and everybody in it locked: a lesson completed meanwhile waits, and then
    counts in the new version.

    Args:
        fingerprint: of the dry run; others as for it.

    Raises:
        MoveOutdated: it would do something else by now.
        Others: as for `dry_run_move`.
    """
    with entry_transaction():
        run = do_lock_run_to_move(actor=actor, run_id=run_id)
        _refuse_cancelled(run)
        reckoning = reckon_move(run=run, to_version_id=to_version_id, mapping=list(mapping))
        if reckoning.fingerprint() != fingerprint:
            raise MoveOutdated(summary=reckoning.summary())
        now = clock.now()
        move = _do_write_move(actor, reckoning, now)
        do_change_version(run_id=run_id, version_id=to_version_id)
        do_give(list(_given(reckoning)), now=now, move_id=move.id)
        do_count(_counts(reckoning), now=now)
        do_complete_by_move(
            [
                Completion(each.learner.enrollment_id, each.learner.member_id, each.learner.attempt)
                for each in reckoning.effects
                if COMPLETES in each.effects
            ],
            run=run,
            version_id=to_version_id,
            cause=str(move.id),
            now=now,
        )
        do_record(
            actor=actor,
            action=MOVE,
            organization_id=current_organization().id,
            target_kind="courserun",
            target_id=run_id,
            changes={
                "version_id": [str(run.version_id), str(to_version_id)],
                "move_id": str(move.id),
                "mapping": move.mapping["rules"],
                **{key: move.summary["counts"][key] for key in ("learners", "completes", "loses_work")},
            },
        )
    return move.id


def _refuse_cancelled(run: MovableRun) -> None:
    if run.state == RunState.CANCELLED:
        raise MoveRunCancelled(state=run.state)


def _given(reckoning: Reckoning) -> list[GivenLesson]:
    lessons = lesson_ids_of(reckoning.plan.after)
    return [
        GivenLesson(effect.learner.enrollment_id, effect.learner.attempt, lineage, lessons[lineage])
        for effect in reckoning.effects
        if effect.given
        for lineage in reckoning.plan.named(effect.given)
    ]


def _counts(reckoning: Reckoning) -> list[Count]:
    """Counters of everybody who has any, with the place where they left in the version moved to."""
    return [
        Count(effect.learner.enrollment_id, effect.after, _last(reckoning.plan, effect))
        for effect in reckoning.effects
        if effect.learner.counted is not None or effect.after.completed
    ]


def _last(plan: Plan, effect: Effect) -> uuid.UUID | None:
    return translate_lesson(effect.learner.last_lesson_id, plan.before, plan.after, plan.rules)


def _do_write_move(actor: Actor, reckoning: Reckoning, now: datetime) -> RunMove:
    plan = reckoning.plan
    move = RunMove.objects.create(
        id=new_id(),
        created_at=now,
        updated_at=now,
        run_id=reckoning.run.id,
        from_version_id=reckoning.run.version_id,
        to_version_id=reckoning.to_version_id,
        mapping={"rules": [rule.plain() for rule in plan.rules]},
        summary={
            "counts": reckoning.summary(),
            "lessons": reckoning.lessons(),
            "date_rules": [rule.plain() for rule in reckoning.rules],
            "dates_without_unit": reckoning.vanished,
            # What the sets and places of the learners' rows count in.
            "lineages": plan.lineages,
        },
        moved_by_id=actor.membership_id,
        undo_until=now + timedelta(days=UNDO_DAYS),
    )
    RunMoveLearner.objects.bulk_create(
        [
            RunMoveLearner(
                created_at=now,
                updated_at=now,
                move_id=move.id,
                enrollment_id=effect.learner.enrollment_id,
                before={
                    **standing_text(effect.before),
                    "state": effect.learner.state,
                    "completed_at": _text(effect.learner.completed_at),
                    "attempt": effect.learner.attempt,
                    "last_lesson_id": _plain(effect.learner.last_lesson_id),
                    "done": f"{effect.done:x}",
                },
                after={
                    **standing_text(effect.after),
                    "state": effect.state_after,
                    "completed_at": _text(
                        now if COMPLETES in effect.effects else effect.learner.completed_at
                    ),
                    "last_lesson_id": _plain(_last(plan, effect)),
                    "done": f"{effect.carried.after:x}",
                    "lost": f"{effect.carried.lost:x}",
                    "new": f"{effect.carried.new:x}",
                    "dates": effect.dates,
                    "effects": list(effect.effects),
                },
            )
            for effect in reckoning.effects
        ],
        batch_size=2000,
    )
    return move


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _plain(found: uuid.UUID | None) -> str | None:
    return None if found is None else str(found)
