"""Eight threads hop between two organizations for 20 s, through the real server, against the truth."""

import itertools
import json
import threading
import time
from collections import Counter

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.client import access_token
from tests.support.server import Server, serving
from tests.support.world import World, build_world

THREADS = 8
SECONDS = 20
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
    tokens = {
        world.mark: access_token(Membership.objects.get(organization=world.organization, role=Role.OWNER))
        for world in worlds
    }
    wrong: list[str] = []
    answered: Counter[str] = Counter()
    ends = time.monotonic() + SECONDS

    def hop(server: Server, number: int) -> None:
        for step in itertools.count(number):
            if time.monotonic() > ends:
                return
            own, other = worlds[step % 2], worlds[(step + 1) % 2]
            fault = _visit(server, own, other, tokens[own.mark], PATHS[step % len(PATHS)])
            answered[own.mark] += 1
            if fault:
                wrong.append(fault)

    # Fewer connections than threads, so that each connection really changes hands.
    with serving(workers=2, threads=THREADS, DB_POOL_MAX="3") as server:
        threads = [threading.Thread(target=hop, args=(server, number)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert min(answered.values()) > 100, answered


def _visit(server: Server, own: World, other: World, token: str, path: str) -> str | None:
    """Ask one list at the own host; return what is wrong with the answer."""
    answer = server.call("GET", path, host=host_of(own.organization.slug), token=token)
    text = answer.body.decode()
    if answer.status != 200:
        return f"{path}: {answer.status} {text[:200]}"
    if other.mark.lower() in text.lower():
        return f"{path}: {own.mark} was answered {other.mark}"
    document = json.loads(text)
    if path == "/api/v1/courses" and [row["title"] for row in document["results"]] != [own.mark]:
        return f"{path}: not the truth of {own.mark}: {text[:200]}"
    return None
