"""What a move would do, for each learner and in sum: the same reckoning for the dry run and for the move."""

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from tenant_apps.learning.content.mapping import parse_mapping
from tenant_apps.learning.content.moving import Carried, Plan, Standing, shown_in
from tenant_apps.learning.content.moving_dates import ChangedRule, DateBook, changed_rules
from tenant_apps.learning.content.moving_lessons import lesson_changes
from tenant_apps.learning.errors import MoveTargetRefused
from tenant_apps.learning.selectors.moving import Learner, read_dates, read_learners
from tenant_apps.learning.selectors.outlines import get_outlines
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.selectors.moving import MovableRun
from tenant_apps.runs.selectors.runs import find_published_version

# What can happen to a learner; the summary counts each.
COMPLETES = "completes"
FINISHED_WITH_NEW_WORK = "finished_with_new_work"
LOSES_WORK = "loses_work"
NEW_WORK = "new_work"
PERCENT_RISES = "percent_rises"
PERCENT_FALLS = "percent_falls"
DATES_CHANGE = "dates_change"
EFFECTS = (
    COMPLETES,
    FINISHED_WITH_NEW_WORK,
    LOSES_WORK,
    NEW_WORK,
    PERCENT_RISES,
    PERCENT_FALLS,
    DATES_CHANGE,
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the move means for one learner.

    Attributes:
        done: completed before, as a set of the plan's places.
        state_after: "completed" for whoever has now done everything, else the state before.
        dates: (place of the changed rule, instant before, instant after).
    """

    learner: Learner
    done: int
    carried: Carried
    before: Standing
    after: Standing
    state_after: str
    dates: list[tuple[int, str | None, str | None]]
    effects: tuple[str, ...]

    @property
    def given(self) -> int:
        """What the move completes for the learner."""
        return self.carried.after & ~self.done


@dataclass
class Reckoning:
    """A whole move. `vanished` lists the run's dates of units that the new version hasn't."""

    run: MovableRun
    to_version_id: uuid.UUID
    plan: Plan
    rules: list[ChangedRule]
    vanished: list[dict[str, str]]
    effects: list[Effect] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return the counts: learners, each effect, and completed lessons lost and given in all."""
        counts = dict.fromkeys(EFFECTS, 0)
        for effect in self.effects:
            for each in effect.effects:
                counts[each] += 1
        return {
            "learners": len(self.effects),
            "affected": sum(bool(effect.effects) for effect in self.effects),
            **counts,
            "lessons_lost": sum(effect.carried.lost.bit_count() for effect in self.effects),
            "lessons_given": sum(effect.given.bit_count() for effect in self.effects),
        }

    def fingerprint(self) -> str:
        """Return 64 hex digits that say what was shown: versions, mapping, and who loses, gains or completes
        what. Progress that changes none of it leaves them as they are, so that a run need not stand still
        between the dry run and the move."""
        shown = hashlib.sha256()
        head = [
            str(self.run.id),
            str(self.run.version_id),
            str(self.to_version_id),
            [rule.plain() for rule in self.plan.rules],
            [rule.plain() for rule in self.rules],
            self.vanished,
        ]
        shown.update(json.dumps(head, sort_keys=True).encode())
        for effect in self.effects:
            marks = [each for each in effect.effects if each in (COMPLETES, FINISHED_WITH_NEW_WORK)]
            carried = effect.carried
            line = f"{effect.learner.enrollment_id} {carried.lost:x} {carried.new:x} {effect.given:x} {marks}"
            shown.update(line.encode())
        return shown.hexdigest()

    def lessons(self) -> list[dict[str, Any]]:
        """Return what becomes of each lesson; see `lesson_changes`."""
        return lesson_changes(self.plan)


def reckon_move(*, run: MovableRun, to_version_id: uuid.UUID, mapping: list[dict[str, Any]]) -> Reckoning:
    """Return what moving the run would do. The number of statements doesn't grow with the run.

    Raises:
        MoveTargetRefused: no other published version of the run's course.
        MappingRefused: see `parse_mapping`.
    """
    target = to_version_id
    if target == run.version_id:
        raise MoveTargetRefused(field="to_version_id", reason="same_version")
    if not find_published_version(course_id=run.course_id, version_id=target):
        raise MoveTargetRefused(field="to_version_id", reason="not_published")
    outlines = get_outlines([run.version_id, target])
    before, after = outlines[run.version_id], outlines[target]
    rules = parse_mapping(mapping, before=frozenset(shown_in(before)), after=frozenset(shown_in(after)))
    dates = read_dates(run.id)
    plan = Plan(before, after, rules)
    found = Reckoning(
        run=run,
        to_version_id=target,
        plan=plan,
        rules=changed_rules(
            before,
            after,
            dated={each.lineage: (each.opens_local, each.due_local) for each in dates},
            is_dripped=run.is_dripped,
        ),
        vanished=[
            {"lineage": each.lineage, "opens_local": each.opens_local, "due_local": each.due_local}
            for each in dates
            if each.lineage not in after.units
        ],
    )
    book = DateBook(found.rules, run.timezone)
    found.effects = [_effect(plan, book, each) for each in read_learners(run.id, plan.lineages)]
    return found


def _effect(plan: Plan, book: DateBook, learner: Learner) -> Effect:
    done = plan.bits(learner.places)
    carried = plan.carry(done)
    before, after = plan.old.measure(done), plan.new.measure(carried.after)
    completes = learner.state == EnrollmentState.ACTIVE and after.is_fulfilled
    dates = list(book.changes(zone=learner.zone, began_at=learner.began_at))
    is_finished = learner.state == EnrollmentState.COMPLETED
    marks = {
        COMPLETES: completes,
        FINISHED_WITH_NEW_WORK: is_finished and bool(carried.new & plan.new.required),
        LOSES_WORK: bool(carried.lost),
        NEW_WORK: bool(carried.new),
        PERCENT_RISES: after.percent > before.percent,
        PERCENT_FALLS: after.percent < before.percent,
        DATES_CHANGE: bool(dates),
    }
    return Effect(
        learner=learner,
        done=done,
        carried=carried,
        before=before,
        after=after,
        state_after=EnrollmentState.COMPLETED if completes else learner.state,
        dates=dates,
        effects=tuple(name for name, holds in marks.items() if holds),
    )
