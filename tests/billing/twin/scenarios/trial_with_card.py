"""A trial with a card goes over into a paid subscription."""

from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    begun = stage.subscribe(stage.price(), seats=5, trial_period_days=14)
    assert (begun.status, begun.seats) == ("trialing", 5)
    assert begun.trial_end is not None
    assert [invoice.total_minor for invoice in stage.invoices() if invoice.total_minor] == []
    after = stage.advance_past(begun.trial_end)
    assert after.status == "active"
    newest = stage.invoices()[0]
    assert (newest.total_minor, newest.status, newest.reason) == (6_000, "paid", "subscription_cycle")
