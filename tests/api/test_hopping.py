"""Threads hop between two organizations, through real servers and workers, against the truth."""

import itertools
import json
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from shared_apps.core.jobs import send_now
from tenant_apps.cohorts.models import Cohort
from tenants.context import in_organization
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.client import access_token
from tests.support.hopping_worker import TASK
from tests.support.measures import run_together
from tests.support.pgbouncer import pooler
from tests.support.processes import wait_for
from tests.support.server import Server, serving, serving_as_deployed, working_as_deployed
from tests.support.world import World, build_world

THREADS = 8
SECONDS = 20
SECONDS_AS_DEPLOYED = 10
TASKS = 200
PATHS = (
    "/api/v1/members",
    "/api/v1/courses",
    "/api/v1/my-courses",
    "/api/v1/seats",
    "/api/v1/cohorts",
    "/api/v1/auth/me",
)


@pytest.mark.slow
@pytest.mark.feature("TEN-05")
def test_threads_that_hop_between_organizations_see_only_the_one_they_asked(
    committed: None, acme: Organization, globex: Organization
) -> None:
    worlds = [build_world(acme, "ALPHAMARK"), build_world(globex, "BRAVOMARK")]
    # Fewer connections than threads, so that each connection really changes hands.
    with serving(workers=2, threads=THREADS, DB_POOL_MAX="3") as server:
        wrong, answered = _hop(server, worlds, SECONDS)
    assert wrong == []
    assert len(answered) == 2


@pytest.mark.slow
@pytest.mark.feature("TEN-05")
@pytest.mark.feature("OPS-07")
@pytest.mark.parametrize("way", ["directly", "behind a pooler"])
def test_servers_and_workers_as_deployed_hop_between_organizations(
    committed: None, acme: Organization, globex: Organization, way: str
) -> None:
    worlds = [build_world(acme, "ALPHAMARK"), build_world(globex, "BRAVOMARK")]
    with ExitStack() as stack:
        environment = {"WEB_CONCURRENCY": "2", "WEB_THREADS": "4", "WORKER_CONCURRENCY": "2"}
        if way == "behind a pooler":
            # Two sessions for four processes and their fourteen connections.
            url = stack.enter_context(pooler(server_connections=2))
            environment |= {"DATABASE_URL": url, "DATABASE_POOLING": "transaction"}
        stack.enter_context(working_as_deployed("tests.support.hopping_worker", **environment))
        server = stack.enter_context(serving_as_deployed(**environment))
        for number in range(TASKS):
            assert send_now(TASK, organization_id=worlds[number % 2].organization.id, number=number)
        wrong, answered = _hop(server, worlds, SECONDS_AS_DEPLOYED)
        for world in worlds:
            _wait_for_tasks(world)
    assert wrong == []
    assert len(answered) == 2
    for index, world in enumerate(worlds):
        slug = world.organization.slug
        own = f"{slug} owner@{slug}.example owner@{slug}.example 1"
        assert _records(world) == {f"{number} {own}" for number in range(index, TASKS, 2)}


def _records(world: World) -> set[str]:
    with in_organization(world.organization):
        return set(Cohort.objects.filter(name__contains="owner@").values_list("name", flat=True))


def _wait_for_tasks(world: World) -> None:
    wait_for(lambda: len(_records(world)) >= TASKS // 2, pause_seconds=0.2)


def _hop(server: Server, worlds: list[World], seconds: float) -> tuple[list[str], Counter[str]]:
    """Let THREADS clients hop between the worlds, so long at least and until each world has answered more
    than a hundred times; return what was wrong, and the answers of each world."""
    tokens = {
        world.mark: access_token(Membership.objects.get(organization=world.organization, role=Role.OWNER))
        for world in worlds
    }
    wrong: list[str] = []
    answered: Counter[str] = Counter()
    ends = time.monotonic() + seconds

    def hop(number: int) -> None:
        for step in itertools.count(number):
            if time.monotonic() > ends and min(answered[world.mark] for world in worlds) > 100:
                return
            own, other = worlds[step % 2], worlds[(step + 1) % 2]
            fault = _visit(server, own, other, tokens[own.mark], PATHS[step % len(PATHS)])
            answered[own.mark] += 1
            if fault:
                wrong.append(fault)

    run_together([partial(hop, number) for number in range(THREADS)])
    return wrong, answered


def _visit(server: Server, own: World, other: World, token: str, path: str) -> str | None:
    """Ask one list at the own host; return what is wrong with the answer."""
    answer = server.call("GET", path, host=host_of(own.organization.slug), token=token)
    text = answer.body.decode()
    if answer.status != 200:
        return f"{path}: {answer.status} {text[:200]}"
    if other.mark.lower() in text.lower():
        return f"{path}: {own.mark} was answered {other.mark}"
    document = json.loads(text)
    if path == "/api/v1/courses" and {row["title"] for row in document["results"]} != {own.mark}:
        return f"{path}: not the truth of {own.mark}: {text[:200]}"
    return None
