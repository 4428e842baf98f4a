"""An end with the period, thought over, then meant."""

from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    first = stage.subscribe(stage.price())
    ending = stage.gateway.end_at_period_end(stage.ref, ending=True, idempotency_key=stage.key())
    assert (ending.status, ending.cancel_at) == ("active", first.period_end)
    kept = stage.gateway.end_at_period_end(stage.ref, ending=False, idempotency_key=stage.key())
    assert kept.cancel_at is None
    stage.gateway.end_at_period_end(stage.ref, ending=True, idempotency_key=stage.key())
    after = stage.advance_past(first.period_end)
    assert (after.status, len(stage.invoices())) == ("canceled", 1)
