"""More seats with a bad card wait for their payment; the old number stays."""

from tests.billing.twin.stage import BAD_CARD, DAY, GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    stage.subscribe(stage.price())
    stage.pay_with(BAD_CARD)
    _, seen = stage.change(stage.wish(15))
    assert (seen.seats, seen.pending_seats, seen.status) == (10, 15, "active")
    after = stage.advance(2 * DAY)
    assert (after.seats, after.pending_seats) == (10, None)
