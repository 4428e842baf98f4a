"""Applying under a real worker that is killed, and with two workers at once."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from billing.models import SeatAssignment, Subscription
from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.cohorts.models import Cohort, CohortMember
from tenant_apps.people.models import Member
from tenant_apps.rosters.models import RosterRow
from tenant_apps.rosters.services import applying
from tenant_apps.rosters.services.planning import plan_roster
from tenant_apps.rosters.services.verdicts import RosterOptions
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.measures import run_together
from tests.support.processes import wait_for
from tests.support.server import server_environment
from tests.support.subscriptions import make_subscription

PEOPLE = 3000


def people_csv(count: int, *, cohort: str = "Spring", department: str = "Sales") -> bytes:
    lines = ["employee_id,email,first_name,department,manager_email,cohort"]
    for number in range(count):
        manager = f"p{number // 10:05}@acme.example" if number >= 10 else ""
        lines.append(f"E{number},p{number:05}@acme.example,P{number},{department},{manager},{cohort}")
    return "\n".join(lines).encode()


def plan(organization: Organization, content: bytes) -> uuid.UUID:
    with in_organization(organization):
        owner = Member.objects.select_related("membership").get(email=f"owner@{organization.slug}.example")
        actor = actor_of(owner)
        roster = plan_roster(
            actor=actor, content=content, file_name="people.csv", options=RosterOptions(create_cohorts=True)
        )
    return roster.id


def actor_of(member: Member) -> Actor:
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=member.user_id,
        membership_id=member.pk,
        organization_id=member.membership.organization_id,
        role=Role.OWNER,
        label=member.email,
    )


def start(organization: Organization, roster_id: uuid.UUID) -> Job:
    with in_organization(organization):
        owner = Member.objects.select_related("membership").get(email=f"owner@{organization.slug}.example")
        return applying.start_applying(actor=actor_of(owner), roster_id=roster_id, partial=False)


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Run a Celery worker on this test's database and queue; killed at the end at the latest.

    Nobody answers at its mail port: the queued invitations are the relay's business, not this test's.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--pool", "solo"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"),
            ],
            cwd=settings.BASE_DIR,
            env={**os.environ, **server_environment(), "EMAIL_PORT": "1"},
            start_new_session=True,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        except AssertionError as error:
            log.seek(0)
            error.add_note(f"the worker wrote:\n{log.read().decode(errors='replace')[-4000:]}")
            raise
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def job_now(job: Job) -> Job:
    with in_public():
        return Job.objects.get(pk=job.pk)


def has_gone_beyond(job: Job, done: int) -> bool:
    return job_now(job).done > done


def state_of(organization: Organization) -> dict[str, int]:
    """Count what applying makes, each kind by itself."""
    with in_organization(organization):
        counts = {
            "members": Member.objects.filter(email__startswith="p").count(),
            "places": CohortMember.objects.count(),
            "enrollments": Enrollment.objects.count(),
            "done_rows": RosterRow.objects.filter(result="done").count(),
        }
    with in_public():
        counts |= {
            "users": User.objects.filter(email__startswith="p").count(),
            "memberships": Membership.objects.filter(user__email__startswith="p").count(),
            "seats": SeatAssignment.objects.filter(organization=organization).count(),
            "used": Subscription.objects.get(organization=organization).used,
            "invitations": Invitation.objects.filter(organization=organization).count(),
            "mails": OutboxMessage.objects.filter(
                organization_id=organization.id, dedupe_key__startswith="invitation:"
            ).count(),
        }
    return counts


def lead_into_run(organization: Organization, cohort: str) -> None:
    course = make_published_course(organization)
    with in_organization(organization):
        run = CourseRun.objects.create(course_id=course.course_id, version_id=course.version_id, title="R")
        Cohort.objects.create(name=cohort, run=run)


def let_it_be_found(job: Job) -> None:
    """Let the minute of silence pass that a lost job is waited for, then sweep."""
    with in_public():
        Job.objects.filter(pk=job.pk).update(heartbeat_at=clock.now() - timedelta(minutes=2))
        assert restart_lost_jobs() == 1


@pytest.mark.slow
@pytest.mark.feature("COH-01")
def test_a_killed_worker_leaves_whole_batches_and_the_next_one_ends_the_work(
    committed: None, acme: Organization
) -> None:
    make_subscription(acme, PEOPLE + 5)
    lead_into_run(acme, "Spring")
    job = start(acme, plan(acme, people_csv(PEOPLE)))

    done_before = 0
    for _ in range(2):
        with worker() as process:
            wait_for(partial(has_gone_beyond, job, done_before))
            process.send_signal(signal.SIGKILL)
            process.wait()
        done_before = job_now(job).done
        # then what is there is whole: each of the committed rows has everything, no other row anything
        counts = state_of(acme)
        assert 0 < counts["done_rows"] < PEOPLE
        assert counts["done_rows"] % applying.ROWS_PER_BATCH == 0
        assert set(counts.values()) == {counts["done_rows"]}
        assert done_before == counts["done_rows"]
        assert job_now(job).state == "running"
        let_it_be_found(job)
    with worker():
        wait_for(lambda: job_now(job).state == "succeeded")

    finished = job_now(job)
    assert finished.attempts == 3
    assert finished.result["done"] == PEOPLE
    assert (finished.result["refused"], finished.done, finished.total) == (0, PEOPLE, PEOPLE)
    assert set(state_of(acme).values()) == {PEOPLE}
    with in_organization(acme):
        assert Member.objects.filter(manager__isnull=False).count() == PEOPLE - 10
        last = Member.objects.select_related("manager").get(email="p02999@acme.example")
        assert last.manager is not None
        assert last.manager.email == "p00299@acme.example"
    with in_public():
        addressees = OutboxMessage.objects.filter(dedupe_key__startswith="invitation:").values("payload__to")
        assert not addressees.annotate(mails=Count("id")).filter(mails__gt=1).exists(), (
            "nobody is mailed twice"
        )


@pytest.mark.feature("COH-01")
def test_two_imports_of_the_same_people_at_once_make_each_person_once(
    committed: None, acme: Organization
) -> None:
    make_subscription(acme, 1500)
    lead_into_run(acme, "Spring")
    jobs = [start(acme, plan(acme, people_csv(1200))) for _ in range(2)]

    run_at_once(acme, jobs)

    results = [job_now(job).result for job in jobs]
    assert [job_now(job).state for job in jobs] == ["succeeded", "succeeded"]
    # the slower one finds a person complete, or lacking the manager that the faster one links at its end
    assert [result["refused"] for result in results] == [0, 0]
    assert [result["done"] + result["unchanged"] for result in results] == [1200, 1200]
    counts = state_of(acme)
    assert counts.pop("done_rows") >= 1200
    assert set(counts.values()) == {1200}
    with in_organization(acme):
        assert Member.objects.filter(manager__isnull=False).count() == 1190


@pytest.mark.feature("COH-01")
def test_two_imports_race_for_the_last_seats_and_nobody_is_half_there(
    committed: None, acme: Organization
) -> None:
    subscription = make_subscription(acme, 900)
    first = people_csv(600)
    second = people_csv(600).replace(b"@acme", b"@second").replace(b"E", b"F")
    jobs = [start(acme, plan(acme, first)), start(acme, plan(acme, second))]

    run_at_once(acme, jobs)

    results = [job_now(job).result for job in jobs]
    assert sum(result["done"] for result in results) == 900
    late = [result["refused_while_applying"].get("seats_exhausted", 0) for result in results]
    assert sum(late) == 300
    with in_public():
        subscription.refresh_from_db()
        assert subscription.used == 900
        assert User.objects.filter(email__startswith="p").count() == 900


@pytest.mark.feature("COH-01")
def test_two_organizations_bring_in_the_same_people_at_once(
    committed: None, acme: Organization, globex: Organization
) -> None:
    for organization in (acme, globex):
        make_subscription(organization, 1500)
    # the second file names the people in the opposite order: the worst case for locks
    header, *people = people_csv(1200).split(b"\n")
    jobs = [
        (acme, start(acme, plan(acme, b"\n".join([header, *people])))),
        (globex, start(globex, plan(globex, b"\n".join([header, *reversed(people)])))),
    ]

    run_together([partial(do_job, *pair) for pair in jobs])

    for organization, job in jobs:
        assert job_now(job).result["done"] == 1200
        with in_organization(organization):
            assert Member.objects.filter(email__startswith="p").count() == 1200
    with in_public():
        assert User.objects.filter(email__startswith="p").count() == 1200
        assert Membership.objects.filter(user__email__startswith="p").count() == 2400


@pytest.mark.feature("COH-01")
def test_somebody_invited_by_hand_at_the_same_moment_is_one_person(
    committed: None, acme: Organization
) -> None:
    make_subscription(acme, 10)
    job = start(acme, plan(acme, people_csv(5)))
    thread = threading.Thread(target=do_job, args=(acme, job))
    with in_public(), transaction.atomic():
        user = User.objects.create_user("p00003@acme.example")  # logins are made by the platform's role
        membership = Membership.objects.create(organization=acme, user=user)
        with in_organization(acme):
            Member.objects.create(membership=membership, user=user, email=user.email, first_name="P3")
        thread.start()  # it does not see the person, and waits for this transaction at the address
        wait_for(somebody_waits)
    thread.join()

    finished = job_now(job)
    assert finished.result["done"] == 5
    with in_organization(acme):
        found = Member.objects.get(email="p00003@acme.example")
        assert (found.pk, found.employee_id, found.department) == (membership.pk, "E3", "Sales")
    counts = state_of(acme)
    assert (counts["members"], counts["memberships"], counts["seats"], counts["used"]) == (5, 5, 5, 5)
    assert counts["invitations"] == 4, "the fifth is whoever's who invited by hand"


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid' "
            "AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None


@pytest.mark.feature("COH-01")
def test_many_apply_the_same_plan_at_once_and_get_one_job(
    committed: None, acme: Organization, sign_in: Callable[..., Any]
) -> None:
    make_subscription(acme, 10)
    roster_id = plan(acme, people_csv(5))
    callers = [sign_in(acme, Role.ADMIN) for _ in range(6)]
    answers: list[tuple[int, str]] = []

    def ask(caller: Any) -> None:
        try:
            answer = caller.post(f"/api/v1/rosters/{roster_id}/apply", {})
            answers.append((answer.status_code, answer.json()["id"]))
        finally:
            connection.close()

    run_together([partial(ask, caller) for caller in callers])

    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert answers[0][0] == 202
    with in_public():
        assert Job.objects.filter(organization_id=acme.id).count() == 1


def run_at_once(organization: Organization, jobs: list[Job]) -> None:
    run_together([partial(do_job, organization, job) for job in jobs])


def do_job(organization: Organization, job: Job) -> None:
    try:
        with in_organization(organization):
            applying.run_applying(job_id=str(job.pk))
    finally:
        connection.close()
