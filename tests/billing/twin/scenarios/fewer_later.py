"""Fewer seats from the next period on, planned, taken back, planned again."""

from billing.gateways.types import TermsWish
from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    price = stage.price()
    seen = stage.subscribe(price)
    wish = TermsWish(price.ref, 6, "month", 1)
    stage.gateway.schedule_terms(seen, wish, idempotency_key=stage.key())
    planned = stage.look()
    assert (planned.seats, bool(planned.schedule_ref)) == (10, True)
    stage.gateway.release_schedule(planned.schedule_ref, idempotency_key=stage.key())
    assert stage.look().schedule_ref == ""
    stage.gateway.schedule_terms(stage.look(), wish, idempotency_key=stage.key())
    after = stage.advance_past(seen.period_end)
    assert after.seats == 6
    assert stage.invoices()[0].total_minor == 7_200
