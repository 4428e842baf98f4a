"""Undo a move: version, states and counters as they were, but for what people did since."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.learning.content.moving import Plan, Standing
from tenant_apps.learning.errors import MoveNotLatest, MoveRunCancelled, MoveTooOld, MoveUndone
from tenant_apps.learning.models import RunMove, RunMoveLearner
from tenant_apps.learning.selectors.move_texts import lesson_ids_of, standing_text, translate_lesson
from tenant_apps.learning.selectors.moving import Learner, read_learners
from tenant_apps.learning.selectors.outlines import get_outlines
from tenant_apps.learning.services.move_steps import (
    COMPLETION_TAKEN_BACK,
    Completion,
    Count,
    GivenLesson,
    do_complete_by_move,
    do_count,
    do_forget,
    do_give,
    do_tell,
)
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.selectors.moving import MovableRun
from tenant_apps.runs.services.moving import (
    do_change_version,
    do_lock_run_to_move,
    do_take_back_completions,
)
from tenants.context import current_organization

UNDO = "runs.undo_move"

# What undoing can do to a learner.
TAKEN_BACK = "completion_taken_back"
EARNED = "completion_earned_since"
STAYS_COMPLETED = "stays_completed"
COMPLETES = "completes"
WORKED_SINCE = "worked_since"
UNDO_EFFECTS = (TAKEN_BACK, EARNED, STAYS_COMPLETED, COMPLETES, WORKED_SINCE)


@dataclass(frozen=True, slots=True)
class _Undone:
    """Where undoing leaves one learner; `row` is what the move wrote, None for who came later."""

    learner: Learner
    row: RunMoveLearner | None
    standing: Standing
    earned: int
    effects: tuple[str, ...]

    def completion(self) -> Completion:
        return Completion(self.learner.enrollment_id, self.learner.member_id, self.learner.attempt)


def undo_move(*, actor: Actor, run_id: uuid.UUID, move_id: uuid.UUID) -> dict[str, int]:
    """Put the run back to the version it came from, and everybody in it to where they would be without the
    move; return how many learners each effect of `UNDO_EFFECTS` met.

    What people completed since stays theirs, by lineage, and counts where the older version has it. A course
    that the move completed is open again, unless what was done since earns it; one completed since by the
    learner stays completed.

    Raises:
        NotFound: no such run or move, or none the actor sees.
        Forbidden: the actor may not change the run.
        MoveUndone: it was undone before.
        MoveNotLatest: a later move stands on it.
        MoveTooOld: thirty days are over.
        MoveRunCancelled: the run is cancelled.
    """
    with entry_transaction():
        run = do_lock_run_to_move(actor=actor, run_id=run_id)
        move = RunMove.objects.filter(pk=move_id, run_id=run_id).order_by().first()
        if move is None:
            raise NotFound
        now = clock.now()
        _require_undoable(run, move, now)
        counts = _do_undo(run, move, now)
        move.undone_at, move.undone_by_id = now, actor.membership_id
        move.summary = {**move.summary, "undo": counts}
        move.save_fields("undone_at", "undone_by_id", "summary")
        do_record(
            actor=actor,
            action=UNDO,
            organization_id=current_organization().id,
            target_kind="courserun",
            target_id=run_id,
            changes={
                "version_id": [str(run.version_id), str(move.from_version_id)],
                "move_id": str(move.id),
                **counts,
            },
        )
    return counts


def _require_undoable(run: MovableRun, move: RunMove, now: datetime) -> None:
    if move.undone_at is not None:
        raise MoveUndone(undone_at=move.undone_at.isoformat())
    later = RunMove.objects.filter(run_id=run.id, undone_at=None, pk__gt=move.id).order_by("pk").last()
    if later is not None:
        raise MoveNotLatest(later_move_id=str(later.id))
    if now >= move.undo_until:
        raise MoveTooOld(undo_until=move.undo_until.isoformat())
    if run.state == RunState.CANCELLED:
        raise MoveRunCancelled(state=run.state)


def _do_undo(run: MovableRun, move: RunMove, now: datetime) -> dict[str, int]:
    require_transaction()
    outlines = get_outlines([move.from_version_id, move.to_version_id])
    # Sets in the move's rows count in the list that was kept with it.
    before, after = outlines[move.from_version_id], outlines[move.to_version_id]
    forth = Plan(before, after, (), lineages=list(move.summary["lineages"]))
    rows = {row.enrollment_id: row for row in RunMoveLearner.objects.filter(move_id=move.id)}
    do_forget(_given(forth, rows.values()), move_id=move.id, moved_at=move.created_at, now=now)
    found = [
        _undone(forth, rows.get(each.enrollment_id), each) for each in read_learners(run.id, forth.lineages)
    ]
    do_change_version(run_id=run.id, version_id=move.from_version_id)
    do_give(list(_earned(forth, found)), now=now, move_id=None)
    do_count(
        [
            Count(each.learner.enrollment_id, each.standing, _last(forth, each))
            for each in found
            if each.learner.counted is not None or each.standing.completed
        ],
        now=now,
    )
    taken = [each.completion() for each in found if TAKEN_BACK in each.effects]
    cause = f"undo:{move.id}"
    do_take_back_completions(enrollment_ids=[each.enrollment_id for each in taken])
    do_tell(COMPLETION_TAKEN_BACK, taken, run=run, version_id=move.from_version_id, cause=cause)
    do_complete_by_move(
        [each.completion() for each in found if COMPLETES in each.effects],
        run=run,
        version_id=move.from_version_id,
        cause=cause,
        now=now,
    )
    _do_note(found, now)
    return {name: sum(name in each.effects for each in found) for name in UNDO_EFFECTS}


def _given(forth: Plan, rows: Iterable[RunMoveLearner]) -> list[tuple[uuid.UUID, int, str]]:
    """Return the keys of the records that the move completed."""
    return [
        (row.enrollment_id, row.before["attempt"], lineage)
        for row in rows
        for lineage in forth.named(int(row.after["done"], 16) & ~int(row.before["done"], 16))
    ]


def _undone(forth: Plan, row: RunMoveLearner | None, learner: Learner) -> _Undone:
    """Return where the learner stands in the version moved back to; the move's own records are gone."""
    done = forth.bits(learner.places)
    same_attempt = row is not None and row.before["attempt"] == learner.attempt
    before = int(row.before["done"], 16) if row is not None and same_attempt else 0
    since = done & ~before
    # Lessons whose topics were finished since; who did nothing is left exactly as before.
    after = forth.old.with_finished_topics(done) if since else done
    standing = forth.old.measure(after)
    # Of the attempt that the move completed, and nobody else completed since.
    by_move = (
        row is not None
        and same_attempt
        and row.after["state"] == EnrollmentState.COMPLETED != row.before["state"]
        and learner.state == EnrollmentState.COMPLETED
        and learner.completed_at is not None
        and learner.completed_at.isoformat() == row.after["completed_at"]
    )
    is_earned = bool(since) and standing.is_fulfilled
    was_completed = row is not None and row.before["state"] == EnrollmentState.COMPLETED
    marks = {
        TAKEN_BACK: by_move and not is_earned,
        EARNED: by_move and is_earned,
        STAYS_COMPLETED: not by_move
        and not was_completed
        and learner.state == EnrollmentState.COMPLETED
        and not standing.is_fulfilled,
        COMPLETES: learner.state == EnrollmentState.ACTIVE and is_earned,
        WORKED_SINCE: bool(since),
    }
    effects = tuple(name for name, holds in marks.items() if holds)
    return _Undone(learner, row, standing, after & ~done, effects)


