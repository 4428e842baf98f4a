"""Make and change paths and their steps."""

import uuid
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from billing.money import check_price
from shared_apps.accounts.models import User
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound, StaleVersion
from shared_apps.core.policies import Rule, require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import PriceType
from tenant_apps.courses.services.content import plain_summary, plain_title
from tenant_apps.paths.enums import PATH_MOVES, PathState, StepKind
from tenant_apps.paths.errors import (
    PathMoveRefused,
    PathNotReady,
    PathRevisionMissing,
    PathSlugTaken,
    PriceRefused,
    StepRefused,
)
from tenant_apps.paths.locks import path_to_change, places_to_change
from tenant_apps.paths.models import LearningPath, PathStep
from tenant_apps.paths.policies import CREATE, MANAGE, MANAGE_RIGHT, sees_everything, visible_paths
from tenant_apps.paths.selectors.courses import (
    courses_in_sight,
    courses_of_runs,
    courses_that_can_be_given,
    courses_to_give,
    runs_to_give,
)
from tenant_apps.paths.services.recounting import do_recount, steps_of
from tenants.context import current_organization


class PathFacts(TypedDict, total=False):
    """What a path says of itself; a key left out stays as it is. Amounts are in minor units."""

    slug: str
    title: str
    summary: str
    level: str
    hours: int
    outcomes: list[str]
    is_sequential: bool
    is_open_to_members: bool
    price_type: str
    price_minor: int | None
    currency: str


class StepFactsIn(TypedDict, total=False):
    """One step of the list that a path is to have. With `id` it is one that is there."""

    id: uuid.UUID
    kind: str
    title: str
    summary: str
    is_required: bool
    is_locked: bool
    due_days: int | None
    course_id: uuid.UUID | None
    run_id: uuid.UUID | None
    pass_percent: int | None
    is_by_hand: bool


def create_path(*, actor: Actor, **facts: Unpack[PathFacts]) -> uuid.UUID:
    """Make an empty draft of a path and return its id; an instructor or manager who makes one may manage it.

    Raises:
        Forbidden: the actor may not make paths.
        PathSlugTaken, TextEmpty, TextTooLong: wrong facts.
        PriceRefused, CurrencyUnknown, AmountNotChargeable: the price.
    """
    with entry_transaction():
        require(actor, CREATE)
        path = LearningPath(owner_id=actor.member_id)
        _apply(path, facts)
        _write(path, None)
        if not sees_everything(actor):
            assign_perm(MANAGE_RIGHT, User(id=actor.user_id), path)
        _audit(actor, CREATE, path, {"slug": path.slug, "title": path.title})
    return path.id


def update_path(*, actor: Actor, path_id: uuid.UUID, revision: str, **facts: Unpack[PathFacts]) -> None:
    """Change what a path says of itself. A change of the order's rule counts at once, for everybody on it.

    Args:
        actor: who acts.
        path_id: the path.
        revision: its ETag as read, "*" for any; "" is refused.
        facts: see `PathFacts`.

    Raises:
        NotFound, Forbidden, PathRevisionMissing, StaleVersion: see `do_lock_path`.
        PathSlugTaken, TextEmpty, TextTooLong: wrong facts.
        PriceRefused, CurrencyUnknown, AmountNotChargeable: the price.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=MANAGE, revision=revision)
        changed = _apply(path, facts)
        if not changed:
            return
        path.revision += 1
        _write(path, [*changed, "revision"])
        _audit(actor, MANAGE, path, changed)


def set_steps(*, actor: Actor, path_id: uuid.UUID, revision: str, steps: Sequence[StepFactsIn]) -> None:
    """Make these the steps of the path, in this order, all at once. A step that is left out counts no more;
    what people did in it is kept. Everybody on the path is counted anew; whoever has completed it stays so.

    Raises:
        NotFound, Forbidden, PathRevisionMissing, StaleVersion: see `do_lock_path`.
        StepRefused, TextEmpty, TextTooLong: wrong facts.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=MANAGE, revision=revision)
        known = {step.pk: step for step in steps_of(path_id)}
        made = _steps_of_facts(actor, path, known, steps)
        now = clock.now()
        gone = [step for key, step in known.items() if key not in {each.pk for each in made}]
        for step in gone:
            step.removed_at = step.updated_at = now
        PathStep.objects.bulk_update(gone, ["removed_at", "updated_at"])
        PathStep.objects.bulk_create([step for step in made if step.pk not in known])
        kept = [step for step in made if step.pk in known]
        for step in kept:
            step.updated_at = now
        PathStep.objects.bulk_update(kept, [*_STEP_COLUMNS, "updated_at"])
        path.revision += 1
        path.save_fields("revision")
        do_recount(list(places_to_change(path_id)), made)
        changes = {"steps": [str(step.pk) for step in made], "removed": [str(step.pk) for step in gone]}
        _audit(actor, MANAGE, path, changes)


