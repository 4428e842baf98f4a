"""The rules of seats in plain words, for the page on which somebody is about to move one."""

from billing.enums import Overuse
from billing.selectors.seat_rules import SeatRules


def in_words(rules: SeatRules) -> list[str]:
    """Return one sentence for each rule, the numbers of today in them."""
    return [_cooling(rules), _moves(rules), _free(), _overuse(rules)]


def _cooling(rules: SeatRules) -> str:
    hours = rules.cooling_hours
    if not hours:
        return "A seat can move to somebody else at any time."
    days, rest = divmod(hours, 24)
    length = _number(days, "day") if days and not rest else _number(hours, "hour")
    return f"Somebody who uses a seat keeps it for {length} at least before it moves to somebody else."


def _moves(rules: SeatRules) -> str:
    if rules.moves_allowed is None:
        return f"Any number of seats can move; {rules.moves_used} did in this year of the subscription."
    return (
        f"{_number(rules.moves_allowed, 'seat')} of those bought can move in a year of the subscription"
        f" ({rules.moves_percent} %). {rules.moves_used} did, {rules.moves_left} still can."
        f" The count starts again on {rules.renews_at:%Y-%m-%d}."
    )


def _free() -> str:
    return (
        "A seat that an invited member has not used yet, and one whose member leaves the organization,"
        " is free at once and is no move."
    )


def _overuse(rules: SeatRules) -> str:
    if rules.overuse == Overuse.GROW:
        return (
            "When more seats are assigned than are free, the missing ones are bought at the plan's price"
            " if the organization has switched that on; else nothing is assigned."
        )
    return "When more seats are assigned than are free, nothing is assigned."


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
