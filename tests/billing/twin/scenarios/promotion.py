"""A code for the first invoice lowers one; a code for two months lowers two."""

from billing.gateways.types import PromotionWish
from tests.billing.twin.stage import GOOD_CARD, Stage


def play(stage: Stage) -> None:
    stage.pay_with(GOOD_CARD)
    once = stage.gateway.ensure_promotion(
        PromotionWish(f"{stage.mark}-once", f"ONCE{stage.mark[-6:]}".upper(), "once", percent=50)
    )
    first = stage.subscribe(stage.price(), discounts=[{"promotion_code": once.ref}])
    assert [each.total_minor for each in stage.invoices()] == [6_000]
    repeating = stage.gateway.ensure_promotion(
        PromotionWish(f"{stage.mark}-two", f"TWO{stage.mark[-6:]}".upper(), "repeating", months=2, percent=25)
    )
    stage.gateway.redeem_promotion(stage.ref, repeating.ref, idempotency_key=stage.key())
    seen = stage.advance_past(first.period_end)
    seen = stage.advance_past(seen.period_end)
    stage.advance_past(seen.period_end)
    assert [each.total_minor for each in stage.invoices()][::-1] == [6_000, 9_000, 9_000, 12_000]
