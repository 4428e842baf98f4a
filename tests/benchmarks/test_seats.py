"""The benchmark of seats, at a tiny size: it gives what it says, and reports the promised keys."""

import os
from pathlib import Path

import pytest

from benchmarks.seats import run
from benchmarks.stack import Stack
from billing.models import SeatAssignment


@pytest.mark.slow
def test_the_seats_benchmark_gives_what_it_counts(committed: None, tmp_path: Path) -> None:
    figures = run(Stack(dict(os.environ), tmp_path), claims=16, rounds=2, bulk=30, bulk_rounds=2)

    assert SeatAssignment.objects.count() == 4 * 2 + 30 * 2
    assert (figures["seat_claims.given"], figures["bulk_seats"]) == (4, 30)
    assert figures["bulk_assign_5000_statements"] <= 12
    times = {name for name in figures if name.endswith("_ms")}
    assert {"seat_claims.wall_ms", "bulk_assign_5000_ms", "bulk_assign_5000_service_ms"} <= times
    assert all(figures[name] > 0 for name in times)
