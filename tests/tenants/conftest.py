"""Fixtures of the tests of the migrator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.services.migrating.chart import chart
from tests.tenants.migrating_ground import ADD_EFFECT, Scratch, last_of, make_scratch


@pytest.fixture
def scratch(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Scratch]:
    """A copy of an app's migrations that more can be written to."""
    yield make_scratch(tmp_path, monkeypatch, settings)
    chart.cache_clear()


@pytest.fixture
def scratch_with_effect(scratch: Scratch) -> Scratch:
    """The same, with a migration in it that would be seen if it ran twice or by half."""
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    return scratch
