"""Stripe, through its official SDK.

Three facts decide how it is used (measured with SDK 16.1): a client retries nothing unless told to; its
time-out is 80 s by default; a StripeObject is no dict and must not travel. So retries, time-outs and one
session are set here, every POST carries the key of our own row, and answers are turned into our words at
once (`stripe_reading`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import requests
import stripe
import structlog
from django.conf import settings
from django.db import connections

from billing.errors import CardDeclined, FailureKept, GatewayRefused, GatewayUnavailable
from billing.gateways import stripe_reading as reading
from billing.gateways.stripe_changes import StripeChanges
from billing.gateways.stripe_customers import StripeCustomers
from billing.gateways.stripe_refunds import StripeRefunds
from billing.gateways.types import (
    CheckoutWish,
    Notice,
    PriceWish,
    SeenCheckout,
    SeenCustomer,
    SeenInvoice,
    SeenPayment,
    SeenPrice,
    SeenStrange,
    SeenSubscription,
)
from shared_apps.core import clock

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 3
_RETRIES = 2
# A signature whose time lies further in the future than clocks differ is refused too; the SDK looks at the
# past only.
_FUTURE = timedelta(seconds=60)
_TOLERANCE_SECONDS = 300


class NetworkInTransaction(RuntimeError):
    """A gateway was called while a transaction was open: its locks would be held for as long as the network
    takes, and a roll-back could not take the call back. A fault of the program."""


class BadSignature(Exception):
    """A message that Stripe did not sign with one of our secrets, or too long ago."""


class StripeGateway(StripeChanges, StripeCustomers, StripeRefunds):
    """One Stripe account.

    Args:
        api_key: secret key.
        base_url: where its API answers.
        webhook_secrets: secrets of our endpoint; two while one replaces the other.
        answer_seconds: how long to wait for an answer.
    """

    def __init__(
        self, *, api_key: str, base_url: str, webhook_secrets: tuple[str, ...], answer_seconds: float = 20
    ) -> None:
        self._secrets = webhook_secrets
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url},
            max_network_retries=_RETRIES,
            http_client=stripe.RequestsClient(
                timeout=(_CONNECT_SECONDS, answer_seconds), session=requests.Session()
            ),
        )

    @property
    def can_verify(self) -> bool:
        """Whether there is a secret to check messages with."""
        return any(self._secrets)

    # --- Catalogue ---------------------------------------------------------------------------

    def ensure_product(self, ref: str, *, name: str, description: str) -> None:
        """Have a product of this id with this name."""
        fields: Any = {"name": name, **({"description": description} if description else {})}
        with self._call("products"):
            try:
                self._client.v1.products.update(ref, fields)
            except stripe.InvalidRequestError as error:
                if error.http_status != 404:
                    raise
                made = fields | {"id": ref}
                self._client.v1.products.create(made, {"idempotency_key": f"product-{ref}"})

    def find_price(self, key: str) -> SeenPrice | None:
        """Return the price of our key, None when the gateway has none."""
        with self._call("prices"):
            found = self._client.v1.prices.list({"lookup_keys": [key], "limit": 1})
        return reading.price(found.data[0]) if found.data else None

    def create_price(self, wish: PriceWish) -> SeenPrice:
        """Have a price sold; amounts of a price never change, a new amount is a new price and key."""
        params: Any = {
            "product": wish.product_ref,
            "currency": wish.currency,
            "unit_amount": wish.unit_minor,
            "recurring": {"interval": wish.interval, "interval_count": wish.interval_count},
            "tax_behavior": wish.tax_behavior,
            "lookup_key": wish.key,
        }
        with self._call("prices"):
            return reading.price(
                self._client.v1.prices.create(params, {"idempotency_key": f"price-{wish.key}"})
            )

    def retire_price(self, ref: str) -> None:
        """Sell a price no more; who has it keeps it."""
        with self._call("prices"):
            self._client.v1.prices.update(ref, {"active": False})

    # --- Customers and checkout ----------------------------------------------------------------

    def create_customer(
        self, *, name: str, email: str, metadata: dict[str, str], idempotency_key: str
    ) -> str:
        """Return the id of a customer made for this key."""
        with self._call("customers"):
            made = self._client.v1.customers.create(
                {"name": name, "email": email, "metadata": metadata}, {"idempotency_key": idempotency_key}
            )
        return str(made.id)

    def look_customer(self, ref: str) -> SeenCustomer:
        """Return the customer as it is now; one that was deleted there says so and nothing else."""
        customers = self._client.v1.customers
        with self._call("customers"):
            seen = customers.retrieve(ref)
            if getattr(seen, "deleted", False):
                return SeenCustomer(ref=ref, is_deleted=True)
            tax_ids = customers.tax_ids.list(ref, {"limit": 100}).data
            methods = customers.payment_methods.list(ref, {"limit": 1}).data
            return reading.customer(seen, tax_ids, methods)

    def start_checkout(self, wish: CheckoutWish, *, idempotency_key: str) -> SeenCheckout:
        """Open a page on which the customer subscribes."""
        data: dict[str, Any] = {
            # Said explicitly: what payment pages default to is a setting of the account.
            "billing_mode": {"type": "flexible"},
            "metadata": {**wish.metadata, "reference": wish.reference},
        }
        if wish.trial_days:
            data["trial_period_days"] = wish.trial_days
            data["trial_settings"] = {"end_behavior": {"missing_payment_method": "pause"}}
        params: Any = {
            "mode": "subscription",
            "ui_mode": "hosted_page",
            "customer": wish.customer_ref,
            "client_reference_id": wish.reference,
            "line_items": [{"price": wish.price_ref, "quantity": wish.seats}],
            "success_url": wish.success_url,
            "cancel_url": wish.cancel_url,
            "expires_at": int(wish.expires_at.timestamp()),
            "payment_method_collection": "always" if wish.card_now else "if_required",
            "subscription_data": data,
        }
        if wish.promotion_ref:  # a page has either a code or a field for one
            params["discounts"] = [{"promotion_code": wish.promotion_ref}]
        elif wish.promotion_codes:
            params["allow_promotion_codes"] = True
        if wish.automatic_tax:
            params["automatic_tax"] = {"enabled": True}
        if wish.tax_ids:
            params["tax_id_collection"] = {"enabled": True}
        if wish.automatic_tax or wish.tax_ids:
            params["customer_update"] = {"address": "auto", "name": "auto"}
        with self._call("checkout"):
            return reading.checkout(
                self._client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
            )

    def look_checkout(self, ref: str) -> SeenCheckout:
        """Return how a page stands."""
        with self._call("checkout"):
            return reading.checkout(self._client.v1.checkout.sessions.retrieve(ref))

    def end_checkout(self, ref: str) -> SeenCheckout:
        """Close a page that is open; return how it stands then: one that was paid stays paid."""
        with self._call("checkout"):
            try:
                return reading.checkout(self._client.v1.checkout.sessions.expire(ref))
            except stripe.InvalidRequestError as error:
                if error.http_status != 400:
                    raise
                return reading.checkout(self._client.v1.checkout.sessions.retrieve(ref))

    def find_checkout(self, customer_ref: str, *, reference: str) -> SeenCheckout | None:
        """Return the customer's page of our row, for when the answer that named it was lost."""
        with self._call("checkout"):
            first = self._client.v1.checkout.sessions.list({"customer": customer_ref, "limit": 100})
            for each in first.auto_paging_iter():
                if each.client_reference_id == reference:
                    return reading.checkout(each)
        return None

    # --- Subscriptions -----------------------------------------------------------------------------

    def look_subscription(self, ref: str) -> SeenSubscription:
        """Return the subscription as it is now."""
        with self._call("subscriptions"):
            return reading.subscription(self._client.v1.subscriptions.retrieve(ref))

    def live_subscriptions(self) -> list[SeenSubscription | SeenStrange]:
        """Return every subscription of the account that is not over, page after page."""
        with self._call("subscriptions"):
            first = self._client.v1.subscriptions.list({"limit": 100})
            return [reading.any_subscription(each) for each in first.auto_paging_iter()]

    # --- Invoices and notices ------------------------------------------------------------------------

    def look_invoice(self, ref: str) -> SeenInvoice:
        """Return the invoice as it is now, with its payment."""
        with self._call("invoices"):
            return reading.invoice(self._client.v1.invoices.retrieve(ref, {"expand": ["payments"]}))

    def list_invoices(self, customer_ref: str) -> list[SeenInvoice]:
        """Return a customer's invoices, newest first."""
        with self._call("invoices"):
            first = self._client.v1.invoices.list({"customer": customer_ref, "limit": 100})
            return [reading.invoice(each) for each in first.auto_paging_iter()]

    def invoices_since(self, instant: datetime) -> list[SeenInvoice]:
        """Return every customer's invoices made since, page after page."""
        with self._call("invoices"):
            first = self._client.v1.invoices.list(
                {"created": {"gte": int(instant.timestamp())}, "limit": 100}
            )
            return [reading.invoice(each) for each in first.auto_paging_iter()]

    def look_payment(self, ref: str) -> SeenPayment:
        """Return all that was given back of a payment, and which invoice it was for."""
        with self._call("refunds"):
            refunds = self._client.v1.refunds.list({"payment_intent": ref, "limit": 100})
            of: Any = {"payment": {"type": "payment_intent", "payment_intent": ref}, "limit": 1}
            paid = self._client.v1.invoice_payments.list(of).data
            return SeenPayment(
                ref=ref,
                invoice_ref=str(paid[0].invoice) if paid else "",
                refunds=tuple(reading.refund(each) for each in refunds.auto_paging_iter()),
            )

    def pay_invoice(self, ref: str, *, idempotency_key: str) -> SeenInvoice:
        """Try to collect an open invoice now.

        Raises:
            CardDeclined: it stays open.
        """
        with self._call("invoices"):
            return reading.invoice(
                self._client.v1.invoices.pay(ref, None, {"idempotency_key": idempotency_key})
            )

    def notices_since(self, instant: datetime) -> list[Notice]:
        """Return what happened since, newest first; Stripe keeps it for 30 days."""
        wanted: Any = {"created": {"gte": int(instant.timestamp())}, "limit": 100}
        with self._call("events"):
            first = self._client.v1.events.list(wanted)
            return [reading.notice(each) for each in first.auto_paging_iter()]

    def verify(self, body: bytes, signature: str) -> Notice:
        """Return what a webhook's raw body says, if Stripe signed it with one of our secrets.

        Raises:
            BadSignature: it did not, or long ago, or we have no secret.
        """
        for secret in self._secrets:
            if not secret:
                continue
            try:
                event = stripe.Webhook.construct_event(body, signature, secret, _TOLERANCE_SECONDS)
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, TypeError, AttributeError) as error:
                # No UTF-8, no JSON, no event; or a header that cannot be compared.
                raise BadSignature from error
            if _signed_at(signature) > clock.now() + _FUTURE:
                break
            try:
                return reading.notice(event)
            except (AttributeError, TypeError, KeyError) as error:
                raise BadSignature from error
        raise BadSignature

    # --- One call -----------------------------------------------------------------------------------

    @contextmanager
    def _call(self, what: str) -> Iterator[None]:
        """Turn Stripe's errors into ours, and refuse to call out of a transaction.

        Raises:
            CardDeclined: the payer's bank said no.
            GatewayUnavailable: no answer, a fault there, or too many calls; the same call may be repeated.
            FailureKept: a fault there, which it repeats for as long as it keeps the key.
            GatewayRefused: Stripe refuses the call as it is.
        """
        _refuse_in_transaction()
        try:
            yield
        except stripe.CardError as error:
            raise CardDeclined(reason=error.code or "card_declined") from error
        except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
            log.warning("gateway_away", gateway="stripe", what=what, error=type(error).__name__)
            raise (FailureKept if _is_kept(error) else GatewayUnavailable)(retry_after_seconds=30) from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            # Our key is wrong or was rolled: that heals when it is set, so nothing is given up for it.
            log.error("gateway_key_refused", gateway="stripe", what=what, error=type(error).__name__)
            raise GatewayUnavailable(retry_after_seconds=60) from error
        except stripe.StripeError as error:
            if error.http_status == 409:  # the same call, still on its way
                raise GatewayUnavailable(retry_after_seconds=5) from error
            log.error("gateway_refused", gateway="stripe", what=what, error=str(error))
            raise GatewayRefused(reason=error.code or "refused") from error


