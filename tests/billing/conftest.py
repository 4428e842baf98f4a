"""A Stripe counterpart and an organization that is a customer there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client

from billing.enums import Interval
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.models import Checkout, GatewayEvent, Plan, PlanPrice
from billing.selectors.ledger import audit_ledger
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.customers.checkouts import start_checkout
from billing.services.gateway import inbox
from shared_apps.core.actors import Actor, system_actor
from tenants.context import in_public
from tenants.models import Organization
from tests.fakes.stripe import StripeServer
from tests.fakes.stripe.webhooks import encode


@dataclass
class Account:
    """An organization with a plan to buy, and the gateway it is bought at."""

    server: StripeServer
    gateway: StripeGateway
    organization: Organization
    price: PlanPrice

    @property
    def actor(self) -> Actor:
        return system_actor("tests", self.organization.id)

    def open_page(self, seats: int = 10) -> Checkout:
        return start_checkout(
            actor=self.actor,
            organization_id=self.organization.id,
            plan_code="team",
            interval=Interval.MONTH,
            currency="eur",
            seats=seats,
        )

    def subscribe(self, seats: int = 10, card: str = "ok") -> str:
        """Subscribe on the page; return the subscription's id there."""
        ref = str(self.open_page(seats).gateway_ref)
        requests.post(f"{self.server.url}/_payer/checkout/{ref}/pay", data={"card": card}, timeout=5)
        return self.gateway.look_checkout(ref).subscription_ref

    def card(self, behavior: str) -> None:
        """Have the card be charged ("ok") or declined ("decline") from now on."""
        for customer in self.server.account.cards:
            self.server.account.cards[customer] = behavior


@pytest.fixture(autouse=True)
def ledgers_are_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test with a database, hold the ledgers of seats against the seats."""
    names = {"shared", "committed"} & set(request.fixturenames)
    for name in names:
        request.getfixturevalue(name)  # so that it ends after this one
    yield
    if names and not connection.needs_rollback:
        with in_public():
            assert audit_ledger(organization_id=None) == []


@pytest.fixture
def server(settings: Any) -> Iterator[StripeServer]:
    running = StripeServer().start()
    settings.STRIPE_API_KEY = running.api_key
    settings.STRIPE_API_BASE = running.url
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_test"]
    yield running
    running.stop()
    assert running.refused == []


@pytest.fixture
def account_of(server: StripeServer) -> Callable[[Organization], Account]:
    def make(organization: Organization) -> Account:
        gateway = stripe_gateway()
        assert gateway is not None
        plan, _ = Plan.objects.get_or_create(code="team", defaults={"name": "Team", "max_seats": 500})
        price, _ = PlanPrice.objects.get_or_create(
            plan=plan, interval=Interval.MONTH, currency="eur", defaults={"unit_minor": 1200}
        )
        sync_catalogue()
        price.refresh_from_db()
        return Account(server, gateway, organization, price)

    return make


@pytest.fixture
def account(account_of: Callable[[Organization], Account], shared: None, acme: Organization) -> Account:
    return account_of(acme)


def deliver(server: StripeServer, event: dict[str, Any], signature: str | None = None) -> Any:
    """Post an event to the door, signed unless a signature is given."""
    body = encode(event)
    signed = server.postman.signature(body) if signature is None else signature
    return Client().post(
        "/api/webhooks/stripe",
        data=body,
        content_type="application/json",
        headers={"host": "app.palaestra.test", "stripe-signature": signed},
    )


def events_of(server: StripeServer) -> list[dict[str, Any]]:
    """Return the counterpart's events, oldest first."""
    return server.account.all("event")[::-1]


def deliver_all(server: StripeServer) -> None:
    """Deliver every event there is, and work the new ones off."""
    for event in events_of(server):
        assert deliver(server, event).status_code == 200
    for key in list(GatewayEvent.objects.filter(state="received").values_list("event_key", flat=True)):
        inbox.process_event(key)
