"""Whatever authors change between versions, a move loses nothing unlisted, and undoing it leaves no trace.

Each script is twenty-nine kinds of edits drawn at random, made with the authors' own services, between two
versions of a run in which people are at all stages. PALAESTRA_MOVE_SCRIPTS sets how many are tried.
"""

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import DomainError
from tenant_apps.courses.models import CourseVersion, Lesson, Module
from tenant_apps.courses.services.courses import create_course
from tenant_apps.courses.services.drafts import create_draft
from tenant_apps.learning.models import CourseProgress, EnrollmentAttempt, LessonMark, LessonRecord
from tenant_apps.learning.selectors.library import get_my_course
from tenant_apps.learning.services.attempts import restart_enrollment
from tenant_apps.learning.services.lessons import complete_lesson, open_lesson
from tenant_apps.learning.services.moves import DryRun, apply_move, dry_run_move, undo_move
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.runs import make_enrollment
from tests.support.actors import actor_as
from tests.support.edit_scripts import KINDS, Script

SCRIPTS = int(os.environ.get("PALAESTRA_MOVE_SCRIPTS", "60"))
EDITS = 14
# So many scripts a test: each makes the organization and its people once.
EACH = 10

Make = Callable[..., Membership]


@dataclass
class World:
    """One run with people at all stages, and another run of the same version that nothing may touch."""

    admin: Actor
    chance: random.Random
    learners: list[Membership]
    run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    other_run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    enrollments: dict[uuid.UUID, Actor] = field(default_factory=dict)
    onlooker: uuid.UUID = field(default_factory=uuid.uuid4)

    def learn(self, share: float, *, everything: frozenset[Actor] = frozenset()) -> None:
        """Let people open and complete lessons of the run's version, each a random part."""
        version_id = CourseRun.objects.values_list("version_id", flat=True).get(pk=self.run_id)
        lessons = list(
            Lesson.objects.filter(version_id=version_id)
            .order_by("module__position", "position", "lineage")
            .values_list("id", flat=True)
        )
        for enrollment_id, actor in self.enrollments.items():
            part = 1.0 if actor in everything else self.chance.random() * share
            for _ in range(2 if actor in everything else 1):
                for lesson_id in lessons:
                    self._step(actor, enrollment_id, lesson_id, part)

    def _step(self, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID, part: float) -> None:
        step = complete_lesson if self.chance.random() < part else open_lesson
        if step is open_lesson and self.chance.random() < 0.6:
            return
        try:
            step(actor=actor, enrollment_id=enrollment_id, lesson_id=lesson_id)
        except DomainError:  # locked, not published, completed by its topics, suspended
            return

    def snapshot(self) -> dict[str, Any]:
        """Return every column of everybody's progress, but for when rows were last written."""
        found: dict[str, Any] = {
            "runs": list(CourseRun.objects.order_by("id").values_list("id", "version_id"))
        }
        for model, key in (
            (Enrollment, "id"),
            (LessonRecord, "id"),
            (CourseProgress, "enrollment_id"),
            (EnrollmentAttempt, "id"),
            (LessonMark, "id"),
        ):
            columns = [each.attname for each in model._meta.concrete_fields if each.name != "updated_at"]
            found[model.__name__] = list(model.objects.order_by(key).values_list(*columns))
        return found

    def done(self) -> dict[uuid.UUID, set[str]]:
        """Return what each learner completed in the current attempt, by lineage."""
        found: dict[uuid.UUID, set[str]] = {each: set() for each in self.enrollments}
        rows = LessonRecord.objects.filter(enrollment__run_id=self.run_id, completed_at__isnull=False)
        attempts = dict(Enrollment.objects.filter(run_id=self.run_id).values_list("id", "attempt"))
        for enrollment_id, attempt, lineage in rows.values_list("enrollment_id", "attempt", "lineage"):
            if attempts[enrollment_id] == attempt:
                found[enrollment_id].add(str(lineage))
        return found

    def onlooking(self) -> tuple[Any, ...]:
        """Return everything of the other run: its people, what they did, the tree they see, its version."""
        version_id = CourseRun.objects.values_list("version_id", flat=True).get(pk=self.other_run_id)
        actor = actor_as(self.learners[0])
        rows = [
            list(model.objects.filter(**{key: self.onlooker}).values())
            for model, key in (
                (Enrollment, "id"),
                (LessonRecord, "enrollment_id"),
                (CourseProgress, "enrollment_id"),
            )
        ]
        content = [
            list(model.objects.filter(version_id=version_id).order_by("id").values())
            for model in (Module, Lesson)
        ]
        return rows, content, get_my_course(actor=actor, enrollment_id=self.onlooker)


