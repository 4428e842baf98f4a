"""Where a scenario is played: a customer at a test clock, our adapter, and the calls only a test makes."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from billing.gateways.stripe_gateway import StripeGateway
from billing.gateways.types import PriceWish, SeatsWish, SeenInvoice, SeenPrice, SeenSubscription
from shared_apps.core.ids import new_id

GOOD_CARD, BAD_CARD = "pm_card_visa", "pm_card_chargeCustomerFail"
DAY = timedelta(days=1)
# Stripe lets an invoice rest for an hour as a draft.
AN_INVOICE_RESTS = timedelta(hours=2)
_LONGEST_ADVANCE_SECONDS = 120


@dataclass
class Stage:
    """One customer, from an empty account on.

    Attributes:
        gateway: our adapter; what a scenario is about goes through it.
        client: the SDK itself, for test clocks, test cards and the subscription that a checkout would make.
        now: the customer's time, which moves by `advance` alone.
    """

    gateway: StripeGateway
    client: Any
    name: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    ref: str = ""
    is_fake: bool = True

    def __post_init__(self) -> None:
        self.mark = f"{self.name}-{new_id().hex[-12:]}"
        clocks = self.client.v1.test_helpers.test_clocks
        self._clock = clocks.create({"frozen_time": int(self.now.timestamp()), "name": self.mark}).id
        self.customer = self.client.v1.customers.create(
            {"email": "ada@acme.example", "name": "Acme", "test_clock": self._clock}
        ).id
        self.product = f"palaestra-twin-{self.mark}"
        self.gateway.ensure_product(self.product, name="Team", description="")

    # --- What a scenario sets up -------------------------------------------------------------------

    def price(self, unit_minor: int = 1200, interval: str = "month", count: int = 1) -> SeenPrice:
        """Have a price for one seat."""
        key = f"{self.mark}-{interval}-{count}-{unit_minor}"
        return self.gateway.create_price(
            PriceWish(key, self.product, "eur", unit_minor, interval, count, "exclusive")
        )

    def pay_with(self, card: str) -> None:
        """Charge this card from now on."""
        method = self.client.v1.payment_methods.attach(card, {"customer": self.customer})
        self.client.v1.customers.update(
            self.customer, {"invoice_settings": {"default_payment_method": method.id}}
        )

    def subscribe(self, price: SeenPrice, seats: int = 10, **more: Any) -> SeenSubscription:
        """Begin the subscription, as a page that was paid does."""
        made = self.client.v1.subscriptions.create(
            {
                "customer": self.customer,
                "items": [{"price": price.ref, "quantity": seats}],
                "billing_mode": {"type": "flexible"},
                **more,
            }
        )
        self.ref = made.id
        return self.look()

    # --- Time, and what is seen --------------------------------------------------------------------

    def advance(self, span: timedelta) -> SeenSubscription:
        """Let the customer's time pass, and wait until all that was due has happened."""
        self.now += span
        clocks = self.client.v1.test_helpers.test_clocks
        clocks.advance(self._clock, {"frozen_time": int(self.now.timestamp())})
        ends = time.monotonic() + _LONGEST_ADVANCE_SECONDS
        while clocks.retrieve(self._clock).status != "ready":
            if time.monotonic() > ends:
                raise TimeoutError("the test clock did not arrive")
            time.sleep(1)
        return self.look()

    def advance_past(self, instant: datetime) -> SeenSubscription:
        """Let time pass until then, and until the invoice of that moment is charged."""
        self.advance(instant - self.now)
        return self.advance(AN_INVOICE_RESTS)

    def look(self) -> SeenSubscription:
        """Return the subscription as it is."""
        return self.gateway.look_subscription(self.ref)

    def invoices(self) -> list[SeenInvoice]:
        """Return the customer's invoices, newest first."""
        return self.gateway.list_invoices(self.customer)

    def wish(self, seats: int, price: SeenPrice | None = None) -> SeatsWish:
        """Return the wish for so many seats from now on."""
        return SeatsWish(self.ref, self.look().item_ref, seats, self.now, price.ref if price else None)

    def change(self, wish: SeatsWish) -> tuple[SeenInvoice, SeenSubscription]:
        """Preview a wish, then make it; return both."""
        shown = self.gateway.preview_seats(wish)
        return shown, self.gateway.change_seats(wish, idempotency_key=self.key())

    def key(self) -> str:
        """Return a key for a call."""
        return str(new_id())

    def close(self) -> None:
        """Take all of it away at Stripe, where a clock takes its customers along."""
        if not self.is_fake:
            self.client.v1.test_helpers.test_clocks.delete(self._clock)


def make_stage(*, api_key: str, base_url: str, name: str, is_fake: bool) -> Stage:
    """Set a stage at the address."""
    gateway = StripeGateway(api_key=api_key, base_url=base_url, webhook_secrets=())
    client = stripe.StripeClient(api_key, base_addresses={"api": base_url}, max_network_retries=2)
    return Stage(gateway, client, name, is_fake=is_fake)
