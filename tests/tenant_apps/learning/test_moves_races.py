"""Moves while people learn, twice at once, and cut off in the middle."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.learning.models import CourseProgress, LessonRecord, RunMove, RunMoveLearner
from tenant_apps.learning.services.lessons import complete_lesson
from tenant_apps.learning.services.moves import apply_move, dry_run_move, undo_move
from tenant_apps.learning.services.recounting import recount_progress
from tenant_apps.runs.models import CourseRun, Enrollment
from tenant_apps.runs.services.moving import do_change_version, do_lock_run_to_move
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.runs import make_enrollment
from tests.factories.versions import NamedVersion, lineage, make_version
from tests.support.actors import actor_as
from tests.support.measures import in_parallel, run_together

Make = Callable[..., Membership]

pytestmark = [pytest.mark.slow]


def make_run_of(organization: Organization, version: NamedVersion) -> uuid.UUID:
    """Make a run of the version."""
    with in_organization(organization):
        return CourseRun.objects.create(
            course_id=version.course_id, version_id=version.version_id, title="A run"
        ).id


def apply_shown(admin: Actor, run_id: uuid.UUID, target: NamedVersion, mapping: Any = ()) -> uuid.UUID:
    """Look and apply, again while the run goes on changing."""
    while True:
        shown = dry_run_move(actor=admin, run_id=run_id, to_version_id=target.version_id, mapping=mapping)
        try:
            return apply_move(
                actor=admin,
                run_id=run_id,
                to_version_id=target.version_id,
                mapping=mapping,
                fingerprint=shown.fingerprint,
            )
        except DomainError as error:
            if error.code != "move_outdated":
                raise


def wait_until_blocked() -> int:
    """Return the process of the one connection that waits for a lock."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            row = cursor.fetchone()
        if row:
            return int(row[0])
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def end_connection(process: int) -> None:
    """End a connection as the loss of its server does; from one of the shared schema, which may."""

    def end() -> None:
        try:
            with in_public(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [process])
        finally:
            connection.close()

    run_together([end])


@pytest.mark.feature("M02")
def test_completions_during_moves_are_neither_lost_nor_counted_wrongly(
    committed: None, acme: Organization, member: Make
) -> None:
    names = [f"L{number}" for number in range(12)]
    old = make_version(acme, {"M1": names[:6], "M2": names[6:]})
    # Elsewhere, weighing otherwise, and two of them replaced.
    new = make_version(
        acme,
        {
            "M2": [{"name": name, "weight": 3} for name in names[:10]],
            "M3": [{"name": "X", "weight": 5}, {"name": "Y"}],
        },
        course_id=old.course_id,
    )
    mapping = [
        {"kind": "replaced", "from": [lineage("L10")], "to": [lineage("X")]},
        {"kind": "replaced", "from": [lineage("L11")], "to": [lineage("Y")]},
    ]
    run_id, admin = make_run_of(acme, old), actor_as(member(acme, Role.ADMIN))
    people = [member(acme) for _ in range(4)]
    enrollments = {each.id: make_enrollment(acme, run_id, each.id) for each in people}

    def learn(person: Membership) -> Callable[[], set[str]]:
        def work() -> set[str]:
            done = set()
            for name in names:
                try:
                    complete_lesson(
                        actor=actor_as(person),
                        enrollment_id=enrollments[person.id],
                        lesson_id=old.lessons[name],
                    )
                    done.add(name)
                except NotFound:
                    # Gone by then; the page that was open shows it no more.
                    if name not in ("L10", "L11"):
                        raise
            return done

        return work

    def move_about() -> str:
        for _ in range(3):
            move_id = apply_shown(admin, run_id, new, mapping)
            undo_move(actor=admin, run_id=run_id, move_id=move_id)
        apply_shown(admin, run_id, new, mapping)
        return "moved"

    results = in_parallel(acme, [move_about, *(learn(each) for each in people)])

    assert "moved" in results
    answered = sum(len(each) for each in results if isinstance(each, set))
    with in_organization(acme):
        own = LessonRecord.objects.filter(completed_at__isnull=False, move_id=None)
        assert own.count() == answered >= 40
        assert recount_progress(run_id=run_id) == []
        assert CourseRun.objects.get(pk=run_id).version_id == new.version_id
        states = dict(Enrollment.objects.filter(run_id=run_id).values_list("id", "state"))
    for enrollment_id in enrollments.values():
        events = OutboxMessage.objects.filter(payload__enrollment_id=str(enrollment_id))
        finished = events.filter(topic="event.course_completed").count()
        taken = events.filter(topic="event.course_completion_taken_back").count()
        assert finished - taken == int(states[enrollment_id] == "completed")


@pytest.mark.feature("M02")
def test_a_learner_who_waited_for_the_move_counts_in_the_new_version(
    committed: None, acme: Organization, member: Make
) -> None:
    old = make_version(acme, {"M1": ["A", "B"]})
    new = make_version(acme, {"M1": [{"name": "A", "weight": 7}, "B", "C"]}, course_id=old.course_id)
    run_id, admin, learner = make_run_of(acme, old), actor_as(member(acme, Role.ADMIN)), member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    answers: list[Any] = []

    def complete() -> None:
        try:
            with in_organization(acme):
                answers.append(
                    complete_lesson(
                        actor=actor_as(learner), enrollment_id=enrollment_id, lesson_id=old.lessons["A"]
                    )
                )
        finally:
            connection.close()

    thread = threading.Thread(target=complete)
    with in_organization(acme), transaction.atomic():
        do_lock_run_to_move(actor=admin, run_id=run_id)
        do_change_version(run_id=run_id, version_id=new.version_id)
        thread.start()
        wait_until_blocked()
    thread.join()

    (answer,) = answers
    assert (answer.lesson_id, answer.total, answer.percent) == (new.lessons["A"], 3, 77)
    with in_organization(acme):
        found = CourseProgress.objects.get(pk=enrollment_id)
        assert (found.completed_count, found.completed_weight) == (1, 7)
        assert found.last_lesson_id == new.lessons["A"]


