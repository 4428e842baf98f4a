"""Part of a payment is given back, then the rest."""

from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    stage.subscribe(stage.price())
    [invoice] = stage.invoices()
    payment = stage.gateway.look_invoice(invoice.ref).payment_ref
    for amount in (2_000, 10_000):
        made = stage.gateway.refund(
            payment, amount_minor=amount, reference=stage.mark, idempotency_key=stage.key()
        )
        assert (made.amount_minor, made.currency, made.status) == (amount, "eur", "succeeded")
    seen = stage.gateway.look_payment(payment)
    assert sum(each.amount_minor for each in seen.refunds) == 12_000
