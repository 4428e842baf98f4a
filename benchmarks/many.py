"""Many tenants in the database at hand: the ground of whatever is measured against their number."""

import itertools
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, transaction

from benchmarks.stack import Stack
from shared_apps.core import clock
from shared_apps.core.ids import new_id
from tenants.context import in_public
from tenants.enums import OrganizationState, SchemaState
from tenants.models import Organization
from tenants.names import schema_name_for
from tenants.services.organizations import do_insert_with_host
from tenants.services.schemas import build_schema

_BUILDERS = 2
_SAY_EVERY = 100
_numbers = itertools.count(1)


def count_from_environment(name: str, usual: int) -> int:
    """Return how many to make: the environment's variable, else the usual number.

    Args:
        name: of the variable, such as `BENCH_TENANTS`; CI's smoke test sets it small.
        usual: when it is not set.
    """
    return int(os.environ.get(name, "") or usual)


def make_tenants(
    count: int, *, stack: Stack | None = None, prefix: str = "many", builders: int = _BUILDERS
) -> list[Organization]:
    """Build `count` schemas with an organization and a host each, and return the organizations, oldest first.

    Each is whole (role, schema, rows of the registry, verified host) and empty. Needs no scope around it.

    Args:
        stack: told how far it is.
        prefix: of the slugs; another one for each call in one database.
        builders: threads that build at once.
    """
    done = itertools.count(1)

    def make(_: int) -> Organization:
        try:
            with in_public():
                made = _make_one(f"{prefix}-{next(_numbers)}")
        finally:
            connection.close()
        number = next(done)
        if stack is not None and number % _SAY_EVERY == 0:
            stack.say(f"{number} of {count} tenants made")
        return made

    with quiet_log(), ThreadPoolExecutor(builders) as threads:
        return sorted(threads.map(make, range(count)), key=lambda organization: organization.id)


def _make_one(slug: str) -> Organization:
    identifier = new_id()
    build_schema(identifier, state=SchemaState.CLAIMED)
    organization = Organization(
        id=identifier,
        schema_name=schema_name_for(identifier.hex),
        name=slug,
        slug=slug,
        owner_email=f"owner@{slug}.example",
        state=OrganizationState.ACTIVE,
        state_changed_at=clock.now(),
    )
    with transaction.atomic():
        do_insert_with_host(organization)
    return organization


@contextmanager
def quiet_log() -> Iterator[None]:
    """Leave out what is only worth a line when it happens once, such as a schema that was built.

    By the standard library's switch: loggers of structlog keep for good what they were configured with at
    their first use.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
