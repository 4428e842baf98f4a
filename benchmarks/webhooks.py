"""The door of the gateway's messages over HTTP, and the time from a message to its effect.

Stripe's counterpart runs in this process; web server and worker are the Procfile's own commands. The door's
time is that of one request after the other on connections of their own, so what is measured is one message
and not a queue of them; the rate is that of several senders at once at one web process.
"""

import dataclasses
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.test import override_settings

from benchmarks.clients import send_one
from benchmarks.load import LoadFailed
from benchmarks.many import count_from_environment, make_tenants
from benchmarks.stack import Stack, Web, procfile
from billing.enums import Interval
from billing.gateways.stripe_gateway import stripe_gateway
from billing.models import GatewayEvent, Plan, PlanPrice, Subscription
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.customers.checkouts import ensure_account
from billing.services.gateway.following import SUBSCRIPTION, look_and_apply
from shared_apps.core import clock
from tenants.context import in_public
from tenants.models import Organization
from tests.fakes.stripe import StripeServer
from tests.fakes.stripe.subscriptions import Start, start
from tests.fakes.stripe.webhooks import encode

NAME = "webhooks"
DESCRIPTION = "signed messages of the payment gateway: the door alone, and until their effect stands"
_SENDERS = 4
_MOST_SECONDS = 60.0


def run(
    stack: Stack, *, messages: int | None = None, effects: int | None = None, worker: str | None = None
) -> dict[str, Any]:
    """Return the figures; times in milliseconds.

    Args:
        messages: sent to the door, half one after the other and half by several senders.
        effects: changes at the gateway, each awaited.
        worker: command of the worker, the Procfile's when None.

    Raises:
        LoadFailed: a message was refused, or an effect never came.
    """
    messages = messages or count_from_environment("BENCH_WEBHOOKS", 2000)
    effects = effects or count_from_environment("BENCH_WEBHOOK_EFFECTS", 100)
    server = StripeServer().start()
    known = {
        "STRIPE_API_KEY": server.api_key,
        "STRIPE_API_BASE": server.url,
        "STRIPE_WEBHOOK_SECRETS": server.postman.settings.secret,
    }
    mine = {**known, "STRIPE_WEBHOOK_SECRETS": [known["STRIPE_WEBHOOK_SECRETS"]]}
    paying = dataclasses.replace(stack, environment={**stack.environment, **known})
    try:
        with override_settings(**mine), in_public():
            subscription = _subscribed(server)
            with paying.web(environment={"WEB_CONCURRENCY": "1"}) as web:
                figures = _door(stack, server, web, messages)
                # What went to the door is not what the worker is measured by.
                GatewayEvent.objects.update(state="ignored")
                with paying.worker(worker or procfile("webhooks")):
                    figures |= _effects(stack, server, web, subscription, effects)
    finally:
        server.stop()
    return figures


def _door(stack: Stack, server: StripeServer, web: Web, messages: int) -> dict[str, Any]:
    half = messages // 2
    for number in range(min(50, half)):
        _timed(web, _request(server, f"evt_warm_{number}"))
    one_by_one = [_timed(web, _request(server, f"evt_one_{number}")) for number in range(half)]
    stack.say(f"{half:,} messages one after the other")
    rest = [_request(server, f"evt_many_{number}") for number in range(half)]
    started = time.perf_counter()
    with ThreadPoolExecutor(_SENDERS) as senders:
        list(senders.map(lambda request: _timed(web, request), rest))
    seconds = time.perf_counter() - started
    stack.say(f"{half:,} messages by {_SENDERS} senders")
    return {
        "webhook.p50_ms": _percentile(one_by_one, 50),
        "webhook.p95_ms": _percentile(one_by_one, 95),
        "webhook.per_second": round(half / seconds, 1),
        "webhook.messages": messages,
    }


def _effects(
    stack: Stack, server: StripeServer, web: Web, subscription: dict[str, Any], effects: int
) -> dict[str, Any]:
    """Change the seats at the gateway, tell it, and wait until they stand here."""
    item, times = subscription["items"]["data"][0], []
    # The first waits for the worker to be through with what the door was measured by.
    _timed(web, _request(server, "evt_effect_warm", "customer.subscription.updated", subscription["id"]))
    _effect_of("evt_effect_warm")
    for number in range(effects):
        item["quantity"] = 100 + number
        key = f"evt_effect_{number}"
        request = _request(server, key, "customer.subscription.updated", subscription["id"])
        sent = clock.now()
        _timed(web, request)
        times.append((_effect_of(key) - sent) / timedelta(milliseconds=1))
    seats = Subscription.objects.values_list("purchased", flat=True).get(gateway_ref=subscription["id"])
    if seats != 100 + effects - 1:
        raise LoadFailed(f"the last change was to {100 + effects - 1} seats; there are {seats}")
    stack.say(f"{effects:,} effects")
    return {
        "event_to_effect_p50_ms": _percentile(times, 50),
        "event_to_effect_p95_ms": _percentile(times, 95),
        "event_to_effect.messages": effects,
    }


def _effect_of(key: str) -> Any:
    """Return when the message was worked off."""
    deadline = time.monotonic() + _MOST_SECONDS
    done = GatewayEvent.objects.filter(event_key=key, state="processed")
    while (instant := done.values_list("processed_at", flat=True).first()) is None:
        if time.monotonic() > deadline:
            raise LoadFailed(f"{key} was not worked off in {_MOST_SECONDS:.0f} s")
        time.sleep(0.005)
    return instant


def _timed(web: Web, request: bytes) -> float:
    started = time.perf_counter()
    status, body = send_one(web.port, request)
    if status != 200:
        raise LoadFailed(f"the door answered {status}: {body[:300].decode(errors='replace')}")
    return (time.perf_counter() - started) * 1000


_lock = threading.Lock()


def _request(
    server: StripeServer, key: str, kind: str = "invoice.paid", object_ref: str = "in_benchmark"
) -> bytes:
    """Return a signed message of the size that Stripe's have."""
    event = {
        "id": key,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "type": kind,
        "data": {"object": {"id": object_ref, "object": kind.split(".")[0], "filling": "x" * 3000}},
    }
    body = encode(event)
    with _lock:
        signature = server.postman.signature(body)
    head = (
        f"POST /api/webhooks/stripe HTTP/1.1\r\nHost: {settings.PLATFORM_HOST}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nStripe-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _subscribed(server: StripeServer) -> dict[str, Any]:
    """Return a live subscription of an organization that is a customer of the counterpart."""
    gateway = stripe_gateway()
    if gateway is None:
        raise LoadFailed("the counterpart is not set up")
    organization = Organization.objects.order_by("created_at").first() or make_tenants(1)[0]
    plan, _ = Plan.objects.get_or_create(code="bench-webhooks", defaults={"name": "Webhooks"})
    price, _ = PlanPrice.objects.get_or_create(
        plan=plan, interval=Interval.MONTH, currency="eur", defaults={"unit_minor": 1200}
    )
    sync_catalogue()
    price.refresh_from_db()
    account = ensure_account(gateway, organization.id)
    customer = account.gateway_ref
    server.account.cards[customer] = "ok"
    wish = Start(customer=customer, price=server.account.find("price", str(price.gateway_ref)), quantity=100)
    made = start(server.account, wish, at=server.account.now(customer))
    look_and_apply(gateway, SUBSCRIPTION, made["id"])
    return made


def _percentile(values: Sequence[float], percent: int) -> float:
    return round(quantiles(values, n=100, method="inclusive")[percent - 1], 2)
