"""Six hundred messages, thrice each and shuffled, to real workers that are killed: none lost, none twice."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psutil
import pytest
import requests
from django.conf import settings

from billing.models import (
    BillingAccount,
    GatewayEvent,
    Refund,
    Subscription,
    SubscriptionInvoice,
)
from billing.services.gateway.inbox_sweeps import sweep
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from tenants.models import Organization
from tests.billing.conftest import Account, deliver, events_of
from tests.billing.inbox_deaths import EFFECT, POINTS, count_deaths, forget_deaths, order_death
from tests.billing.test_inbox import resize
from tests.fakes.stripe import StripeServer
from tests.support.processes import wait_for
from tests.support.server import server_environment
from tests.support.worker import drop_queues, working

MESSAGES, COPIES, KILLS = int(os.environ.get("PALAESTRA_CHAOS_MESSAGES", "600")), 3, 22
_OPEN = ("received", "failed")


@pytest.fixture
def quiet_queues() -> Iterator[None]:
    drop_queues()
    forget_deaths()
    yield
    drop_queues()


def worker_for(server: StripeServer, *, slots: int = 3) -> Any:
    return working(
        slots=slots,
        queue=settings.WEBHOOK_QUEUE,
        include="tests.billing.dying_inbox_worker",
        prefetched=40,
        STRIPE_API_KEY=server.api_key,
        STRIPE_API_BASE=server.url,
        STRIPE_WEBHOOK_SECRETS="whsec_test",
    )


def effects() -> Counter[str]:
    keys = AuditEvent.objects.filter(action=EFFECT).values_list("target_id", flat=True)
    return Counter(str(key) for key in keys)


def let_time_pass() -> int:
    """Make what is not worked off due, as minutes do, and let the sweeper find it."""
    GatewayEvent.objects.filter(state__in=_OPEN).update(next_try_at=clock.now() - timedelta(seconds=1))
    return sweep()


def refund(account: Account, payment: str, amount: int) -> None:
    requests.post(
        f"{account.server.url}/v1/refunds",
        data={"payment_intent": payment, "amount": amount},
        headers={"Authorization": f"Bearer {account.server.api_key}"},
        timeout=5,
    ).raise_for_status()


def followed(server: StripeServer) -> list[dict[str, Any]]:
    names = ("customer.subscription.", "invoice.", "checkout.session.", "refund.")
    return [event for event in events_of(server) if event["type"].startswith(names)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.feature("PAY-08")
@pytest.mark.feature("PAY-13")
@pytest.mark.feature("OPS-02")
@pytest.mark.feature("P08")
def test_messages_survive_workers_that_are_killed(
    committed: None,
    quiet_queues: None,
    server: StripeServer,
    account_of: Callable[[Organization], Account],
    acme: Organization,
    globex: Organization,
) -> None:
    accounts = [account_of(acme), account_of(globex)]
    refs = [account.subscribe(seats=3) for account in accounts]
    order = random.Random(20261121)
    seats = 3
    while len(followed(server)) < MESSAGES - 30:
        seats += 1
        for account, ref in zip(accounts, refs, strict=True):
            resize(account, ref, seats)
    wanted = len(followed(server))
    deliveries = followed(server) * COPIES
    order.shuffle(deliveries)
    kills = 0
    with worker_for(server) as first:
        for number, event in enumerate(deliveries):
            assert deliver(server, event).status_code == 200
            if number % 70 == 69:
                kills += kill_one(first, order)
        # While they work, things go on at the gateway: what they saw a moment ago is old.
        paid = server.account.all("invoice", status="paid")[:20]
        for number, invoice in enumerate(paid):
            refund(accounts[0], invoice["payments"]["data"][0]["payment"]["payment_intent"], number + 1)
        for account, ref in zip(accounts, refs, strict=True):
            for more in range(3):
                resize(account, ref, seats + 10 - more)
        late = followed(server)[wanted:] * COPIES
        order.shuffle(late)
        for number, event in enumerate(late):
            assert deliver(server, event).status_code == 200
            if number % 70 == 69:
                kills += kill_one(first, order)
        while kills < KILLS - 1:
            kills += kill_one(first, order)
        first.kill()  # the whole worker, with all that it had taken
        kills += 1
    with worker_for(server):
        wait_for_the_end()
    assert kills >= KILLS
    check_nothing_lost_or_doubled(server, refs, seats)


def kill_one(worker: psutil.Process, order: random.Random) -> int:
    """Kill a process of the worker that is there; it makes itself a new one."""
    before = {child.pid for child in worker.children()}
    if not before:
        return 0
    victim = psutil.Process(order.choice(sorted(before)))
    victim.kill()
    return 1


def wait_for_the_end() -> None:
    """Wait until everything is worked off; when nothing moves any more, minutes pass."""
    seen = {"open": -1, "since": time.monotonic()}

    def is_over() -> bool:
        number = GatewayEvent.objects.filter(state__in=_OPEN).count()
        if number != seen["open"]:
            seen.update(open=number, since=time.monotonic())
        elif time.monotonic() - seen["since"] > 4:
            let_time_pass()
            seen["since"] = time.monotonic()
        return number == 0

    wait_for(is_over, seconds=400, pause_seconds=0.2)


def check_nothing_lost_or_doubled(server: StripeServer, refs: list[str], seats: int) -> None:
    events = followed(server)
    assert len(events) >= MESSAGES
    rows = dict(GatewayEvent.objects.values_list("event_key", "state"))
    assert rows == {event["id"]: "processed" for event in events}
    counted = effects()
    assert (set(rows) - set(counted), [key for key, times in counted.items() if times != 1]) == (set(), [])
    # What stands here is what stands there.
    assert dict(Subscription.objects.values_list("gateway_ref", "purchased")) == dict.fromkeys(
        refs, seats + 8
    )
    there = {
        row["id"]: (row["status"], row["total"], row["amount_paid"]) for row in server.account.all("invoice")
    }
    here = SubscriptionInvoice.objects.values_list("gateway_ref", "status", "total_minor", "paid_minor")
    assert {ref: tuple(facts) for ref, *facts in here} == there
    refunds = {row["id"]: row["amount"] for row in server.account.all("refund")}
    assert dict(Refund.objects.values_list("gateway_ref", "amount_minor")) == refunds
    assert AuditEvent.objects.filter(action="billing.refund_seen").count() == len(refunds) == 20
    # Each change of seats was written once, on top of the one before.
    for organization_id in BillingAccount.objects.values_list("organization_id", flat=True):
        changes = [
            event.changes["purchased"]
            for event in AuditEvent.objects.filter(
                action="subscriptions.mirrored", organization_id=organization_id
            ).order_by("id")
            if "purchased" in event.changes
        ]
        assert changes[0][0] is None
        assert [before for before, _ in changes[1:]] == [after for _, after in changes[:-1]]


@pytest.mark.feature("PAY-13")
def test_a_death_at_any_point_loses_nothing_and_does_nothing_twice(
    committed: None,
    quiet_queues: None,
    server: StripeServer,
    account_of: Callable[[Organization], Account],
    acme: Organization,
) -> None:
    account = account_of(acme)
    ref = account.subscribe(seats=3)
    with worker_for(server, slots=1):
        for number, point in enumerate(POINTS):
            resize(account, ref, 10 + number)
            [event] = [e for e in events_of(server) if e["type"] == "customer.subscription.updated"][-1:]
            order_death(point)
            deliver(server, event)
            wait_for(lambda expected=number + 1: count_deaths() == expected)  # type: ignore[misc]
            wait_until_processed(event["id"])
            assert Subscription.objects.get().purchased == 10 + number
            assert effects()[event["id"]] == 1
        resize(account, ref, 99)
        [event] = [e for e in events_of(server) if e["type"] == "customer.subscription.updated"][-1:]
        died = subprocess.run(
            [sys.executable, "-m", "tests.billing.killed_door", event["id"], event["type"], ref],
            cwd=settings.BASE_DIR,
            env={**os.environ, **server_environment()},
            timeout=60,
            check=False,
        )
        assert died.returncode == -9
        assert GatewayEvent.objects.get(event_key=event["id"]).state == "received"
        assert let_time_pass() == 1
        wait_until_processed(event["id"])
    assert Subscription.objects.get().purchased == 99
    assert effects()[event["id"]] == 1


def wait_until_processed(key: str) -> None:
    wait_for(lambda: GatewayEvent.objects.get(event_key=key).state == "processed")