def stripe_gateway() -> StripeGateway | None:
    """Return the account of the settings, None where no key is set."""
    if not settings.STRIPE_API_KEY:
        return None
    return _gateway(
        settings.STRIPE_API_KEY,
        settings.STRIPE_API_BASE,
        tuple(settings.STRIPE_WEBHOOK_SECRETS),
        settings.STRIPE_ANSWER_SECONDS,
    )


@cache
def _gateway(api_key: str, base_url: str, secrets: tuple[str, ...], answer_seconds: float) -> StripeGateway:
    return StripeGateway(
        api_key=api_key, base_url=base_url, webhook_secrets=secrets, answer_seconds=answer_seconds
    )


def _signed_at(signature: str) -> datetime:
    """The first time that is named, which is the one the SDK looked at."""
    return reading.instant(next(int(part[2:]) for part in signature.split(",") if part.startswith("t=")))


def _is_kept(error: stripe.StripeError) -> bool:
    """Tell whether the failure is the answer to an earlier call of this key."""
    headers = {str(name).lower(): value for name, value in dict(error.headers or {}).items()}
    return (error.http_status or 0) >= 500 and headers.get("idempotent-replayed") == "true"


def _refuse_in_transaction() -> None:
    for connection in connections.all(initialized_only=True):
        blocks: list[Any] = getattr(connection, "atomic_blocks", [])
        if any(not getattr(block, "_from_testcase", False) for block in blocks):
            raise NetworkInTransaction
