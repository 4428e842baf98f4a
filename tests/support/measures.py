"""Count a request's statements; run work in parallel."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.core.errors import DomainError
from tenants.context import in_organization
from tenants.models import Organization


@contextmanager
def statements() -> Iterator[list[str]]:
    """Gather the SQL of the block, but for transaction control and the cached look-up of the host."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as seen:
        yield found
    found += [
        str(each["sql"])
        for each in seen.captured_queries
        if "SAVEPOINT" not in str(each["sql"]) and "tenants_domain" not in str(each["sql"])
    ]


def in_parallel(organization: Organization, works: list[Callable[[], Any]]) -> list[Any]:
    """Run the works at once, each in a thread and connection of its own, inside the organization.

    Returns their results, in the order they ended; a domain error's code stands for its result.
    """
    gate, results = threading.Barrier(len(works)), []

    def run(work: Callable[[], Any]) -> None:
        try:
            with in_organization(organization):
                gate.wait()
                try:
                    results.append(work())
                except DomainError as error:
                    results.append(error.code)
        finally:
            connection.close()

    run_together([partial(run, work) for work in works])
    return results


def run_together(works: Iterable[Callable[[], Any]]) -> None:
    """Run each work in a thread of its own, all at once, and return when all have ended."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
