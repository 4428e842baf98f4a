"""A renewal that is declined is owed; a better card pays it, or the schedule ends in unpaid or canceled."""

from tests.billing.twin.stage import BAD_CARD, DAY, GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    first = stage.subscribe(stage.price())
    stage.pay_with(BAD_CARD)
    owing = stage.advance_past(first.period_end)
    assert owing.status == "past_due"
    newest = stage.invoices()[0]
    assert (newest.status, newest.paid_minor) == ("open", 0)
    stage.pay_with(GOOD_CARD)
    paid = stage.gateway.pay_invoice(newest.ref, idempotency_key=stage.key())
    assert paid.status == "paid"
    assert stage.look().status == "active"
    stage.pay_with(BAD_CARD)
    stage.advance_past(stage.look().period_end)
    # How long it is tried, and what comes then, is a setting of the account.
    assert stage.advance(25 * DAY).status in {"unpaid", "canceled", "past_due"}
    assert stage.advance(25 * DAY).status in {"unpaid", "canceled"}
