"""What is asked of Stripe about a customer: name and address, tax ids, its own pages; and promotion codes."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

import stripe

from billing.gateways.types import PromotionWish, SeenPromotion

# Our portal is found again by this; an account may have others, made by hand.
_PORTAL = {"made_by": "palaestra", "edition": "1"}
_ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")


class StripeCustomers(ABC):
    """The part of a Stripe account that is about customers."""

    _client: stripe.StripeClient

    @abstractmethod
    def _call(self, what: str) -> AbstractContextManager[None]:
        """Turn Stripe's errors into ours."""

    def update_customer(self, ref: str, *, name: str, email: str, address: dict[str, str]) -> None:
        """Have the customer's invoices say so. Sending the same again changes nothing."""
        # Every part is sent: one that is left out would stay as it was.
        whole: Any = {part: address.get(part, "") for part in _ADDRESS} if address else ""
        with self._call("customers"):
            self._client.v1.customers.update(ref, {"name": name, "email": email, "address": whole})

    def add_tax_id(self, customer_ref: str, *, kind: str, value: str) -> None:
        """Have a tax id on the customer's invoices, once however often it is asked."""
        tax_ids = self._client.v1.customers.tax_ids
        wanted: Any = {"type": kind, "value": value}
        with self._call("tax_ids"):
            for each in tax_ids.list(customer_ref, {"limit": 100}).data:
                if (each.type, each.value) == (kind, value):
                    return
            # No key of ours: one that was deleted could not be added again for a day.
            tax_ids.create(customer_ref, wanted)

    def drop_tax_id(self, customer_ref: str, ref: str) -> None:
        """Take a tax id off; one that is gone stays gone."""
        with self._call("tax_ids"):
            try:
                self._client.v1.customers.tax_ids.delete(customer_ref, ref)
            except stripe.InvalidRequestError as error:
                if error.http_status != 404:
                    raise

    # --- Its own pages ---------------------------------------------------------------------------

    def ensure_portal(self) -> str:
        """Return the id of our setting of the customers' pages.

        Cards, invoices, tax ids and the end of a subscription are looked after there. Seats and plans are
        not: they change here alone, where people hold the seats.
        """
        configurations = self._client.v1.billing_portal.configurations
        with self._call("portal"):
            for each in configurations.list({"active": True, "limit": 100}).auto_paging_iter():
                if each.metadata and each.metadata.to_dict() == _PORTAL:
                    return str(each.id)
            features: Any = {
                "customer_update": {
                    "enabled": True,
                    "allowed_updates": ["name", "email", "address", "tax_id"],
                },
                "invoice_history": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_cancel": {
                    "enabled": True,
                    "mode": "at_period_end",
                    "cancellation_reason": {
                        "enabled": True,
                        "options": [
                            "too_expensive",
                            "missing_features",
                            "switched_service",
                            "unused",
                            "other",
                        ],
                    },
                },
                "subscription_update": {"enabled": False},
            }
            made = configurations.create(
                {"features": features, "metadata": _PORTAL}, {"idempotency_key": "portal-palaestra-1"}
            )
            return str(made.id)

    def open_portal(self, customer_ref: str, *, return_url: str) -> str:
        """Return a short-lived address of the customer's own pages at Stripe."""
        configuration = self.ensure_portal()
        with self._call("portal"):
            made = self._client.v1.billing_portal.sessions.create(
                {"customer": customer_ref, "return_url": return_url, "configuration": configuration}
            )
        return str(made.url)

    # --- Promotion codes -------------------------------------------------------------------------

    def ensure_promotion(self, wish: PromotionWish) -> SeenPromotion:
        """Have a code that lowers prices; the same wish again is the same code."""
        with self._call("promotions"):
            found = self._client.v1.promotion_codes.list({"code": wish.code, "limit": 100})
            for each in found.auto_paging_iter():
                if each.metadata and each.metadata.to_dict().get("reference") == wish.reference:
                    return _promotion(each)
            coupon: Any = {
                "id": wish.reference,
                "name": wish.code,
                "duration": wish.duration,
                **({"duration_in_months": wish.months} if wish.months else {}),
                **(
                    {"percent_off": wish.percent}
                    if wish.percent
                    else {"amount_off": wish.amount_minor, "currency": wish.currency}
                ),
                **({"applies_to": {"products": [wish.product_ref]}} if wish.product_ref else {}),
            }
            try:
                self._client.v1.coupons.create(coupon, {"idempotency_key": f"coupon-{wish.reference}"})
            except stripe.InvalidRequestError as error:
                if error.code != "resource_already_exists":
                    raise
            code: Any = {
                "code": wish.code,
                "promotion": {"type": "coupon", "coupon": wish.reference},
                "metadata": {"reference": wish.reference},
                **({"max_redemptions": wish.max_redemptions} if wish.max_redemptions else {}),
                **({"expires_at": int(wish.expires_at.timestamp())} if wish.expires_at else {}),
            }
            made = self._client.v1.promotion_codes.create(
                code, {"idempotency_key": f"promotion-{wish.reference}"}
            )
            return _promotion(made)

    def retire_promotion(self, ref: str) -> None:
        """Take the code no more; who has it keeps it."""
        with self._call("promotions"):
            self._client.v1.promotion_codes.update(ref, {"active": False})


def _promotion(seen: Any) -> SeenPromotion:
    return SeenPromotion(
        ref=seen.id, code=seen.code, is_active=seen.active, times_redeemed=seen.times_redeemed
    )