@pytest.mark.feature("M02")
def test_of_two_moves_at_once_one_is_applied(committed: None, acme: Organization, member: Make) -> None:
    old = make_version(acme, {"M1": ["A", "B"]})
    targets = [make_version(acme, {"M1": ["A", name]}, course_id=old.course_id) for name in ("C", "D")]
    run_id, admin = make_run_of(acme, old), actor_as(member(acme, Role.ADMIN))
    make_enrollment(acme, run_id, member(acme).id)
    with in_organization(acme):
        shown = [
            dry_run_move(actor=admin, run_id=run_id, to_version_id=each.version_id).fingerprint
            for each in targets
        ]

    def move(place: int) -> Callable[[], Any]:
        return lambda: apply_move(
            actor=admin,
            run_id=run_id,
            to_version_id=targets[place].version_id,
            fingerprint=shown[place],
        )

    results = in_parallel(acme, [move(0), move(1), move(0), move(1)])

    applied = [each for each in results if isinstance(each, uuid.UUID)]
    assert len(applied) == 1
    assert {each for each in results if isinstance(each, str)} <= {"move_outdated", "move_target_refused"}
    with in_organization(acme):
        (stored,) = RunMove.objects.all()
        assert stored.id == applied[0]
        assert CourseRun.objects.get(pk=run_id).version_id == stored.to_version_id

    undone = in_parallel(
        acme, [lambda: undo_move(actor=admin, run_id=run_id, move_id=applied[0]) for _ in range(3)]
    )

    assert sorted(str(each) for each in undone if isinstance(each, str)) == ["move_undone", "move_undone"]
    with in_organization(acme):
        assert CourseRun.objects.get(pk=run_id).version_id == old.version_id


@pytest.mark.feature("M02")
@pytest.mark.parametrize("act", ["apply", "undo"])
def test_a_move_cut_off_in_the_middle_leaves_nothing_half_done(
    committed: None, acme: Organization, member: Make, act: str
) -> None:
    """The connection ends while the counters are written, after records and before states."""
    old = make_version(acme, {"M1": ["A", "B"]})
    new = make_version(acme, {"M1": ["X"]}, course_id=old.course_id)
    mapping = [{"kind": "replaced", "from": [lineage("A")], "to": [lineage("X")]}]
    run_id, admin, learner = make_run_of(acme, old), actor_as(member(acme, Role.ADMIN)), member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    with in_organization(acme):
        complete_lesson(actor=actor_as(learner), enrollment_id=enrollment_id, lesson_id=old.lessons["A"])
        move_id = apply_shown(admin, run_id, new, mapping) if act == "undo" else None

    def everything() -> list[Any]:
        with in_organization(acme):
            rows = [
                list(model.objects.order_by("pk").values())
                for model in (CourseRun, Enrollment, LessonRecord, CourseProgress, RunMove, RunMoveLearner)
            ]
        return [*rows, OutboxMessage.objects.count()]

    def cut() -> str:
        try:
            if move_id is None:
                apply_shown(admin, run_id, new, mapping)
            else:
                undo_move(actor=admin, run_id=run_id, move_id=move_id)
        except OperationalError:
            return "cut off"
        return "done"

    before, results = everything(), []

    def run() -> None:
        try:
            with in_organization(acme):
                results.append(cut())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with in_organization(acme), transaction.atomic():
        CourseProgress.objects.select_for_update().get(pk=enrollment_id)
        thread.start()
        end_connection(wait_until_blocked())
        thread.join()

    assert results == ["cut off"]
    assert everything() == before
    # And nothing is in the way of doing it again.
    with in_organization(acme):
        if move_id is None:
            apply_shown(admin, run_id, new, mapping)
        else:
            undo_move(actor=admin, run_id=run_id, move_id=move_id)
    assert everything() != before


@pytest.mark.feature("M02")
def test_a_learner_who_waited_for_the_undoing_counts_in_the_old_version(
    committed: None, acme: Organization, member: Make
) -> None:
    """What the lock's statement read is then the newer version, to which the page's lesson is unknown."""
    old = make_version(acme, {"M1": ["A", "B"]})
    new = make_version(acme, {"M1": [{"name": "A", "weight": 7}, "C"]}, course_id=old.course_id)
    run_id, admin, learner = make_run_of(acme, new), actor_as(member(acme, Role.ADMIN)), member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    answers: list[Any] = []

    def complete() -> None:
        try:
            with in_organization(acme):
                answers.append(
                    complete_lesson(
                        actor=actor_as(learner), enrollment_id=enrollment_id, lesson_id=old.lessons["B"]
                    )
                )
        finally:
            connection.close()

    thread = threading.Thread(target=complete)
    with in_organization(acme), transaction.atomic():
        do_lock_run_to_move(actor=admin, run_id=run_id)
        do_change_version(run_id=run_id, version_id=old.version_id)
        thread.start()
        wait_until_blocked()
    thread.join()

    (answer,) = answers
    assert (answer.lesson_id, answer.total, answer.percent) == (old.lessons["B"], 2, 50)
