"""How fast a cohort of ten thousand comes in: from the upload to the plan, and from "apply" to the last row.

A roster of the benchmark's own, the same at every run. PALAESTRA_BENCH_ROSTER names a CSV file to measure
besides, in an organization of its own.
"""

import http.client
import json
import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
from django.db import transaction

from benchmarks.load import LoadFailed, percentile
from benchmarks.many import quiet_log
from benchmarks.stack import Stack, Web
from billing.models import Plan, Subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.cohorts.models import Cohort
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.people.models import Member
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.services.organizations import do_create_organization, host_of
from tenants.services.pool import refill_pool

NAME = "cohort"
DESCRIPTION = "the plan of a 10,000-row roster over HTTP, and applying it with one worker"
ROWS = 10_000
SEATS = 12_000
COHORTS = ("2027-Q1 Onboarding", "Security Refresher 2027")
_TIMEOUT_SECONDS = 600
_HEADER = (
    "employee_id;email;first_name;last_name;job_title;department;manager_email;location;timezone;language;"
    "start_date;role;cohort"
)


@dataclass(frozen=True)
class Company:
    """An organization and an administrator's token for its host."""

    organization: Organization
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what every request of the administrator carries."""
        return {"Host": host_of(self.organization.slug), "Authorization": f"Bearer {self.token}"}


@dataclass
class Watch:
    """What was seen while the job ran.

    Attributes:
        family_mb: largest sum of the resident memory of the worker's processes, shared pages counted in each.
        process_mb: largest resident memory of a single one of them.
        neighbour_ms: answers of another tenant, one every 20 ms.
    """

    family_mb: float = 0.0
    process_mb: float = 0.0
    neighbour_ms: list[float] = field(default_factory=list)


@quiet_log()
def run(stack: Stack) -> dict[str, Any]:
    """Return the figures; memory in MiB, times in seconds unless the key ends in `_ms`."""
    with in_public():
        refill_pool(target=5)
        neighbour = _found("neighbour")
        company = _found("bench")
    figures = _measure(stack, company, neighbour, write_roster(ROWS), "")
    given = os.environ.get("PALAESTRA_BENCH_ROSTER")
    if given:
        with in_public():
            other = _found("given")
        figures |= _measure(stack, other, neighbour, Path(given).read_bytes(), "given_file_")
    return figures


def _measure(
    stack: Stack, company: Company, neighbour: Company, content: bytes, prefix: str
) -> dict[str, Any]:
    with stack.web() as web, stack.worker() as worker:
        _call(web, "GET", "/api/v1/rosters", company.headers)  # the first request pays for imports
        plan, plan_seconds = _timed(lambda: _upload(web, company, content))
        stack.say(f"plan in {plan_seconds:.2f} s: {plan['counts']}")
        with _watching(web, worker, neighbour) as watch:
            job, apply_seconds = _timed(lambda: _apply(web, company, plan["id"]))
        result = job["result"]
        stack.say(f"applied in {apply_seconds:.2f} s: {result}")
        again, again_seconds = _timed(lambda: _upload(web, company, content))
    if again["counts"]["add"] or again["counts"]["change"]:
        raise LoadFailed(f"the same file again would change something: {again['counts']}")
    with in_public():
        mails = OutboxMessage.objects.filter(organization_id=company.organization.id).count()
    figures = {
        "plan_seconds": round(plan_seconds, 2),
        "apply_seconds": round(apply_seconds, 2),
        "rows_per_second": round(plan["counts"]["rows"] / apply_seconds),
        "peak_memory_mb": round(watch.family_mb),
        "peak_process_memory_mb": round(watch.process_mb),
        "plan_again_seconds": round(again_seconds, 2),
        "rows": plan["counts"]["rows"],
        "people_added": result["done"],
        "rows_refused": result["refused"],
        "mails_queued": mails,
        "neighbour_p50_ms": round(percentile(watch.neighbour_ms, 50), 1),
        "neighbour_p99_ms": round(percentile(watch.neighbour_ms, 99), 1),
    }
    return {f"{prefix}{name}": value for name, value in figures.items()}


# --- The ground ----------------------------------------------------------------------------------


def _found(slug: str) -> Company:
    """Make an organization with seats, an administrator, and two cohorts that lead into a run."""
    with transaction.atomic(durable=True):
        organization = do_create_organization(
            name=slug.capitalize(),
            slug=slug,
            owner_email=f"owner@{slug}.example",
            timezone="Europe/Berlin",
            language="de",
            creation_key=None,
        )
        plan, _ = Plan.objects.get_or_create(code="bench", defaults={"name": "Bench"})
        Subscription.objects.create(
            organization=organization, plan=plan, purchased=SEATS, starts_at=clock.now()
        )
        user = User.objects.create_user(f"owner@{slug}.example")
        membership = Membership.objects.create(
            organization=organization,
            user=user,
            role=Role.OWNER,
            status=MembershipStatus.ACTIVE,
            joined_at=clock.now(),
        )
        sign_in = SignIn.objects.create(user=user, organization=organization, membership=membership)
    _lead_into_run(organization, membership, user)
    claims = AccessClaims(user.id, membership.id, organization.id, sign_in.id, user.sign_in_epoch)
    return Company(organization, encode_access(claims))


def _lead_into_run(organization: Organization, membership: Membership, user: User) -> None:
    with in_organization(organization):
        owner = Member.objects.create(membership=membership, user=user, email=user.email)
        course = Course.objects.create(slug="security", title="Security", owner=owner)
        version = CourseVersion.objects.create(course=course, number=1)
        CourseVersion.objects.filter(pk=version.pk).update(
            state=VersionState.PUBLISHED, published_at=clock.now()
        )
        Course.objects.filter(pk=course.pk).update(state=CourseState.PUBLISHED, current_version_id=version.id)
        for name in COHORTS:
            opened = CourseRun.objects.create(course=course, version=version, title=name)
            Cohort.objects.create(name=name, run=opened)


def write_roster(rows: int, *, seed: int = 2027) -> bytes:
    """Return an export as a German Excel writes it (UTF-8 with BOM, semicolons, CRLF), the same for a seed.

    One row in fifty is wrong in some way that exports are: the planner must explain those too.
    """
    chance = random.Random(seed)
    lines = [_HEADER, *(_line(chance, number) for number in range(rows))]
    return b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n"


def _line(chance: random.Random, number: int) -> str:
    first = chance.choice(("Jürgen", "Aylin", "Zoë", "Markus", "Paula", "Ross", "Siân", "Łukasz", "Nguyễn"))
    last = chance.choice(("Müller", "Öztürk", "O'Neill", "Groß", "van der Berg", "Şahin", "Kowalski", "Li"))
    cells = {
        "employee_id": f"E{100000 + number}",
        "email": f"s{number:05}.{last[0].lower() if last[0].isascii() else 'x'}@bench.example",
        "first_name": first,
        "last_name": last,
        "job_title": chance.choice(("Mechaniker", "Contracting civil engineer", "Buchhalterin", "Nurse")),
        "department": chance.choice(("Operations", "Finance", "Marketing", "Sales", "IT", "Legal")),
        "manager_email": "",
        "location": chance.choice(("Bersenbrück", "New Allanton", "Samanthaberg", "Zürich")),
        "timezone": chance.choice(("Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "UTC")),
        "language": chance.choice(("de", "en", "es", "ru")),
        "start_date": str(date(2010, 1, 1) + timedelta(days=chance.randrange(6000))),
        "role": "manager" if number < 200 else "learner",
        "cohort": chance.choice(COHORTS),
    }
    if chance.random() < 0.02:
        column, value = chance.choice(
            (
                ("email", "nobody at home"),
                ("email", ""),
                ("start_date", "31/12/2020"),
                ("timezone", "Mars/Olympus"),
                ("role", "emperor"),
                ("cohort", "No such cohort"),
                ("job_title", "=cmd|'/c calc'!A1"),
                ("last_name", "x" * 300),
            )
        )
        cells[column] = value
    return ";".join(cells.values())


# --- The client ----------------------------------------------------------------------------------


def _upload(web: Web, company: Company, content: bytes) -> dict[str, Any]:
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    ).encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return _call(web, "POST", "/api/v1/rosters", {**company.headers, **headers}, body)


def _apply(web: Web, company: Company, roster_id: str) -> dict[str, Any]:
    """Start the job and ask for it until it is over, as a client would; return it."""
    headers = {**company.headers, "Content-Type": "application/json"}
    job = _call(web, "POST", f"/api/v1/rosters/{roster_id}/apply", headers, b'{"partial": true}')
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while job["state"] not in {"succeeded", "failed"}:
        if time.monotonic() > deadline:
            raise LoadFailed(f"the job did not end: {job}")
        time.sleep(0.1)
        job = _call(web, "GET", f"/api/v1/jobs/{job['id']}", company.headers)
    if job["state"] != "succeeded":
        raise LoadFailed(f"the job failed: {job}")
    return job


def _call(
    web: Web, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise LoadFailed(f"{method} {path} answered {response.status}: {answer[:500]!r}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _timed(work: Any) -> tuple[dict[str, Any], float]:
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


@contextmanager
def _watching(web: Web, worker: psutil.Process, neighbour: Company) -> Iterator[Watch]:
    """Measure the worker's memory, and how another tenant is served, until the block ends."""
    watch, over = Watch(), threading.Event()

    def measure_memory() -> None:
        while not over.wait(0.05):
            sizes = []
            for process in [worker, *worker.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    sizes.append(process.memory_info().rss / 2**20)
            watch.family_mb = max(watch.family_mb, sum(sizes))
            watch.process_mb = max([watch.process_mb, *sizes])

    def ask_neighbour() -> None:
        while not over.wait(0.02):
            _, seconds = _timed(lambda: _call(web, "GET", "/api/v1/rosters", neighbour.headers))
            watch.neighbour_ms.append(seconds * 1000)

    threads = [threading.Thread(target=measure_memory), threading.Thread(target=ask_neighbour)]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        over.set()
        for thread in threads:
            thread.join()
