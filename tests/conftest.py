"""Fixtures every test may use. Two organizations, Acme and Globex, exist in every test run."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections

from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Role
from tenants.context import in_public
from tenants.models import Organization
from tenants.selectors.hosts import forget_cached_hosts
from tenants.services.organizations import host_of
from tests.support.client import Caller, caller_as, platform_caller
from tests.support.database import make_worker_database
from tests.support.seed import make_member

MemberMaker = Callable[..., Membership]
_numbers = itertools.count(1)


# Walks, races and workers that are killed: minutes where the machine is slow, which says nothing about them.
SLOW_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that are marked slow their time, unless they name their own."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Make this worker's database (instead of pytest-django's own, which would migrate it)."""
    with django_db_blocker.unblock():
        make_worker_database()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def shared(db: None) -> Iterator[None]:
    """Stand in the shared schema, in a transaction that is rolled back; tenants are entered on top of it."""
    _forget_caches()
    with in_public():
        yield


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Stand in the shared schema with real commits, for threads and races; the database is remade after."""
    _forget_caches()
    with django_db_blocker.unblock():
        try:
            with in_public():
                yield
        finally:
            make_worker_database()


def _forget_caches() -> None:
    """Empty this worker's part of the cache; `cache.clear()` would empty every other worker's with it."""
    forget_cached_hosts()
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
    mine = list(client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}:*", count=1000))
    if mine:
        client.delete(*mine)


@pytest.fixture
def acme(request: pytest.FixtureRequest) -> Organization:
    """The first organization."""
    return _organization(request, "acme")


@pytest.fixture
def globex(request: pytest.FixtureRequest) -> Organization:
    """The second organization, the one nothing may leak from."""
    return _organization(request, "globex")


def _organization(request: pytest.FixtureRequest, slug: str) -> Organization:
    if "committed" not in request.fixturenames:
        request.getfixturevalue("shared")
    return Organization.objects.get(slug=slug)


@pytest.fixture
def member() -> MemberMaker:
    """Make a member: `member(acme, Role.ADMIN)` returns the membership; `.id` is the Member's id too."""

    def make(organization: Organization, role: Role = Role.LEARNER, **facts: Any) -> Membership:
        email = facts.pop("email", None) or f"{role}{next(_numbers)}@{organization.slug}.example"
        made = make_member(organization, email=email, role=role, **facts)
        with in_public():
            return Membership.objects.get(pk=made.pk)

    return make


@pytest.fixture
def sign_in(member: MemberMaker) -> Callable[..., Caller]:
    """Return a client: `sign_in(acme, Role.ADMIN)` for a fresh member, or give a membership made before."""

    def make(organization: Organization, who: Role | Membership = Role.LEARNER) -> Caller:
        membership = who if isinstance(who, Membership) else member(organization, who)
        return caller_as(membership, organization)

    return make


@pytest.fixture
def anonymous() -> Callable[[Organization], Caller]:
    """Return a client without sign-in on the organization's host."""
    return lambda organization: Caller(host_of(organization.slug))


@pytest.fixture
def operator(request: pytest.FixtureRequest) -> Caller:
    """A client signed in on the platform host as an operator."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("shared")
    return platform_caller(
        User.objects.create_user(f"operator{next(_numbers)}@palaestra.example", is_staff=True)
    )
