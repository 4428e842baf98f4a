"""Background work on schemas leaves the database to the people at work."""

from typing import Any

import pytest

from tenants.services.pacing import rest_after


@pytest.mark.parametrize(
    ("percent", "worked", "rested"), [(100, 0.2, [0.2]), (50, 0.2, [0.1]), (100, 9.0, [1.0]), (0, 9.0, [])]
)
def test_it_rests_in_proportion_to_its_work(
    settings: Any, percent: int, worked: float, rested: list[float]
) -> None:
    settings.BACKGROUND_REST_PERCENT = percent
    slept: list[float] = []
    rest_after(worked, sleep=slept.append)
    assert slept == rested
