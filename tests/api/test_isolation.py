"""Nothing of one organization can be reached from another's host: walked over the whole tenant document."""

from collections.abc import Callable, Iterator

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings

from tenants.context import in_public
from tenants.models import Organization
from tenants.services.organizations import host_of
from tenants.storage import remove_all_files
from tests.api.isolation import call, find_leaks, path_ids
from tests.api.matrix import ANYONE, TENANT
from tests.support.client import Caller, access_token, caller_as
from tests.support.operations import Operation, operations_of
from tests.support.world import World, build_world, checksums, empty_tables

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

MARKS = {"acme": "ALPHAMARK", "globex": "BRAVOMARK"}


@pytest.fixture
def worlds(acme: Organization, globex: Organization) -> Iterator[tuple[World, World]]:
    """Acme's world (the victim) and Globex's (the attacker's own); their files are removed after."""
    yield build_world(acme, MARKS["acme"]), build_world(globex, MARKS["globex"])
    for organization in (acme, globex):
        remove_all_files(organization.id)


def test_the_world_has_a_row_in_every_tenant_table(worlds: tuple[World, World]) -> None:
    assert empty_tables(worlds[0]) == []


def test_the_world_knows_every_kind_of_id_in_paths(worlds: tuple[World, World]) -> None:
    for operation in operations_of("tenant"):
        path_ids(operation, worlds[0])


@pytest.mark.feature("TEN-01", "TEN-05")
def test_ids_of_another_organization_reach_nothing(worlds: tuple[World, World]) -> None:
    victim, attacker = worlds
    before = checksums(victim.organization)
    leaks = find_leaks(
        operations_of("tenant"),
        lambda: caller_as(attacker.owner, attacker.organization),
        victim,
        accept=lambda status: status in {400, 404},
    )
    assert leaks == []
    assert checksums(victim.organization) == before


@pytest.mark.leak(21)
@pytest.mark.feature("IDN-03", "IDN-04")
@pytest.mark.parametrize("kind", ["access token", "personal token"])
def test_tokens_of_another_organization_are_no_sign_in(kind: str, worlds: tuple[World, World]) -> None:
    victim, attacker = worlds
    token = access_token(victim.owner) if kind == "access token" else victim.token
    host = host_of(attacker.organization.slug)
    before = checksums(victim.organization), checksums(attacker.organization)
    accepted = []
    for operation in operations_of("tenant"):
        if TENANT[operation.id] is ANYONE:
            continue
        response = call(Caller(host, token), operation, victim)
        if response.status_code != 401:
            accepted.append(f"{operation.id}: {response.status_code}")
    assert accepted == []
    assert (checksums(victim.organization), checksums(attacker.organization)) == before


@pytest.mark.leak(22)
def test_a_session_cookie_of_another_organization_is_no_sign_in(
    worlds: tuple[World, World], session_of: Callable[[World], Caller]
) -> None:
    victim, attacker = worlds
    browser = session_of(victim)
    assert browser.get("/api/v1/profile").status_code == 200
    thief = Caller(host_of(attacker.organization.slug))
    thief.cookies = browser.cookies
    accepted = []
    for operation in operations_of("tenant"):
        if TENANT[operation.id] is not ANYONE and call(thief, operation, victim).status_code != 401:
            accepted.append(operation.id)
    assert accepted == []


def test_own_lists_hold_nothing_of_another_organization(worlds: tuple[World, World]) -> None:
    victim, attacker = worlds
    seen_own, leaks = 0, []
    for operation in operations_of("tenant"):
        if operation.method != "get":
            continue
        response = call(caller_as(attacker.owner, attacker.organization), operation, attacker)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        seen_own += attacker.mark.lower().encode() in body.lower()
        if victim.mark.lower().encode() in body.lower() or response.status_code >= 500:
            leaks.append(f"{operation.id}: {response.status_code}")
    assert leaks == []
    assert seen_own >= 10, "the walk must really see the attacker's own data, or it proves nothing"


def test_a_planted_leak_is_found(worlds: tuple[World, World], settings: object) -> None:
    """The test of the test: a view that answers another tenant's rows, whatever host asks."""
    victim, attacker = worlds
    settings.ROOT_URLCONF = "tests.support.leaky_urls"  # type: ignore[attr-defined]
    planted = [
        Operation(id="leaky_list", method="get", path="/api/v1/leaky"),
        Operation(
            id="leaky_detail",
            method="get",
            path="/api/v1/courses/{id}",
            parameters=({"in": "path", "name": "id"},),
        ),
        Operation(id="honest", method="get", path="/api/v1/honest"),
    ]
    found = find_leaks(
        planted,
        lambda: caller_as(attacker.owner, attacker.organization),
        victim,
        accept=lambda status: status in {400, 404},
    )
    assert [line.split(":")[0] for line in found] == ["leaky_list", "leaky_detail"]


@pytest.fixture
def session_of() -> Callable[[World], Caller]:
    """Sign the world's owner in with a browser session on their own host."""

    def make(world: World) -> Caller:
        with in_public():
            user = world.owner.user
            user.set_password("correct horse battery")
            user.save()
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        browser = Caller(host_of(world.organization.slug))
        answer = browser.post(
            "/api/v1/auth/sign-in",
            {"email": user.email, "password": "correct horse battery", "mode": "session"},
            format="json",
        )
        assert answer.status_code == 200, answer.content
        assert settings.SESSION_COOKIE_NAME in browser.cookies
        return browser

    return make
