"""Moving a run to another version of its course, and back."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import DomainError, Forbidden, NotFound
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.learning.models import (
    CourseProgress,
    EnrollmentAttempt,
    LessonMark,
    LessonRecord,
    RunMove,
    RunMoveLearner,
)
from tenant_apps.learning.services.lessons import complete_lesson, open_lesson
from tenant_apps.learning.services.moves import apply_move, dry_run_move, undo_move
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import RunState
from tenant_apps.runs.models import CourseRun, Enrollment, RunDate
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.runs import make_enrollment
from tests.factories.versions import NamedVersion, Tree, lineage, make_version
from tests.support.actors import actor_as
from tests.support.measures import statements

Make = Callable[..., Membership]


@dataclass
class Class:
    """A run with learners, told by their names; what somebody has done is given as names of lessons."""

    organization: Organization
    admin: Actor
    run_id: uuid.UUID
    version: NamedVersion
    members: dict[str, Membership] = field(default_factory=dict)
    enrollments: dict[str, uuid.UUID] = field(default_factory=dict)

    def dry_run(self, target: NamedVersion, mapping: Any = (), **options: Any) -> Any:
        with in_organization(self.organization):
            return dry_run_move(
                actor=self.admin,
                run_id=self.run_id,
                to_version_id=target.version_id,
                mapping=mapping,
                **options,
            )

    def effects(self, target: NamedVersion, mapping: Any = ()) -> dict[str, Any]:
        """Return (percent before, after, lost, new, effects) by learner."""
        dry = self.dry_run(target, mapping)
        names = {enrollment_id: name for name, enrollment_id in self.enrollments.items()}
        known = {str(lineage(each)): each for each in ALL_NAMES}
        return {
            names[effect.learner.enrollment_id]: (
                effect.before.percent,
                effect.after.percent,
                {known[each] for each in dry.reckoning.plan.named(effect.carried.lost)},
                {known[each] for each in dry.reckoning.plan.named(effect.carried.new)},
                set(effect.effects),
            )
            for effect in dry.learners
        }

    def apply(self, target: NamedVersion, mapping: Any = ()) -> uuid.UUID:
        fingerprint = self.dry_run(target, mapping).fingerprint
        with in_organization(self.organization):
            return apply_move(
                actor=self.admin,
                run_id=self.run_id,
                to_version_id=target.version_id,
                mapping=mapping,
                fingerprint=fingerprint,
            )

    def undo(self, move_id: uuid.UUID) -> dict[str, int]:
        with in_organization(self.organization):
            return undo_move(actor=self.admin, run_id=self.run_id, move_id=move_id)

    def complete(self, who: str, target: NamedVersion, *names: str) -> str:
        state = ""
        with in_organization(self.organization):
            for name in names:
                state = complete_lesson(
                    actor=actor_as(self.members[who]),
                    enrollment_id=self.enrollments[who],
                    lesson_id=target.lessons[name],
                ).state
        return state

    def done(self, who: str) -> set[str]:
        """Return the names of what the learner has completed."""
        known = {lineage(each): each for each in ALL_NAMES}
        with in_organization(self.organization):
            rows = LessonRecord.objects.filter(
                enrollment_id=self.enrollments[who], completed_at__isnull=False
            )
            return {known[each] for each in rows.values_list("lineage", flat=True)}

    def progress(self) -> dict[str, list[Any]]:
        """Return everything that is known of everybody's progress, but for when rows were last written."""
        with in_organization(self.organization):
            found: dict[str, list[Any]] = {"run": list(CourseRun.objects.values_list("id", "version_id"))}
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

    def standing(self, who: str) -> tuple[str, int, int, int]:
        """Return state and counters."""
        with in_organization(self.organization):
            state = Enrollment.objects.get(pk=self.enrollments[who]).state
            found = CourseProgress.objects.filter(pk=self.enrollments[who]).values_list(
                "completed_count", "required_completed_count", "completed_weight"
            )
            return (state, *(found[0] if found else (0, 0, 0)))


ALL_NAMES = [*"ABCDEFGHXYZ", "T1", "T2", "T3", "M1", "M2", "M3"]


