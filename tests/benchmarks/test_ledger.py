"""The benchmark of the seat ledger, at a tiny size: both ways post the same, and it reports its keys."""

import os
from pathlib import Path

import pytest

from benchmarks.ledger import run
from benchmarks.stack import Stack
from billing.models import SeatEntry


@pytest.mark.slow
def test_the_ledger_benchmark_posts_both_ways(committed: None, tmp_path: Path) -> None:
    figures = run(Stack(dict(os.environ), tmp_path), threads=2, seconds=0.05, bulk=20)

    assert figures["audit.entries"] == SeatEntry.objects.count() > 6
    assert (figures["posting.threads"], figures["posting.bulk_seats"]) == (2, 20)
    rates = {name for name in figures if name.endswith(("per_second", "ratio_vs_orm"))}
    assert {"posting.ratio_vs_orm", "posting.per_second", "posting.orm_per_second"} <= rates
    assert all(figures[name] > 0 for name in rates)
