"""What is done to a subscription at Stripe: previews, changes, schedules, pauses and ends.

Every one that changes something carries the key of our own row, so that a repeat has one effect.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import stripe

from billing.gateways import stripe_reading as reading
from billing.gateways.types import SeatsWish, SeenInvoice, SeenSubscription, TermsWish


class StripeChanges(ABC):
    """The part of a Stripe account that changes subscriptions."""

    _client: stripe.StripeClient

    @abstractmethod
    def _call(self, what: str) -> AbstractContextManager[None]:
        """Turn Stripe's errors into ours."""

    def preview_seats(self, wish: SeatsWish) -> SeenInvoice:
        """Return the invoice that `change_seats` of the same wish will make."""
        params: Any = {
            "subscription": wish.subscription_ref,
            "subscription_details": {
                "items": [_item(wish)],
                "proration_behavior": "always_invoice",
                "proration_date": int(wish.at.timestamp()),
            },
        }
        with self._call("preview"):
            return reading.invoice(self._client.v1.invoices.create_preview(params))

    def preview_renewal(self, wish: SeatsWish) -> SeenInvoice:
        """Return what one whole period costs once the wish is made: no prorations, taxes and discounts in."""
        params: Any = {
            "subscription": wish.subscription_ref,
            "preview_mode": "recurring",
            "subscription_details": {"items": [_item(wish)]},
        }
        with self._call("preview"):
            return reading.invoice(self._client.v1.invoices.create_preview(params))

    def change_seats(self, wish: SeatsWish, *, idempotency_key: str) -> SeenSubscription:
        """Change seats or price now and charge at once; with a declined card the old number stays and the
        new one waits (`pending_seats`)."""
        params: Any = {
            "items": [_item(wish)],
            "proration_behavior": "always_invoice",
            "proration_date": int(wish.at.timestamp()),
            "payment_behavior": "pending_if_incomplete",
        }
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.update(
                    wish.subscription_ref, params, {"idempotency_key": idempotency_key}
                )
            )

    def schedule_terms(self, seen: SeenSubscription, wish: TermsWish, *, idempotency_key: str) -> None:
        """Have another number of seats or price from the next period on; what was planned before is replaced.

        The present phase is said again as it is, its trial and discounts too: what a phase does not name, it
        does not have.
        """
        schedules = self._client.v1.subscription_schedules
        with self._call("schedules"):
            if seen.schedule_ref:
                schedule = schedules.retrieve(seen.schedule_ref)
            else:
                schedule = schedules.create(
                    {"from_subscription": seen.ref}, {"idempotency_key": f"{idempotency_key}-schedule"}
                )
            discounts = reading.phase_discounts(schedule)
            now: dict[str, Any] = {
                "items": [{"price": seen.price_ref, "quantity": seen.seats}],
                "start_date": int(seen.period_start.timestamp()),
                "end_date": int(seen.period_end.timestamp()),
            }
            if seen.trial_end is not None and seen.status == "trialing":
                now["trial_end"] = int(seen.trial_end.timestamp())
            then: dict[str, Any] = {
                "items": [{"price": wish.price_ref, "quantity": wish.seats}],
                "duration": {"interval": wish.interval, "interval_count": wish.interval_count},
            }
            phases: Any = [
                {**phase, "proration_behavior": "none", **({"discounts": discounts} if discounts else {})}
                for phase in (now, then)
            ]
            schedules.update(
                schedule.id,
                {"phases": phases, "end_behavior": "release", "proration_behavior": "none"},
                {"idempotency_key": idempotency_key},
            )

    def release_schedule(self, ref: str, *, idempotency_key: str) -> None:
        """Let the subscription go on as it is."""
        with self._call("schedules"):
            self._client.v1.subscription_schedules.release(ref, None, {"idempotency_key": idempotency_key})

    def end_at_period_end(
        self, ref: str, *, ending: bool, idempotency_key: str, reason: str = "", comment: str = ""
    ) -> SeenSubscription:
        """Have the subscription end with its period, or go on after all.

        Args:
            reason: one of the gateway's own words for why, "" for none.
        """
        params: Any = {"cancel_at_period_end": ending}
        if ending and (reason or comment):
            words = {"feedback": reason, "comment": comment}
            params["cancellation_details"] = {name: word for name, word in words.items() if word}
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.update(ref, params, {"idempotency_key": idempotency_key})
            )

    def extend_trial(self, ref: str, *, until: datetime, idempotency_key: str) -> SeenSubscription:
        """Have the trial end at another time; nothing is charged for it."""
        params: Any = {"trial_end": int(until.timestamp()), "proration_behavior": "none"}
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.update(ref, params, {"idempotency_key": idempotency_key})
            )

    def redeem_promotion(self, ref: str, promotion_ref: str, *, idempotency_key: str) -> SeenSubscription:
        """Lower the next invoices by a promotion code; it takes the place of one that was there."""
        params: Any = {"discounts": [{"promotion_code": promotion_ref}]}
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.update(ref, params, {"idempotency_key": idempotency_key})
            )

    def cancel(self, ref: str, *, idempotency_key: str) -> SeenSubscription:
        """End the subscription now; one that is over stays so."""
        subscriptions = self._client.v1.subscriptions
        with self._call("subscriptions"):
            try:
                return reading.subscription(
                    subscriptions.cancel(ref, None, {"idempotency_key": idempotency_key})
                )
            except stripe.InvalidRequestError as error:
                if error.http_status != 404:  # also of one that is over
                    raise
                return reading.subscription(subscriptions.retrieve(ref))

    def pause(self, ref: str, *, idempotency_key: str) -> SeenSubscription:
        """Stop periods; unused time is credited."""
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.pause(ref, None, {"idempotency_key": idempotency_key})
            )

    def resume(self, ref: str, *, idempotency_key: str) -> SeenSubscription:
        """Begin a new period now; with a declined card it stays paused until the invoice is paid."""
        params: Any = {"payment_behavior": "resume_on_payment_success"}
        with self._call("subscriptions"):
            return reading.subscription(
                self._client.v1.subscriptions.resume(ref, params, {"idempotency_key": idempotency_key})
            )


def _item(wish: SeatsWish) -> dict[str, Any]:
    # The number always goes along: a change of price alone would set it to one.
    item: dict[str, Any] = {"id": wish.item_ref, "quantity": wish.seats}
    if wish.price_ref is not None:
        item["price"] = wish.price_ref
    return item
