"""A trial without a card pauses at its end, and nothing is charged."""

from tests.billing.twin.stage import Stage


def play(stage: Stage) -> None:
    begun = stage.subscribe(
        stage.price(),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    assert begun.status == "trialing"
    assert begun.trial_end is not None
    after = stage.advance_past(begun.trial_end)
    assert after.status == "paused"
    assert sum(invoice.paid_minor for invoice in stage.invoices()) == 0
