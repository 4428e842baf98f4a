"""The chart of seats bought and used over time, drawn here: no script, and nothing a content policy minds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.selectors.seat_days import SeatDay

WIDTH, HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 28
_MOST_LABELS = 10
_LABEL_WIDTH = 56
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the grid with its label; `at` in units of the picture."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Month:
    """Seats at the end of a month, for those who read numbers."""

    name: str
    purchased: int
    used: int


@dataclass(frozen=True, slots=True)
class SeatChart:
    """A picture of `width` by `height` units.

    Attributes:
        bought, used: path of the steps of each; `area` is `used` closed to the ground.
        summary: the picture in a sentence, for those who don't see it.
    """

    width: int
    height: int
    left: int
    right: int
    ground: int
    bought: str
    used: str
    area: str
    rows: list[Mark]
    columns: list[Mark]
    months: list[Month]
    summary: str


def draw_seats(days: Sequence[SeatDay]) -> SeatChart | None:
    """Return the chart of the days, oldest first; None without any."""
    if not days:
        return None
    most = max(max(each.purchased, each.used) for each in days)
    step = _step_for(most)
    top = max(1, -(-most // step)) * step
    ground = HEIGHT - _BOTTOM
    width = WIDTH - _LEFT - _RIGHT

    def across(index: float) -> float:
        return round(_LEFT + width * index / len(days), 1)

    def up(number: float) -> float:
        return round(ground - (ground - _TOP) * number / top, 1)

    def steps(numbers: list[int]) -> str:
        """Draw only where the number changes: a picture of two years stays small."""
        drawn = [f"M{across(0)} {up(numbers[0])}"]
        for index in range(1, len(numbers)):
            if numbers[index] != numbers[index - 1]:
                drawn.append(f"H{across(index)}V{up(numbers[index])}")
        return f"{''.join(drawn)}H{across(len(numbers))}"

    used = steps([each.used for each in days])
    last = days[-1]
    return SeatChart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        ground=ground,
        bought=steps([each.purchased for each in days]),
        used=used,
        area=f"{used}V{ground}H{across(0)}Z",
        rows=[Mark(up(number), f"{number:,}") for number in range(0, top + 1, step)],
        columns=[
            Mark(across(index), label)
            for index, label in _labels([each.day for each in days])
            if across(index) < WIDTH - _LABEL_WIDTH
        ],
        months=_months(days),
        summary=(
            f"Seats from {days[0].day:%d %b %Y} to {last.day:%d %b %Y}: {last.purchased:,} there and "
            f"{last.used:,} held at the end."
        ),
    )


def _step_for(number: int) -> int:
    """Return a round step of which about four reach the number, so that the grid has whole labels."""
    power = 1
    while True:
        for step in _NICE:
            if step * power * 4 >= number:
                return step * power
        power *= 10


def _labels(days: Sequence[date]) -> list[tuple[int, str]]:
    """Return where months begin, as many as fit; single days where there are few."""
    begins = [(index, day) for index, day in enumerate(days) if day.day == 1]
    if len(begins) < 2:
        every = max(1, -(-len(days) // _MOST_LABELS))
        return [(index, f"{days[index]:%d %b}") for index in range(0, len(days), every)]
    every = -(-len(begins) // _MOST_LABELS)
    return [(index, f"{day:%b %Y}") for index, day in begins[::every]]


def _months(days: Sequence[SeatDay]) -> list[Month]:
    """Return the numbers at the end of each month, newest first."""
    ends = {f"{each.day:%b %Y}": each for each in days}
    return [Month(name, each.purchased, each.used) for name, each in reversed(ends.items())]
