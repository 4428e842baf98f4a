"""Everything done as A: no answer, row, file, cache key, mail or log line holds B's mark; B is as it was.

B has the same ids as A in every tenant table, so whatever goes by id alone finds B's row when it stands in
the wrong place. What each part did is kept with the test's result for `make isolation-report`.
"""

import functools
import inspect
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Role
from tenants.context import in_public
from tenants.services.organizations import host_of
from tenants.task_base import OrganizationTask
from tests.api.matrix import ANYONE, PLATFORM, TENANT
from tests.isolation.plan import BODIES, COMMANDS, KEPT_AS_SENT, TASKS, NotRun
from tests.isolation.stores import holds
from tests.isolation.sweep import Findings, Sweep, command, everything, request, task
from tests.isolation.twins import MARK_A, MARK_B, Twins
from tests.support.client import PLATFORM_HOST, Caller, access_token, caller_as, platform_caller
from tests.support.operations import operations_of
from tests.support.seed import make_member

Record = Callable[[str, object], None]
_OURS = ("tenants", "billing", "api", "config")
pytestmark = [pytest.mark.feature("TEN-05"), pytest.mark.sweep, pytest.mark.slow]


def _report(found: Findings, record: Record, part: str, **more: object) -> None:
    record("sweep", {"part": part, **found.counts(), "done": found.done, **more})
    assert found.leaks == []


def _membership(twins: Twins, role: Role) -> Membership:
    if role is Role.OWNER:
        return twins.a.owner
    member = make_member(twins.a.organization, email=f"sweep-{role}@acme.example", role=role)
    with in_public():
        return Membership.objects.get(pk=member.pk)


@pytest.mark.feature("M07")
@pytest.mark.leak(31)
@pytest.mark.parametrize("role", list(Role))
def test_every_operation_of_a_tenant_host(role: Role, twins: Twins, record_property: Record) -> None:
    membership = _membership(twins, role)
    sweep = Sweep(twins)
    for operation in operations_of("tenant"):
        # A fresh sign-in each time: operations may end it.
        client = caller_as(membership, twins.a.organization)
        sweep.act(operation.id, request(client, operation, twins.a, BODIES))
    found = sweep.finish()
    if role is Role.OWNER:
        assert found.answered("2") >= len(found.done) * 0.6, [one for one in found.done if one[1][0] != "2"]
    assert found.answered("5") == 0, [one for one in found.done if one[1][0] == "5"]
    _report(found, record_property, f"tenant host as {role}", document="tenant")


@pytest.mark.feature("M07")
def test_every_operation_of_a_tenant_host_with_ids_of_b(twins: Twins, record_property: Record) -> None:
    """Shared tables have one key space: there B's ids are B's alone, and must reach nothing."""
    sweep = Sweep(twins)
    for operation in operations_of("tenant"):
        client = caller_as(twins.a.owner, twins.a.organization)
        sweep.act(operation.id, request(client, operation, twins.b, KEPT_AS_SENT))
    found = sweep.finish()
    own = {str(key) for key in twins.b.ids.values()} | set(twins.needles)
    # The caller wrote B's ids into the address; the log of requests and the answer may repeat them.
    found.leaks = [leak for leak in found.leaks if MARK_B in leak or not _repeats(leak, own)]
    _report(found, record_property, "tenant host with B's ids", document="tenant")


def _repeats(leak: str, sent: set[str]) -> bool:
    return ("logged" in leak or "answered" in leak) and any(text in leak for text in sent)


@pytest.mark.leak(21)
def test_every_operation_of_bs_host_with_the_token_of_a(twins: Twins, record_property: Record) -> None:
    sweep = Sweep(twins)
    host = host_of(twins.b.organization.slug)
    for operation in operations_of("tenant"):
        if TENANT[operation.id] is not ANYONE:
            thief = Caller(host, access_token(twins.a.owner))
            sweep.act(operation.id, request(thief, operation, twins.b, {}))
    found = sweep.finish()
    # Requests to B's host are logged as B's; what they were answered counts.
    found.leaks = [leak for leak in found.leaks if ": logged " not in leak]
    assert {how for _, how in found.done} == {"401"}
    _report(found, record_property, "B's host with A's token", document="tenant")


@pytest.mark.parametrize("who", ["a token of A's host", "a person of A"])
def test_every_operation_of_the_platform_host(who: str, twins: Twins, record_property: Record) -> None:
    with in_public():
        user = User.objects.get(pk=twins.a.owner.user_id)
    sweep = Sweep(twins)
    twins.a.ids["organizations"] = twins.a.organization.id
    for operation in operations_of("platform"):
        client = platform_caller(user)
        if who == "a token of A's host":
            client = Caller(PLATFORM_HOST, access_token(twins.a.owner))
        sweep.act(operation.id, request(client, operation, twins.a, {}))
    found = sweep.finish()
    closed = {name for name, allowed in PLATFORM.items() if "user" not in allowed and allowed is not ANYONE}
    wanted = "401" if who == "a token of A's host" else "403"
    assert {how for name, how in found.done if name in closed} == {wanted}
    _report(found, record_property, f"platform host as {who}", document="platform")