def _earned(forth: Plan, found: list[_Undone]) -> list[GivenLesson]:
    lessons = lesson_ids_of(forth.before)
    return [
        GivenLesson(each.learner.enrollment_id, each.learner.attempt, lineage, lessons[lineage])
        for each in found
        if each.earned
        for lineage in forth.named(each.earned)
    ]


def _last(forth: Plan, undone: _Undone) -> uuid.UUID | None:
    """Return the place where the learner left: as before the move, unless they were elsewhere since."""
    row, now_at = undone.row, undone.learner.last_lesson_id
    if row is not None and row.after["last_lesson_id"] == (None if now_at is None else str(now_at)):
        left = row.before["last_lesson_id"]
        return None if left is None else uuid.UUID(left)
    return translate_lesson(now_at, forth.after, forth.before)


def _do_note(found: list[_Undone], now: datetime) -> None:
    """Keep with each learner of the move what its undoing met, where it is more than "as before"."""
    noted = []
    for each in found:
        if each.row is not None and each.effects:
            undo: dict[str, Any] = {**standing_text(each.standing), "effects": list(each.effects)}
            each.row.after = {**each.row.after, "undo": undo}
            each.row.updated_at = now
            noted.append(each.row)
    RunMoveLearner.objects.bulk_update(noted, ["after", "updated_at"], batch_size=500)
