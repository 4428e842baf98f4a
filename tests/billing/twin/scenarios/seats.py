"""More seats and fewer: what the preview shows is what is invoiced, to the cent."""

from tests.billing.twin.stage import DAY, GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    stage.subscribe(stage.price())
    stage.advance(11 * DAY)
    for seats in (17, 13, 29):
        known = {invoice.ref for invoice in stage.invoices()}
        shown, seen = stage.change(stage.wish(seats))
        assert (seen.seats, seen.pending_seats) == (seats, None)
        [made] = [invoice for invoice in stage.invoices() if invoice.ref not in known]
        assert made.total_minor == shown.total_minor
        assert sorted(each.amount_minor for each in made.lines) == sorted(
            each.amount_minor for each in shown.lines
        )
        stage.advance(3 * DAY)
    seen = stage.look()
    renewed = stage.advance_past(seen.period_end)
    assert (renewed.seats, stage.invoices()[0].lines[0].seats) == (29, 29)