@pytest.fixture
def classroom(acme: Organization, member: Make) -> Callable[..., Class]:
    """Make a run of a version with learners: `classroom(tree, ann=["A", "B"], bob=[])`."""

    def make(tree: Tree, rules: dict[str, Any] | None = None, **done: list[str]) -> Class:
        version = make_version(acme, tree, rules=rules)
        with in_organization(acme):
            run = CourseRun.objects.create(
                course_id=version.course_id, version_id=version.version_id, title="A run"
            )
        found = Class(acme, actor_as(member(acme, Role.ADMIN)), run.id, version)
        for name, lessons in done.items():
            found.members[name] = member(acme)
            found.enrollments[name] = make_enrollment(acme, run.id, found.members[name].id)
            found.complete(name, version, *lessons)
        return found

    return make


@pytest.mark.feature("M02")
@pytest.mark.feature("P11")
@pytest.mark.feature("VER-04")
def test_what_is_the_same_or_elsewhere_stays_done_and_the_rest_is_listed(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"], "M2": ["C", "D"]}, ann=["A", "C"], bob=["A"], cy=[])
    target = make_version(acme, {"M1": ["B", "A"], "M3": ["C", "E", "F"]}, course_id=room.version.course_id)
    assert room.effects(target) == {
        "ann": (50, 40, set(), {"E", "F"}, {"new_work", "percent_falls"}),
        "bob": (25, 20, set(), {"E", "F"}, {"new_work", "percent_falls"}),
        "cy": (0, 0, set(), {"E", "F"}, {"new_work"}),
    }
    room.complete("cy", room.version, "D")
    changed = {row["lineage"]: row["change"] for row in room.dry_run(target).reckoning.lessons()}
    assert changed == {
        str(lineage("C")): "moved",
        str(lineage("D")): "removed",
        str(lineage("E")): "added",
        str(lineage("F")): "added",
    }
    assert room.effects(target)["cy"] == (
        25,
        0,
        {"D"},
        {"E", "F"},
        {"loses_work", "new_work", "percent_falls"},
    )

    room.apply(target)

    assert room.standing("ann") == ("active", 2, 2, 2)
    assert room.standing("cy") == ("active", 0, 0, 0)
    assert room.done("cy") == {"D"}


@pytest.mark.feature("M02")
@pytest.mark.parametrize(
    ("label", "tree", "mapping", "expected"),
    [
        (
            "split",
            {"M1": ["X", "Y", "B"]},
            [{"kind": "split", "from": ["A"], "to": ["X", "Y"]}],
            {"ann": {"A", "B", "X", "Y"}, "bob": {"A", "X", "Y"}, "cy": set()},
        ),
        (
            "split, going on under its own lineage",
            {"M1": ["A", "X", "B"]},
            [{"kind": "split", "from": ["A"], "to": ["A", "X"]}],
            {"ann": {"A", "B", "X"}, "bob": {"A", "X"}, "cy": set()},
        ),
        (
            "merged, all",
            {"M1": ["X"]},
            [{"kind": "merged", "from": ["A", "B"], "to": ["X"], "when": "all"}],
            {"ann": {"A", "B", "X"}, "bob": {"A"}, "cy": set()},
        ),
        (
            "merged, any",
            {"M1": ["X"]},
            [{"kind": "merged", "from": ["A", "B"], "to": ["X"], "when": "any"}],
            {"ann": {"A", "B", "X"}, "bob": {"A", "X"}, "cy": set()},
        ),
        (
            "replaced",
            {"M1": ["X", "B"]},
            [{"kind": "replaced", "from": ["A"], "to": ["X"]}],
            {"ann": {"A", "B", "X"}, "bob": {"A", "X"}, "cy": set()},
        ),
        (
            "removed",
            {"M1": ["B"]},
            [{"kind": "removed", "from": ["A"]}],
            {"ann": {"A", "B"}, "bob": {"A"}, "cy": set()},
        ),
        (
            "now topics of one lesson, which they complete",
            {"M1": [{"name": "X", "topics": ["A", "B"]}]},
            [],
            {"ann": {"A", "B", "X"}, "bob": {"A"}, "cy": set()},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mapping_gives_what_stands_for_completed_lessons(
    acme: Organization,
    classroom: Callable[..., Class],
    label: str,
    tree: Tree,
    mapping: list[dict[str, Any]],
    expected: dict[str, set[str]],
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A", "B"], bob=["A"], cy=[])
    target = make_version(acme, tree, course_id=room.version.course_id)
    before = room.progress()

    move_id = room.apply(target, named(mapping))

    assert {who: room.done(who) for who in expected} == expected
    room.undo(move_id)
    assert room.progress() == before


@pytest.mark.feature("M02")
def test_a_merged_lesson_that_is_not_given_lists_what_was_done_of_it(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B", "C"]}, bob=["A"])
    target = make_version(acme, {"M1": ["X", "C"]}, course_id=room.version.course_id)

    effects = room.effects(target, named([{"kind": "merged", "from": ["A", "B"], "to": ["X"]}]))

    assert effects["bob"] == (33, 0, {"A"}, set(), {"loses_work", "percent_falls"})


@pytest.mark.feature("M02")
@pytest.mark.parametrize(
    ("reason", "field", "mapping"),
    [
        ("mapping_unknown", "mapping.0.from", [{"kind": "replaced", "from": ["Z"], "to": ["X"]}]),
        ("mapping_unknown", "mapping.0.to", [{"kind": "replaced", "from": ["A"], "to": ["Z"]}]),
        ("mapping_count", "mapping.0", [{"kind": "split", "from": ["A"], "to": ["X"]}]),
        ("mapping_count", "mapping.0", [{"kind": "merged", "from": ["A"], "to": ["X"]}]),
        ("mapping_count", "mapping.0", [{"kind": "replaced", "from": ["C"], "to": ["C"]}]),
        ("mapping_count", "mapping.0", [{"kind": "removed", "from": ["A"], "to": ["X"]}]),
        ("mapping_not_removed", "mapping.0.from", [{"kind": "removed", "from": ["C"]}]),
        (
            "mapping_twice",
            "mapping.1.from",
            [{"kind": "replaced", "from": ["A"], "to": ["X"]}, {"kind": "removed", "from": ["A"]}],
        ),
        (
            "mapping_twice",
            "mapping.1.to",
            [
                {"kind": "replaced", "from": ["A"], "to": ["X"]},
                {"kind": "replaced", "from": ["B"], "to": ["X"]},
            ],
        ),
        (
            "mapping_twice",
            "mapping.1.from",
            [
                {"kind": "merged", "from": ["A", "B"], "to": ["X"]},
                {"kind": "removed", "from": ["B"]},
            ],
        ),
        (
            "mapping_circle",
            "mapping",
            [
                {"kind": "replaced", "from": ["C"], "to": ["D"]},
                {"kind": "replaced", "from": ["D"], "to": ["C"]},
            ],
        ),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused_with_its_place(
    acme: Organization,
    classroom: Callable[..., Class],
    reason: str,
    field: str,
    mapping: list[dict[str, Any]],
) -> None:
    room = classroom({"M1": ["A", "B", "C", "D"]}, ann=["A"])
    target = make_version(acme, {"M1": ["C", "D", "X", "Y"]}, course_id=room.version.course_id)

    with pytest.raises(DomainError) as refused:
        room.dry_run(target, named(mapping))

    assert (refused.value.code, refused.value.facts["reason"], refused.value.field) == (
        "mapping_refused",
        reason,
        field,
    )


def named(mapping: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules with lineages for names."""
    return [
        {**rule, "from": [lineage(each) for each in rule["from"]]}
        | ({"to": [lineage(each) for each in rule["to"]]} if "to" in rule else {})
        for rule in mapping
    ]


@pytest.mark.feature("M02")
@pytest.mark.feature("P11")
def test_who_has_now_done_everything_completes_once_and_undoing_takes_it_back(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B", "C"]}, ann=["A", "B"], bob=["A"], cy=["A", "B", "C"])
    target = make_version(acme, {"M1": ["A", "B"]}, course_id=room.version.course_id)
    before = room.progress()
    OutboxMessage.objects.all().delete()
    assert room.effects(target) == {
        "ann": (66, 100, set(), set(), {"completes", "percent_rises"}),
        "bob": (33, 50, set(), set(), {"percent_rises"}),
        "cy": (100, 100, {"C"}, set(), {"loses_work"}),
    }

    move_id = room.apply(target)

    assert room.standing("ann") == ("completed", 2, 2, 2)
    assert room.standing("cy") == ("completed", 2, 2, 2)
    (event,) = OutboxMessage.objects.filter(topic="event.course_completed")
    assert event.payload["enrollment_id"] == str(room.enrollments["ann"])
    assert event.payload["version_id"] == str(target.version_id)

    counts = room.undo(move_id)

    assert counts == {
        "completion_taken_back": 1,
        "completion_earned_since": 0,
        "stays_completed": 0,
        "completes": 0,
        "worked_since": 0,
    }
    assert room.progress() == before
    (event,) = OutboxMessage.objects.filter(topic="event.course_completion_taken_back")
    assert event.payload["enrollment_id"] == str(room.enrollments["ann"])
    # Learned to the end after all, it is completed with an event of its own.
    assert room.complete("ann", room.version, "C") == "completed"
    assert OutboxMessage.objects.filter(topic="event.course_completed").count() == 2


@pytest.mark.feature("M02")
@pytest.mark.feature("P11")
def test_a_finished_course_stays_finished_and_is_listed(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A", "B"])
    target = make_version(acme, {"M1": ["A", "B", "C", "D"]}, course_id=room.version.course_id)
    with in_organization(acme):
        finished = Enrollment.objects.get(pk=room.enrollments["ann"])

    move_id = room.apply(target)

    with in_organization(acme):
        now = Enrollment.objects.get(pk=room.enrollments["ann"])
        row = RunMoveLearner.objects.get(move_id=move_id)
    assert (now.state, now.completed_at) == ("completed", finished.completed_at)
    assert row.after["effects"] == ["finished_with_new_work", "new_work", "percent_falls"]
    assert (row.before["percent"], row.after["percent"]) == (100, 50)


@pytest.mark.feature("M02")
def test_a_course_that_is_completed_by_hand_completes_nobody(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A"])
    target = make_version(
        acme, {"M1": ["A"]}, course_id=room.version.course_id, rules={"completion": {"kind": "manual"}}
    )

    room.apply(target)

    assert room.standing("ann") == ("active", 1, 1, 1)


@pytest.mark.feature("M02")
def test_undoing_keeps_what_was_done_since(acme: Organization, classroom: Callable[..., Class]) -> None:
    room = classroom({"M1": ["A", "B", "C"]}, ann=["A", "B"], bob=["A"], cy=[], dan=["A", "B"])
    target = make_version(acme, {"M1": ["A", "B", "D"], "M2": ["C"]}, course_id=room.version.course_id)
    move_id = room.apply(target)
    room.complete("ann", target, "C")
    room.complete("bob", target, "D")
    room.complete("cy", target, "A", "B", "C", "D")
    assert room.standing("cy") == ("completed", 4, 4, 4)

    counts = room.undo(move_id)

    assert counts == {
        "completion_taken_back": 0,
        "completion_earned_since": 0,
        "stays_completed": 0,
        "completes": 1,
        "worked_since": 3,
    }
    assert {who: room.standing(who) for who in room.members} == {
        "ann": ("completed", 3, 3, 3),
        "bob": ("active", 1, 1, 1),
        "cy": ("completed", 3, 3, 3),
        "dan": ("active", 2, 2, 2),
    }
    assert room.done("bob") == {"A", "D"}


@pytest.mark.feature("M02")
def test_a_completion_by_the_move_stays_when_it_was_earned_since(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A"], bob=["A"])
    target = make_version(
        acme, {"M1": ["A", {"name": "B", "is_required": False}]}, course_id=room.version.course_id
    )
    move_id = room.apply(target)
    assert [room.standing(who)[0] for who in ("ann", "bob")] == ["completed", "completed"]
    room.complete("ann", target, "B")

    counts = room.undo(move_id)

    assert (counts["completion_earned_since"], counts["completion_taken_back"]) == (1, 1)
    assert [room.standing(who)[0] for who in ("ann", "bob")] == ["completed", "active"]


@pytest.mark.feature("M02")
def test_a_lesson_opened_since_keeps_what_was_left_in_it(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A"])
    target = make_version(acme, {"M1": ["X", "B"]}, course_id=room.version.course_id)
    move_id = room.apply(target, named([{"kind": "replaced", "from": ["A"], "to": ["X"]}]))
    with in_organization(acme):
        open_lesson(
            actor=actor_as(room.members["ann"]),
            enrollment_id=room.enrollments["ann"],
            lesson_id=target.lessons["X"],
        )

    room.undo(move_id)

    with in_organization(acme):
        kept = LessonRecord.objects.get(lineage=lineage("X"))
    assert (kept.completed_at, kept.move_id, kept.view_count) == (None, None, 1)
    assert room.done("ann") == {"A"}


@pytest.mark.feature("M02")
def test_moves_are_undone_in_reverse_order_once_and_within_thirty_days(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A"])
    second = make_version(acme, {"M1": ["A", "C"]}, course_id=room.version.course_id)
    third = make_version(acme, {"M1": ["A"]}, course_id=room.version.course_id)
    start = room.progress()
    first_move, second_move = room.apply(second), room.apply(third)

    assert refusal(lambda: room.undo(first_move)) == ("move_not_latest", {"later_move_id": str(second_move)})
    with clock.frozen_at(clock.now() + timedelta(days=30)):
        assert refusal(lambda: room.undo(second_move))[0] == "move_too_old"
    with clock.frozen_at(clock.now() + timedelta(days=29, hours=23)):
        room.undo(second_move)
    assert refusal(lambda: room.undo(second_move))[0] == "move_undone"
    room.undo(first_move)
    assert room.progress() == start

    # Applying again is how an undoing is undone; an older version is a target like any other.
    room.apply(third)
    older = room.apply(second)
    assert room.standing("ann") == ("completed", 1, 1, 1)
    with in_organization(acme):
        assert CourseRun.objects.get(pk=room.run_id).version_id == second.version_id
        assert RunMove.objects.get(pk=older).to_version_id == second.version_id


def refusal(act: Callable[[], Any]) -> tuple[str, dict[str, Any]]:
    """Return code and facts of the refusal that the act meets."""
    with pytest.raises(DomainError) as refused:
        act()
    return refused.value.code, refused.value.facts


@pytest.mark.feature("M02")
def test_nothing_else_is_applied_than_what_was_shown(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    room = classroom({"M1": ["A", "B", "C"]}, ann=["A"])
    target = make_version(acme, {"M1": ["A", "C", "D"]}, course_id=room.version.course_id)
    shown = room.dry_run(target).fingerprint
    # Another lesson that stays changes nothing of what was listed,
    room.complete("ann", room.version, "C")
    assert room.dry_run(target).fingerprint == shown
    # one that would be lost does.
    room.complete("ann", room.version, "B")

    def apply() -> None:
        with in_organization(acme):
            apply_move(
                actor=room.admin, run_id=room.run_id, to_version_id=target.version_id, fingerprint=shown
            )

    code, facts = refusal(apply)
    assert (code, facts["summary"]["lessons_lost"]) == ("move_outdated", 1)
    with in_organization(acme):
        assert RunMove.objects.count() == 0
        assert CourseRun.objects.get(pk=room.run_id).version_id == room.version.version_id


@pytest.mark.feature("M02")
def test_targets_that_are_none_are_refused(
    acme: Organization, classroom: Callable[..., Class], member: Make
) -> None:
    room = classroom({"M1": ["A"]}, ann=[])
    draft = make_version(acme, {"M1": ["A"]}, course_id=room.version.course_id, is_published=False)
    other = make_version(acme, {"M1": ["A"]})
    for target, reason in (
        (room.version, "same_version"),
        (draft, "not_published"),
        (other, "not_published"),
    ):
        code, facts = refusal(partial(room.dry_run, target))
        assert (code, facts) == ("move_target_refused", {"reason": reason})
    target = make_version(acme, {"M1": ["B"]}, course_id=room.version.course_id)
    move_id = room.apply(target)
    for who, error in ((Role.LEARNER, NotFound), (Role.INSTRUCTOR, NotFound), (Role.MANAGER, Forbidden)):
        stranger = replace(room, admin=actor_as(member(acme, who)))
        for act in (partial(stranger.dry_run, room.version), partial(stranger.undo, move_id)):
            with pytest.raises(error):
                act()
    with in_organization(acme):
        CourseRun.objects.filter(pk=room.run_id).update(state=RunState.CANCELLED)
    assert refusal(lambda: room.dry_run(room.version))[0] == "move_run_cancelled"
    assert refusal(lambda: room.undo(move_id))[0] == "move_run_cancelled"


@pytest.mark.feature("M02")
def test_changed_dates_are_told_for_each_learner_in_their_zone(
    acme: Organization, classroom: Callable[..., Class]
) -> None:
    """Days from the start over the change of clocks in Berlin; the run's own dates stand before both."""
    old_rule = {"kind": "days", "days": 3}
    room = classroom(
        {"M1": [{"name": "A", "release": old_rule}, {"name": "B", "due": old_rule}, "C"]}, ann=[], bob=[]
    )
    target = make_version(
        acme,
        {
            "M1": [
                {"name": "A", "release": {"kind": "days", "days": 5, "at": "09:00"}},
                {"name": "B", "due": {"kind": "date", "local": "2026-04-30T18:00", "zone": "run"}},
            ]
        },
        course_id=room.version.course_id,
    )
    began = datetime(2026, 3, 27, 12, tzinfo=UTC)
    with in_organization(acme):
        Enrollment.objects.filter(run_id=room.run_id).update(started_at=began)
        Member.objects.filter(pk=room.members["ann"].id).update(timezone="Europe/Berlin")
        RunDate.objects.create(run_id=room.run_id, lineage=lineage("B"), due_local="2026-05-01T12:00")
        RunDate.objects.create(run_id=room.run_id, lineage=lineage("C"), opens_local="2026-05-01T12:00")

    dry = room.dry_run(target)

    assert dry.reckoning.vanished == [
        {"lineage": str(lineage("C")), "opens_local": "2026-05-01T12:00", "due_local": ""}
    ]
    assert [rule.plain() for rule in dry.reckoning.rules] == [
        {
            "units": [{"lineage": str(lineage("A")), "title": "A"}],
            "what": "opens",
            "before": {"kind": "days", "days": 3},
            "after": {"kind": "days", "days": 5, "at": "09:00"},
        }
    ]
    dates = {effect.learner.enrollment_id: effect.dates for effect in dry.learners}
    assert dates == {
        room.enrollments["ann"]: [(0, "2026-03-30T11:00:00Z", "2026-04-01T07:00:00Z")],
        room.enrollments["bob"]: [(0, "2026-03-30T12:00:00Z", "2026-04-01T09:00:00Z")],
    }


@pytest.mark.feature("M02")
@pytest.mark.parametrize("people", [2, 12])
def test_the_number_of_statements_does_not_grow_with_the_run(
    acme: Organization, classroom: Callable[..., Class], people: int
) -> None:
    room = classroom({"M1": ["A", "B"]}, **{f"p{number}": ["A"] for number in range(people)})
    target = make_version(acme, {"M1": ["X", "C"]}, course_id=room.version.course_id)
    mapping = named([{"kind": "replaced", "from": ["A"], "to": ["X"]}])
    room.dry_run(target, mapping)

    with statements() as dry:
        room.dry_run(target, mapping)
    with statements() as both:
        move_id = room.apply(target, mapping)
    with statements() as undo:
        room.undo(move_id)

    assert (len(dry), len(both) - len(dry), len(undo)) == (4, 11, 12)


def test_a_move_and_its_undoing_are_audited(acme: Organization, classroom: Callable[..., Class]) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A"])
    target = make_version(acme, {"M1": ["A"]}, course_id=room.version.course_id)

    move_id = room.apply(target)
    room.undo(move_id)

    found = AuditEvent.objects.filter(action__in=["runs.move", "runs.undo_move"]).order_by("id")
    assert [(each.action, each.changes["version_id"]) for each in found] == [
        ("runs.move", [str(room.version.version_id), str(target.version_id)]),
        ("runs.undo_move", [str(target.version_id), str(room.version.version_id)]),
    ]
    assert {each.changes["move_id"] for each in found} == {str(move_id)}


@pytest.mark.feature("M02")
@pytest.mark.feature("P11")
def test_a_run_is_moved_and_moved_back_over_http(
    acme: Organization, classroom: Callable[..., Class], sign_in: Callable[..., Any]
) -> None:
    room = classroom({"M1": ["A", "B"]}, ann=["A", "B"], bob=["A"])
    target = make_version(acme, {"M1": ["X", "C"]}, course_id=room.version.course_id)
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/runs/{room.run_id}/moves"
    rule = {"kind": "replaced", "from": [str(lineage("A"))], "to": [str(lineage("X"))]}
    body = {"to_version_id": str(target.version_id), "mapping": [rule]}

    shown: dict[str, Any] = admin.post(f"{path}/dry-run", {**body, "limit": 1}, format="json").json()
    rest: dict[str, Any] = admin.post(
        f"{path}/dry-run", {**body, "after": shown["next_after"]}, format="json"
    ).json()

    assert (len(shown["learners"]), len(rest["learners"]), rest["next_after"]) == (1, 1, None)
    ann, bob = shown["learners"][0], rest["learners"][0]
    assert ann["before"] == {
        "state": "completed",
        "completed": 2,
        "required_completed": 2,
        "weight": 2,
        "percent": 100,
    }
    assert (ann["after"]["state"], ann["after"]["percent"]) == ("completed", 50)
    assert (ann["lost"], ann["new"], ann["given"]) == (
        [str(lineage("B"))],
        [str(lineage("C"))],
        [str(lineage("X"))],
    )
    assert bob["effects"] == ["new_work"]
    assert shown["counts"]["finished_with_new_work"] == 1
    only = admin.post(f"{path}/dry-run", {**body, "only": "loses_work"}, format="json").json()
    assert [each["enrollment_id"] for each in only["learners"]] == [ann["enrollment_id"]]

    stale = admin.post(path, {**body, "fingerprint": "0" * 64}, format="json")
    assert (stale.status_code, stale.json()["code"]) == (409, "move_outdated")
    made = admin.post(path, {**body, "fingerprint": shown["fingerprint"]}, format="json")
    assert made.status_code == 201
    move = made.json()
    assert made["Location"] == f"{path}/{move['id']}"
    assert (move["from_number"], move["to_number"], move["can"]) == (1, 2, {"undo": True})
    assert move["mapping"] == [{**rule, "when": "all"}]
    assert move["counts"] == shown["counts"]
    rows = {
        each["enrollment_id"]: each for each in admin.get(f"{path}/{move['id']}/learners").json()["results"]
    }
    assert rows == {each["enrollment_id"]: each for each in (ann, bob)}

    undone = admin.post(f"{path}/{move['id']}/undo").json()
    assert undone["can"] == {"undo": False}
    assert undone["undo_counts"]["completion_taken_back"] == 0
    (listed,) = admin.get(path).json()["results"]
    assert (listed["id"], listed["undone_at"] is None) == (move["id"], False)
    again = admin.post(f"{path}/{move['id']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "move_undone")


@pytest.mark.feature("M02")
def test_a_wrong_mapping_is_a_problem_that_names_its_field(
    acme: Organization, classroom: Callable[..., Class], sign_in: Callable[..., Any]
) -> None:
    room = classroom({"M1": ["A"]}, ann=[])
    target = make_version(acme, {"M1": ["B"]}, course_id=room.version.course_id)
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/runs/{room.run_id}/moves/dry-run"
    rule = {"kind": "replaced", "from": [str(uuid.uuid4())], "to": [str(lineage("B"))]}

    answer = admin.post(path, {"to_version_id": str(target.version_id), "mapping": [rule]}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "mapping_refused")
    assert "mapping.0.from" in answer.content.decode()
    for who, status in ((Role.LEARNER, 403), (Role.MANAGER, 403), (Role.INSTRUCTOR, 403)):
        assert sign_in(acme, who).post(path, {}, format="json").status_code == status
