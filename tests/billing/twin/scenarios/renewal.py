"""A period after the other is charged, at the number of seats of its beginning."""

from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    first = stage.subscribe(stage.price())
    assert first.status == "active"
    second = stage.advance_past(first.period_end)
    assert (second.period_start, second.seats) == (first.period_end, 10)
    assert [(each.total_minor, each.status) for each in stage.invoices()] == [(12_000, "paid")] * 2
    assert [each.reason for each in stage.invoices()] == ["subscription_cycle", "subscription_create"]
