"""A platform where companies sign themselves up, with Stripe's counterpart to pay at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from billing.enums import Interval
from billing.models import Checkout, Plan, PlanPrice
from billing.services.catalogue.syncing import sync_catalogue
from shared_apps.onboarding.models import SignUp
from shared_apps.outbox.models import OutboxMessage
from tests.fakes.stripe import StripeServer
from tests.support.client import PLATFORM_HOST, Caller

WISH: dict[str, Any] = {
    "name": "Initech GmbH",
    "slug": "initech",
    "owner_name": "Bill Lumbergh",
    "email": "Bill@initech.example",
    "plan": "team",
    "interval": "month",
    "currency": "EUR",
    "seats": 10,
    "timezone": "Europe/Berlin",
    "language": "de",
}


@dataclass
class Visitor:
    """Somebody at the platform's host with the secret of a sign-up."""

    server: StripeServer
    caller: Caller = field(default_factory=lambda: Caller(PLATFORM_HOST))
    id: str = ""
    secret: str = ""

    def sign_up(self, expect: int = 201, **changes: Any) -> Any:
        answer = self.caller.post("/api/v1/sign-ups", {**WISH, **changes})
        assert answer.status_code == expect, answer.content
        body = answer.json()
        if expect == 201:
            self.id, self.secret = body["id"], body["secret"]
        return body

    def ask(self, act: str = "", body: Any = None, *, expect: int = 200, secret: str | None = None) -> Any:
        """Call `GET /sign-ups/{id}`, or POST an act, with the secret."""
        path = f"/api/v1/sign-ups/{self.id}" + (f"/{act}" if act else "")
        headers = {"Sign-Up-Secret": self.secret if secret is None else secret}
        send = self.caller.post if act else self.caller.get
        answer = send(path, body or {}, headers=headers)
        assert answer.status_code == expect, answer.content
        return answer.json()

    def mailed_token(self) -> str:
        """Return the token of the newest mail."""
        row = SignUp.objects.get(id=self.id)
        mails = OutboxMessage.objects.filter(payload__template="onboarding/sign_up_verify")
        own = mails.filter(payload__to=row.email, payload__context__link__icontains=self.id)
        newest = own.order_by("-id").first()
        assert newest is not None
        return str(newest.payload["context"]["token"])

    def verify(self, expect: int = 200) -> Any:
        return self.ask("verify", {"token": self.mailed_token()}, expect=expect)

    def open_page(self, **changes: Any) -> str:
        """Return the address of the page to pay on."""
        return str(self.ask("checkout", changes)["checkout_url"])

    def pay(self, act: str = "pay", **facts: Any) -> int:
        """Do at the gateway what a payer does; return the status of its answer."""
        page = Checkout.objects.filter(sign_up_id=self.id).order_by("-id").first()
        assert page is not None
        address = f"{self.server.url}/_payer/checkout/{page.gateway_ref}/{act}"
        return requests.post(address, data=facts, timeout=10).status_code

    def row(self) -> SignUp:
        return SignUp.objects.get(id=self.id)


Visitors = Callable[[], Visitor]


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    running = StripeServer().start()
    settings.STRIPE_API_KEY = running.api_key
    settings.STRIPE_API_BASE = running.url
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_test"]
    yield running
    running.stop()
    assert running.refused == []


@pytest.fixture
def visitor(request: pytest.FixtureRequest, stripe: StripeServer) -> Visitors:
    """Return `visitor()`: somebody new. Two plans are sold: `team`, and `try` with 14 days of trial."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("shared")
    for code, days in (("team", 0), ("try", 14)):
        plan = Plan.objects.create(code=code, name=code.title(), max_seats=500, trial_days=days)
        PlanPrice.objects.create(plan=plan, interval=Interval.MONTH, currency="eur", unit_minor=1200)
    sync_catalogue()
    return lambda: Visitor(stripe)
