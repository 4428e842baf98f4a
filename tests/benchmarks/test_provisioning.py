"""The provisioning benchmark, at a tiny size: it measures what it says, and reports the promised keys."""

import os
from pathlib import Path

import pytest

from benchmarks.provisioning import Size, run
from benchmarks.stack import Stack
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.support.server import server_environment


@pytest.mark.slow
def test_the_provisioning_benchmark_makes_what_it_counts(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack({**os.environ, **server_environment()}, tmp_path, workers=1)
    monkeypatch.setattr("benchmarks.stack.HEALTH_HOST", "app.palaestra.test")
    size = Size(claims=4, library_runs=1, storms=1, storm_size=5, refill=4, tenants=3)
    before = Organization.objects.count()

    figures = run(stack, size=size)

    # 4 and 3 inside their transaction, twice 4 and 3 to warm up over HTTP, two storms of 5, 3 to be there
    assert Organization.objects.count() - before == 7 + 14 + 10 + 3
    assert not Organization.objects.filter(state=OrganizationState.PROVISIONING).exists()
    assert (figures["tenants"], figures["storm_size"]) == (3, 5)
    measured = {name: value for name, value in figures.items() if name.endswith(("_ms", "_ms_at_1000"))}
    assert set(measured) == {
        "build_p50_ms",
        "build_p50_ms_at_1000",
        "build_p99_ms",
        "claim_p50_ms",
        "claim_p50_ms_at_1000",
        "claim_p99_ms",
        "claim_p99_ms_at_1000",
        "claim_tx_p50_ms",
        "claim_tx_p50_ms_at_1000",
        "claim_tx_p99_ms",
        "library_create_ms",
        "storm_empty_p50_ms",
        "storm_empty_p99_ms",
        "storm_p50_ms",
        "storm_p99_ms",
    }
    assert all(value > 0 for value in measured.values())
    assert figures["refill_per_second"] > 0
    assert figures["ratio_vs_library"] > 1
