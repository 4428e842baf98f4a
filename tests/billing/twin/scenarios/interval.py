"""From a month to a year: a new period from now on, with what was paid credited."""

from datetime import timedelta

from tests.billing.twin.stage import DAY, GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    stage.subscribe(stage.price())
    stage.advance(10 * DAY)
    yearly = stage.price(12_000, "year")
    shown, seen = stage.change(stage.wish(10, yearly))
    assert seen.price_ref == yearly.ref
    assert seen.period_end - seen.period_start >= timedelta(days=365)
    assert stage.invoices()[0].total_minor == shown.total_minor
    assert 0 < shown.total_minor < 120_000
