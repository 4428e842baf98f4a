"""The ways in which one organization could reach another's data, each with the guard that closes it.

A test that would catch the way carries `@pytest.mark.leak(number)`; tests/isolation/test_register.py fails
for a way without one. `make isolation-report` runs them and writes the result.
"""

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        what: how it would leak.
        guard: what in the product closes it, with the place.
    """

    number: int
    what: str
    guard: str


WAYS = (
    Way(
        1,
        "Raw SQL names another organization's schema",
        "a database role for each organization, set in one message with the search path (tenants/scope.py)",
    ),
    Way(
        2,
        "A task of a deleted or unknown organization runs",
        "OrganizationTask resolves the id before the body and raises (tenants/task_base.py)",
    ),
    Way(
        3,
        "A task without an organization runs in the shared schema",
        "each task chooses its base; one that chose none refuses to run (tenants/task_base.py)",
    ),
    Way(
        4,
        "Work after a commit runs in another scope than it was registered in",
        "tenants.context.on_commit keeps the scope; a house rule refuses Django's own",
    ),
    Way(
        5,
        "`with organization:` in two threads restores the wrong one",
        "Organization.__enter__ raises; the one door is in_organization, kept in a context variable",
    ),
    Way(
        6,
        "A query built in one organization is evaluated in another",
        "queries remember where they were built and raise elsewhere (tenants/rows.py)",
    ),
    Way(
        7,
        "A row read in one organization is saved in another",
        "rows remember where they were read; save, delete and refresh raise elsewhere (tenants/rows.py)",
    ),
    Way(
        8,
        "A new thread runs without its organization",
        "a thread starts nowhere, with an empty search path: an error, never a shared row",
    ),
    Way(
        9,
        "Two asynchronous tasks share one connection",
        "each cursor compares the connection's scope with the context's (tenants/postgresql/base.py)",
    ),
    Way(
        10,
        "Another thread's connection is switched instead of one's own",
        "the library's set_tenant is refused; each connection is checked against a context variable",
    ),
    Way(
        11,
        "The driver's own cursor stands where the last organization was",
        "the switch is sent at the switch, not with the next Django cursor (set_scope)",
    ),
    Way(
        12,
        "Raw SET or a driver's ROLLBACK moves the connection under the code",
        "a house rule; the role stays and refuses other schemas; no switch inside a transaction",
    ),
    Way(
        13,
        "A pooled connection comes out of the pool in the last organization",
        "the pool gives out connections that stand nowhere (tenants/postgresql/pool.py)",
    ),
    Way(
        14,
        "A pooler in transaction mode mixes sessions",
        "TENANT_POOLING: the scope travels inside each transaction (tenants/postgresql/transactional)",
    ),
    Way(
        15,
        "The schema is not there and the shared one answers",
        "SET ROLE fails with the schema's role; state and level are checked at each request and task",
    ),
    Way(
        16,
        "A table lacks in the organization and the shared one of that name is written",
        "no table name is in both; an organization behind the code answers 503 (tenants/selectors/levels.py)",
    ),
    Way(
        17,
        "Cached content types of one organization are used in another",
        "content types and permissions stand in the shared schema only, with one id for all",
    ),
    Way(
        18,
        "A right on an object opens the object of that id elsewhere",
        "rights stand in the organization's schema, in tables with real keys (shared_apps/core/rights.py)",
    ),
    Way(
        19,
        "A global permission or staff flag counts in every organization",
        "policies read the membership's role; staff counts on the platform host only",
    ),
    Way(
        20,
        "A user object keeps the permissions of the last organization",
        "the actor is made anew for each request; nothing is cached on users",
    ),
    Way(
        21,
        "A token of one organization is used at another's host",
        "its organization must be the host's, with an active membership (accounts/services/access.py)",
    ),
    Way(
        22,
        "A session cookie reaches another host",
        "cookies are host-only; the session's sign-in names its organization",
    ),
    Way(
        23,
        "A forged Host or X-Forwarded-Host chooses the organization",
        "only Host counts, and a host that nobody registered is 404 (tenants/middleware.py)",
    ),
    Way(
        24,
        "A cached host still answers for the organization that moved away",
        "each change moves the registry's version, which every process checks (tenants/selectors/hosts.py)",
    ),
    Way(
        25,
        "Cache entries of one organization are read in another",
        "the key function puts the organization's UUID into each key (tenants/cache.py)",
    ),
    Way(
        26,
        "A new organization finds what an old one of its schema name left",
        "schema names are spelled from UUIDs and never used again; caches and files go by UUID",
    ),
    Way(
        27,
        "Two organizations share one folder of files",
        "each has the folder of its UUID; names that lead out are refused (tenants/storage.py)",
    ),
    Way(
        28,
        "A guessed or passed-on address opens another's file",
        "signed with the organization in the key, for five minutes (media/services/links.py)",
    ),
    Way(
        29,
        "A signal on a shared table works in whatever schema is current",
        "a house rule refuses receivers; events go through the outbox",
    ),
    Way(
        30,
        "A second database alias is not switched",
        "a switch moves every open connection, a later one starts in the scope (tenants/context.py)",
    ),
    Way(
        31,
        "Logs, limits, idempotency keys, events and metrics are kept without the organization",
        "all are keyed by the organization's UUID; the sweep looks for the other's marks in each",
    ),
)


def catchers() -> dict[int, list[str]]:
    """Return number of a way -> the tests that carry its mark, as `path::name`."""
    found: dict[int, list[str]] = defaultdict(list)
    for source in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.leak":
                    for argument in mark.args:
                        found[ast.literal_eval(argument)].append(f"{source.relative_to(ROOT)}::{node.name}")
    return found
