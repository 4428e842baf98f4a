"""A pause stops periods; resuming begins a new one."""

from tests.billing.twin.stage import DAY, GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    first = stage.subscribe(stage.price())
    stage.advance(15 * DAY)
    paused = stage.gateway.pause(stage.ref, idempotency_key=stage.key())
    assert paused.status == "paused"
    known = len(stage.invoices())
    assert stage.advance_past(first.period_end).status == "paused"
    assert len(stage.invoices()) == known
    resumed = stage.gateway.resume(stage.ref, idempotency_key=stage.key())
    assert resumed.status == "active"
    assert resumed.period_start >= first.period_end
