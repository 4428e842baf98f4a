"""Which benchmarks there are.

A benchmark is a module of this package with NAME, DESCRIPTION and `run`, which takes the Stack (or nothing)
and returns figures under flat keys such as `my_courses.c8.rps`.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any

from benchmarks.stack import Stack

# In the order in which they run.
MODULES: Mapping[str, str] = {
    "provisioning": "benchmarks.provisioning",
    "cohort": "benchmarks.cohort",
    "api": "benchmarks.api",
    "fairness": "benchmarks.fairness",
    "migrations": "benchmarks.migrations",
    "neighbour": "benchmarks.neighbour",
    "routing": "benchmarks.routing",
    "backend_memory": "benchmarks.backend_memory",
    "export": "benchmarks.export",
    "seats": "benchmarks.seats",
    "versions": "benchmarks.versions",
    "ledger": "benchmarks.ledger",
    "webhooks": "benchmarks.webhooks",
    "web_servers": "benchmarks.web_servers",
}
# Answers a question once; not part of what a plain `make bench` measures.
ON_REQUEST = frozenset({"web_servers"})


class UnknownBenchmark(LookupError):
    """A name that is not in the registry."""


def chosen(names: list[str]) -> list[str]:
    """Return the benchmarks to run: those named, or the usual ones.

    Raises:
        UnknownBenchmark: with the names there are.
    """
    for name in names:
        if name not in MODULES:
            raise UnknownBenchmark(f"There is no benchmark {name!r}. There are: {', '.join(MODULES)}.")
    usual = [name for name in MODULES if name not in ON_REQUEST and importlib.util.find_spec(MODULES[name])]
    return names or usual


def run_one(name: str, stack: Stack) -> dict[str, Any]:
    """Import a benchmark, which needs Django to be ready, and return its figures."""
    module = importlib.import_module(MODULES[name])
    stack.say(getattr(module, "DESCRIPTION", name))
    figures: dict[str, Any] = module.run(stack) if inspect.signature(module.run).parameters else module.run()
    return figures
