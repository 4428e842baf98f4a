"""Pytest plugin of `make isolation-report`: runs what is evidence, and keeps how each test ended.

python -m pytest -p tests.isolation.collecting --evidence=FILE PATHS
"""

import json
from pathlib import Path
from typing import Any

import pytest

# Evidence as a whole, beside the tests that carry a mark.
WHOLE = (
    "tests/isolation/",
    "tests/api/test_isolation.py",
    "tests/api/test_hopping.py",
    "tests/tenants/test_context.py",
    "tests/tenants/test_pooler",
    "tests/tenants/test_row_security",
    "tests/tenants/test_separation.py",
    "tests/tenants/test_task_base.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file to write."""
    parser.addoption("--evidence", metavar="FILE", help="write how each test ended to this file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is no evidence, and give the rest the numbers of its ways."""
    kept, left = [], []
    for item in items:
        numbers = [number for mark in item.iter_markers("leak") for number in mark.args]
        if numbers or item.nodeid.startswith(WHOLE):
            item.user_properties.append(("leak", numbers))
            kept.append(item)
        else:
            left.append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


class _Keeper:
    def __init__(self, target: Path) -> None:
        self._target = target
        self._tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of set-up, call and tear-down, with what the test recorded."""
        kept = self._tests.setdefault(
            report.nodeid, {"test": report.nodeid, "outcome": "passed", "seconds": 0.0, "why": ""}
        )
        kept["seconds"] = round(kept["seconds"] + report.duration, 3)
        if report.failed or report.skipped:
            kept["outcome"] = report.outcome
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            kept["why"] = reason[-600:]
        for name, value in report.user_properties:
            kept[name] = value

    def pytest_sessionfinish(self) -> None:
        """Write."""
        self._target.write_text(json.dumps(list(self._tests.values())), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Keep results where the whole run is seen, not in its workers."""
    target = config.getoption("--evidence")
    if target and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Keeper(Path(target)))