def publish_path(*, actor: Actor, path_id: uuid.UUID) -> None:
    """Let people be put on the path. Publishing a published path changes nothing.

    Raises:
        NotFound, Forbidden: see `do_lock_path`.
        PathNotReady: no step, or a course that cannot be given.
        PathMoveRefused: the state has no such move.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=MANAGE)
        steps = steps_of(path_id)
        problems: list[dict[str, Any]] = [] if steps else [{"code": "no_step"}]
        given = courses_that_can_be_given({step.course_id for step in steps if step.course_id})
        problems += [
            {"code": "course_not_published", "step_id": str(step.pk), "title": step.title}
            for step in steps
            if step.course_id is not None and step.course_id not in given
        ]
        if problems:
            raise PathNotReady(problems=problems)
        _move(actor, path, PathState.PUBLISHED)


def archive_path(*, actor: Actor, path_id: uuid.UUID) -> None:
    """Take nobody else; who is on the path goes on. Raises as `publish_path`."""
    with entry_transaction():
        _move(actor, do_lock_path(actor=actor, path_id=path_id, rule=MANAGE), PathState.ARCHIVED)


def delete_path(*, actor: Actor, path_id: uuid.UUID) -> None:
    """Hide the path from everybody; its rows stay.

    Raises:
        NotFound, Forbidden: see `do_lock_path`.
    """
    with entry_transaction():
        path = do_lock_path(actor=actor, path_id=path_id, rule=MANAGE)
        path.deleted_at = clock.now()
        path.save_fields("deleted_at")
        _audit(actor, MANAGE, path, {"deleted": path.slug})


def do_lock_path(
    *, actor: Actor, path_id: uuid.UUID, rule: Rule, revision: str | None = None
) -> LearningPath:
    """Lock a path that the actor sees and may do this to, in the state the caller has read.

    Args:
        revision: its ETag as read; "*" for any, None where none is asked for.

    Raises:
        NotFound: no such path, or none the actor may know of.
        Forbidden: the actor sees it but lacks the right.
        PathRevisionMissing: `revision` is empty.
        StaleVersion: somebody changed it since.
    """
    path = path_to_change(path_id).filter(pk__in=visible_paths(actor).values("pk")).first()
    if path is None:
        raise NotFound
    require(actor, rule, path_id)
    if revision == "":
        raise PathRevisionMissing
    if revision not in (None, "*", str(path.revision)):
        raise StaleVersion(revision=path.revision)
    return path


_STEP_COLUMNS = (
    "kind",
    "title",
    "summary",
    "position",
    "is_required",
    "is_locked",
    "due_days",
    "course",
    "run",
    "pass_percent",
    "is_by_hand",
)


def _steps_of_facts(
    actor: Actor, path: LearningPath, known: dict[uuid.UUID, PathStep], wanted: Sequence[StepFactsIn]
) -> list[PathStep]:
    course_ids = {found for each in wanted if (found := each.get("course_id"))}
    run_ids = {found for each in wanted if (found := each.get("run_id"))}
    given, runs = courses_in_sight(actor, course_ids), courses_of_runs(actor, run_ids)
    free = courses_to_give(actor, course_ids) | runs_to_give(actor, run_ids)
    # What is there already stays, whoever edits: an author need not see every course of the path.
    given |= {step.course_id for step in known.values() if step.course_id}
    runs |= {step.run_id: step.course_id for step in known.values() if step.run_id and step.course_id}
    free |= {found for step in known.values() for found in (step.course_id, step.run_id) if found}
    made: list[PathStep] = []
    for index, facts in enumerate(wanted):
        step_id = facts.get("id")
        if step_id is not None and (step_id not in known or any(each.pk == step_id for each in made)):
            raise StepRefused(field="id", index=index, reason="unknown_step")
        step = known[step_id] if step_id is not None else PathStep(path=path)
        for name, value in facts.items():
            if name in {"title", "summary"}:
                continue
            setattr(step, name, value)
        if "title" in facts:
            step.title = plain_title(facts["title"])
        if "summary" in facts:
            step.summary = plain_summary(facts["summary"])
        step.position = index
        _check_step(step, index, given, runs, free)
        made.append(step)
    return made


def _check_step(
    step: PathStep,
    index: int,
    given: set[uuid.UUID],
    runs: dict[uuid.UUID, uuid.UUID],
    free: set[uuid.UUID],
) -> None:
    def refuse(field: str, reason: str) -> None:
        raise StepRefused(field=field, index=index, reason=reason)

    if step.kind == StepKind.COURSE:
        if step.course_id not in given:
            refuse("course_id", "unknown_course")
        if step.run_id is not None and runs.get(step.run_id) != step.course_id:
            refuse("run_id", "run_of_another_course")
        if step.run_id is not None and step.run_id not in free:
            refuse("run_id", "not_yours_to_give")
        if step.course_id not in free:
            refuse("course_id", "not_yours_to_give")
    elif step.course_id is not None or step.run_id is not None:
        refuse("course_id", "only_course_steps_have_a_course")
    if step.kind == StepKind.QUIZ and step.pass_percent is None:
        refuse("pass_percent", "a_quiz_needs_a_score_to_pass")
    if step.kind != StepKind.QUIZ and step.pass_percent is not None:
        refuse("pass_percent", "only_quizzes_have_a_score_to_pass")
    if step.kind != StepKind.MILESTONE and step.is_by_hand:
        refuse("is_by_hand", "only_milestones_are_confirmed_by_hand")


def _apply(path: LearningPath, facts: PathFacts) -> dict[str, list[Any]]:
    clean: dict[str, Any] = dict(facts)
    if "title" in clean:
        clean["title"] = plain_title(clean["title"])
    if "summary" in clean:
        clean["summary"] = plain_summary(clean["summary"])
    if "outcomes" in clean:
        clean["outcomes"] = [plain_title(text, field="outcomes") for text in clean["outcomes"]]
    if "currency" in clean:
        clean["currency"] = clean["currency"].lower()
    changed = {
        name: [getattr(path, name), value] for name, value in clean.items() if getattr(path, name) != value
    }
    for name, value in clean.items():
        setattr(path, name, value)
    if path.price_type == PriceType.PAID:
        if not path.price_minor:
            raise PriceRefused(field="price_minor", price_type=path.price_type)
        check_price(path.currency, path.price_minor, least_seats=1)
    elif path.price_minor is not None or path.currency:
        raise PriceRefused(field="price_minor", price_type=path.price_type)
    return changed


def _write(path: LearningPath, names: list[str] | None) -> None:
    try:
        with transaction.atomic():
            if names is None:
                path.save(force_insert=True)
            else:
                path.save_fields(*names)
    except IntegrityError as error:
        if "one_live_path_per_slug" not in str(error):
            raise
        raise PathSlugTaken(field="slug", slug=path.slug) from error


def _move(actor: Actor, path: LearningPath, wanted: PathState) -> None:
    before = PathState(path.state)
    if before is wanted:
        return
    if wanted not in PATH_MOVES[before]:
        raise PathMoveRefused(state=before, allowed=sorted(PATH_MOVES[before]))
    path.state = wanted
    path.save_fields("state")
    _audit(actor, MANAGE, path, {"state": [before, wanted]})


def _audit(actor: Actor, rule: Rule, path: LearningPath, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=rule.name,
        organization_id=current_organization().id,
        target=path,
        changes=changes,
    )