def recount(run_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int, int]]:
    """Count everybody's progress by hand: completed lessons, required ones, weight."""
    version_id = CourseRun.objects.values_list("version_id", flat=True).get(pk=run_id)
    lessons = list(Lesson.objects.filter(version_id=version_id, parent=None, is_published=True))
    required = [lesson for lesson in lessons if lesson.is_required] or lessons
    found = {}
    for enrollment in Enrollment.objects.filter(run_id=run_id):
        done = set(
            LessonRecord.objects.filter(
                enrollment=enrollment, attempt=enrollment.attempt, completed_at__isnull=False
            ).values_list("lineage", flat=True)
        )
        found[enrollment.id] = (
            sum(lesson.lineage in done for lesson in lessons),
            sum(lesson.lineage in done for lesson in required),
            sum(lesson.weight for lesson in lessons if lesson.lineage in done),
        )
    return found


def counters(run_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int, int]]:
    """Return everybody's stored counters."""
    rows = CourseProgress.objects.filter(enrollment__run_id=run_id).values_list(
        "enrollment_id", "completed_count", "required_completed_count", "completed_weight"
    )
    stored = {enrollment_id: tuple(counts) for enrollment_id, *counts in rows}
    everybody = Enrollment.objects.filter(run_id=run_id).values_list("id", flat=True)
    return {each: stored.get(each, (0, 0, 0)) for each in everybody}  # type: ignore[misc]


def make_world(admin: Actor, learners: list[Membership], chance: random.Random, number: int) -> World:
    """Make a course of a random first version, its runs, and people at all stages."""
    world = World(admin, chance, learners)
    course = create_course(actor=admin, slug=f"moves-{number}", title="A course")
    draft = CourseVersion.objects.get(course=course)
    first = Script(admin, draft.id, chance)
    first.run(["add_module", "add_lesson", "add_module", "add_lesson", "add_lesson", "add_topic"])
    first.run(chance.sample(["add_topic", "weight", "required", "published", "due", "release"], 3))
    first.publish()
    runs = [
        CourseRun.objects.create(course=course, version_id=draft.id, title=title) for title in ("One", "Two")
    ]
    world.run_id, world.other_run_id = runs[0].id, runs[1].id
    return world


def enrol(world: World, organization: Organization) -> None:
    """Enrol everybody: one finishes, one begins again, one is suspended, one has not begun."""
    people = world.learners
    for person in people:
        found = make_enrollment(organization, world.run_id, person.id)
        world.enrollments[found] = actor_as(person)
    world.onlooker = make_enrollment(organization, world.other_run_id, people[0].id)
    world.learn(1.0, everything=frozenset({actor_as(people[1])}))
    ids = list(world.enrollments)
    try:
        restart_enrollment(actor=world.admin, enrollment_id=ids[2], reason="once more")
        world.learn(0.5)
    except DomainError:
        pass
    Enrollment.objects.filter(pk=ids[3]).update(state=EnrollmentState.SUSPENDED)
    Enrollment.objects.filter(pk=ids[4], state=EnrollmentState.ACTIVE).update(
        state=EnrollmentState.PENDING, activated_at=None
    )


def check_nothing_lost_unlisted(world: World, dry: DryRun, before: dict[uuid.UUID, set[str]]) -> None:
    """Hold each completed lesson that was shown to be still shown and done, given for, or listed as lost."""
    plan = dry.reckoning.plan
    after = world.done()
    shown_before = {each for each, unit in plan.before.units.items() if unit.level != "module"}
    shown_after = {each for each, unit in plan.after.units.items() if unit.level != "module"}
    for effect in dry.reckoning.effects:
        mine = effect.learner.enrollment_id
        assert before[mine] <= after[mine], "no record goes"
        listed = set(plan.named(effect.carried.lost))
        for lineage in before[mine] & shown_before:
            paid = any(
                lineage in rule.sources and set(rule.targets) <= after[mine] and rule.targets
                for rule in plan.rules
            )
            assert lineage in shown_after or paid or lineage in listed, "lost and not listed"
        assert listed.isdisjoint(shown_after), "what is still there is not lost"


