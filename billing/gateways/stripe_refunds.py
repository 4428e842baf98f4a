"""Money given back through Stripe."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

import stripe

from billing.gateways import stripe_reading as reading
from billing.gateways.types import SeenRefund


class StripeRefunds(ABC):
    """The part of a Stripe account that gives money back."""

    _client: stripe.StripeClient

    @abstractmethod
    def _call(self, what: str) -> AbstractContextManager[None]:
        """Turn Stripe's errors into ours."""

    def refund(
        self, payment_ref: str, *, amount_minor: int, reference: str, idempotency_key: str
    ) -> SeenRefund:
        """Give back part or all of a payment.

        Args:
            amount_minor: in the payment's currency and its minor units.
            reference: id of our row; stands on the refund, so that it is found even when this answer is lost
                and Stripe has forgotten the key.
        """
        params: Any = {
            "payment_intent": payment_ref,
            "amount": amount_minor,
            "metadata": {"reference": reference},
        }
        with self._call("refunds"):
            return reading.refund(
                self._client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
            )