@pytest.mark.leak(31)
def test_answers_kept_for_a_are_not_repeated_to_b(twins: Twins, record_property: Record) -> None:
    """One person works for both, and sends the same key and body to both hosts."""
    person = User.objects.create_user("agent@agency.example")
    clients = {}
    for world in (twins.a, twins.b):
        make_member(world.organization, email=person.email, role=Role.ADMIN)
        with in_public():
            membership = Membership.objects.get(organization=world.organization, user=person)
        clients[world.mark] = lambda membership=membership, world=world: caller_as(
            membership, world.organization
        )
    sweep, leaks, remembered = Sweep(twins), [], 0
    for operation in operations_of("tenant"):
        if operation.method != "post" or operation.id.startswith("auth_"):
            continue
        key = uuid.uuid4().hex

        def once(name: str, key: str = key, operation: Any = operation) -> tuple[str, bytes]:
            client = clients[name]()
            client.defaults["HTTP_IDEMPOTENCY_KEY"] = key
            return request(client, operation, twins.a, BODIES)()  # type: ignore[no-any-return]

        def both(operation: Any = operation) -> tuple[str, bytes]:
            first = once(MARK_A)
            again, other = once(MARK_A)[1], once(MARK_B)[1]
            nonlocal remembered
            remembered += b"Idempotency-Replayed" in again
            if b"Idempotency-Replayed" in other or holds(other, (MARK_A, str(twins.a.organization.id))):
                leaks.append(f"{operation.id}: {other[:200]!r}")
            return first

        # B's own request changes B: only answers are compared here.
        sweep.act(operation.id, both)
    assert leaks == []
    assert remembered >= 10, "answers must have been remembered, or this proves nothing"
    record_property("sweep", {"part": "idempotency keys on both hosts", **sweep.found.counts()})


def test_every_task(twins: Twins, record_property: Record) -> None:
    sweep = Sweep(twins)
    skipped = {}
    current_app.loader.import_default_modules()
    # Ours, not those that another test of this process registered.
    foreign = {"celery", "tests", "benchmarks"}
    names = sorted(
        name for name, task in current_app.tasks.items() if task.__module__.split(".")[0] not in foreign
    )
    for name in names:
        registered = current_app.tasks[name]
        plan = TASKS.get(name)
        if isinstance(plan, NotRun):
            skipped[name] = plan.why
            continue
        arguments = plan(twins) if plan else _arguments_of(name, registered.run, twins)
        is_ours = isinstance(registered, OrganizationTask)
        if is_ours:
            arguments["organization_id"] = str(twins.a.organization.id)
        sweep.act(
            name,
            task(functools.partial(registered, **arguments)),
            for_everybody=not is_ours,
        )
    found = sweep.finish()
    assert len(found.done) >= 3
    _report(found, record_property, "tasks", skipped=skipped)


def _arguments_of(name: str, run: Callable[..., Any], twins: Twins) -> dict[str, Any]:
    """Answer `<kind>_id` with A's id of that kind; anything else must stand in the plan."""
    arguments = {}
    for parameter in inspect.signature(run).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            continue
        kind = f"{parameter.name.removesuffix('_id')}s"
        if kind not in twins.a.ids:
            pytest.fail(f"task {name}: say in TASKS of tests/isolation/plan.py what {parameter.name!r} is")
        arguments[parameter.name] = str(twins.a.ids[kind])
    return arguments


def test_every_command(twins: Twins, record_property: Record) -> None:
    ours = {
        name for name, app in get_commands().items() if app.startswith((*_OURS, "shared_apps", "tenant_apps"))
    }
    assert sorted(ours - set(COMMANDS)) == [], "say in COMMANDS of tests/isolation/plan.py how they are run"
    sweep, skipped = Sweep(twins), {}
    for name in sorted(ours):
        plan = COMMANDS[name]
        if isinstance(plan, NotRun):
            skipped[name] = plan.why
        else:
            sweep.act(name, command(name, plan(twins)))
    _report(sweep.finish(), record_property, "management commands", skipped=skipped)


@pytest.mark.leak(28)
def test_every_download(twins: Twins, record_property: Record) -> None:
    """Each answer that gives an address of a file is followed: at A's host the file is A's."""
    sweep, opened = Sweep(twins), []
    client = caller_as(twins.a.owner, twins.a.organization)
    answer = client.get(f"/api/v1/files/{twins.a.ids['files']}/link")
    address = answer.json()["url"].split(host_of(twins.a.organization.slug))[-1]

    def download() -> tuple[str, bytes]:
        got = Caller(host_of(twins.a.organization.slug)).get(address)
        opened.append(everything(got))
        return str(got.status_code), opened[-1]

    sweep.act("files_download", download)
    found = sweep.finish()
    assert MARK_A.encode() in opened[0]
    assert [how for _, how in found.done] == ["200"]
    assert Caller(host_of(twins.b.organization.slug)).get(address).status_code == 404
    _report(found, record_property, "downloads")


def test_the_sweep_covers_both_documents() -> None:
    """By construction: each operation has a line in the matrix, from which the expected refusals are read."""
    assert {operation.id for operation in operations_of("tenant")} <= set(TENANT)
    assert {operation.id for operation in operations_of("platform")} <= set(PLATFORM)
    assert settings.ROOT_URLCONF == "api.urls_tenant"
    assert apps.is_installed("tenants")