def check_as_predicted(world: World, dry: DryRun, move_id: uuid.UUID) -> None:
    """Hold states, counters and percentages to be what the dry run said."""
    total = sum(
        Lesson.objects.filter(
            version_id=dry.reckoning.to_version_id, parent=None, is_published=True
        ).values_list("weight", flat=True)
    )
    found = counters(world.run_id)
    rows = {row.id: row for row in Enrollment.objects.filter(run_id=world.run_id)}
    assert CourseRun.objects.get(pk=world.run_id).version_id == dry.reckoning.to_version_id
    for effect in dry.reckoning.effects:
        mine = rows[effect.learner.enrollment_id]
        assert mine.state == effect.state_after
        counted = (effect.after.completed, effect.after.required_completed, effect.after.weight)
        assert found[mine.id] == counted
        assert effect.after.percent == (counted[2] * 100 // total if total else 0)
        if effect.learner.state == EnrollmentState.COMPLETED:
            assert mine.completed_at == effect.learner.completed_at, "finished stays finished"
            required = {str(each) for each in dry.reckoning.plan.after.required}
            undone = required - world.done()[mine.id]
            fresh = undone - {str(each) for each in dry.reckoning.plan.before.required}
            mapped = {target for rule in dry.reckoning.plan.rules for target in rule.targets}
            assert bool(fresh - mapped) <= ("finished_with_new_work" in effect.effects)
    assert found == recount(world.run_id)
    assert move_id is not None


def tried(world: World, organization: Organization, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Edit, move and move back; return the kinds of edits that were made, and what met learners."""
    chance = world.chance
    run = CourseRun.objects.get(pk=world.run_id)
    draft = create_draft(actor=world.admin, course_id=run.course_id, based_on_id=run.version_id)
    script = Script(world.admin, draft.id, chance)
    names = list(KINDS)
    # Every kind comes up, whatever the dice say.
    script.run([names[(seed * EDITS + place) % len(names)] for place in range(3)])
    script.run(chance.choices(names, k=EDITS - 3))
    script.publish()
    enrol(world, organization)
    assert counters(world.run_id) == recount(world.run_id)
    before, done, onlooking = world.snapshot(), world.done(), world.onlooking()

    mapping = usable(script, run.version_id, draft.id)
    dry = dry_run_move(actor=world.admin, run_id=run.id, to_version_id=draft.id, mapping=mapping, limit=200)
    assert world.snapshot() == before, "looking changes nothing"
    move_id = apply_move(
        actor=world.admin,
        run_id=run.id,
        to_version_id=draft.id,
        mapping=mapping,
        fingerprint=dry.fingerprint,
    )
    check_nothing_lost_unlisted(world, dry, done)
    check_as_predicted(world, dry, move_id)
    assert world.onlooking() == onlooking

    if seed % 3:
        undo_move(actor=world.admin, run_id=run.id, move_id=move_id)
        assert world.snapshot() == before
    else:
        check_undone_after_more_work(world, run.id, move_id)
    assert world.onlooking() == onlooking
    summary = dry.reckoning.summary()
    return script.done, Counter({name: count for name, count in summary.items() if count})


def usable(script: Script, old: uuid.UUID, new: uuid.UUID) -> list[dict[str, Any]]:
    """Return the rules of the mapping whose lessons are shown on both sides; later edits end some."""

    def shown(version_id: uuid.UUID) -> set[uuid.UUID]:
        rows = Lesson.objects.filter(version_id=version_id, is_published=True)
        return set(rows.filter(parent=None).values_list("lineage", flat=True))

    before, after = shown(old), shown(new)
    return [rule for rule in script.mapping if set(rule["from"]) <= before and set(rule["to"]) <= after]


def check_undone_after_more_work(world: World, run_id: uuid.UUID, move_id: uuid.UUID) -> None:
    """Learn on in the new version, undo, and hold that nobody lost what is their own."""
    given = set(LessonRecord.objects.filter(move_id=move_id).values_list("id", flat=True))
    by_move = set(
        Enrollment.objects.filter(run_id=run_id, state=EnrollmentState.COMPLETED).values_list("id", flat=True)
    )
    world.learn(1.0)
    earned = set(
        LessonRecord.objects.filter(enrollment__run_id=run_id, completed_at__isnull=False)
        .exclude(pk__in=given)
        .values_list("enrollment_id", "attempt", "lineage", "completed_at")
    )
    finished = set(
        Enrollment.objects.filter(run_id=run_id, state=EnrollmentState.COMPLETED)
        .exclude(pk__in=by_move)
        .values_list("id", "completed_at")
    )

    undo_move(actor=world.admin, run_id=run_id, move_id=move_id)

    kept = set(
        LessonRecord.objects.filter(enrollment__run_id=run_id, completed_at__isnull=False).values_list(
            "enrollment_id", "attempt", "lineage", "completed_at"
        )
    )
    assert earned <= kept, "what was completed since stays"
    assert not LessonRecord.objects.filter(move_id=move_id).exists()
    still = Enrollment.objects.filter(run_id=run_id, state=EnrollmentState.COMPLETED)
    assert finished <= set(still.values_list("id", "completed_at"))
    assert counters(run_id) == recount(run_id)


@pytest.mark.slow
@pytest.mark.feature("M02")
@pytest.mark.feature("P11")
@pytest.mark.feature("VER-04")
@pytest.mark.parametrize("block", range(max(1, SCRIPTS // EACH)))
def test_a_move_loses_nothing_unlisted_and_undoing_it_leaves_no_trace(
    acme: Organization, member: Make, block: int
) -> None:
    admin = actor_as(member(acme, Role.ADMIN))
    learners = [member(acme) for _ in range(6)]
    kinds: Counter[str] = Counter()
    met: Counter[str] = Counter()
    with in_organization(acme):
        for number in range(EACH):
            seed = block * EACH + number
            world = make_world(admin, learners, random.Random(seed), seed)
            try:
                made, effects = tried(world, acme, seed)
            except AssertionError as error:
                raise AssertionError(f"script {seed}: {error}") from error
            kinds, met = kinds + made, met + effects
    assert len(kinds) >= 20
    common = {"loses_work", "new_work", "finished_with_new_work", "lessons_given", "percent_rises"}
    assert common <= set(met), "scripts that do nothing to anybody prove nothing"
