"""Several organizations at one gateway, a clock for both sides, and a mail that loses and shuffles."""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from billing.gateways.stripe_gateway import StripeGateway
from billing.gateways.types import Notice
from billing.models import GatewayEvent, Subscription
from billing.services.customers.checkouts import ensure_account
from billing.services.gateway import inbox
from billing.services.gateway.inbox_sweeps import fill_gaps
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from tenants.context import in_public
from tenants.models import Organization
from tests.fakes.stripe import StripeServer
from tests.fakes.stripe.operations.others import advance_clock

# Messages after which another about the same object comes at once, or that are for nobody.
_SAID_BY_OTHERS = frozenset(
    {
        "invoice.created",
        "invoice.payment_succeeded",
        "test_helpers.test_clock.ready",
        "customer.discount.deleted",
    }
)


@dataclass
class Party:
    """One organization of the walk."""

    organization: Organization
    people: list[Membership]
    invited: list[Membership]
    customer: str = ""

    @property
    def id(self) -> uuid.UUID:
        return self.organization.id

    @property
    def actor(self) -> Actor:
        return system_actor("walk", self.id)

    @property
    def everybody(self) -> list[Membership]:
        return self.people + self.invited


@dataclass
class World:
    """Where the walk is.

    Attributes:
        seed: of everything random in it.
        now: both sides' time.
        dirty: subscriptions at the gateway of which a message is not worked off.
        done: how often each act came about, and was refused with which code.
    """

    server: StripeServer
    gateway: StripeGateway
    seed: int
    parties: list[Party] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    dirty: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._captured: list[dict[str, Any]] = []
        self._late: list[dict[str, Any]] = []
        self._gaps_since = self.now
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {self.server.api_key}"
        answer = self._http.post(
            f"{self.server.url}/v1/test_helpers/test_clocks",
            data={"frozen_time": int(self.now.timestamp())},
            timeout=20,
        )
        self._clock = str(answer.json()["id"])
        self.server.account.hear = self._hear

    # --- Time ------------------------------------------------------------------------------------

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Let our side see the world's time."""
        with clock.frozen_at(self.now):
            yield

    def pass_time(self, span: timedelta) -> None:
        """Let time pass on both sides; what is due at the gateway happens."""
        self.now += span
        # Not over HTTP, where an ordered fault could be served to it.
        with self.server.account.lock:
            wanted = {"frozen_time": int(self.now.timestamp())}
            advance_clock(self.server.account, {"test_clock": self._clock}, wanted)

    def enter(self, party: Party) -> None:
        """Make the organization a customer whose time is the world's."""
        party.customer = ensure_account(self.gateway, party.id).gateway_ref
        self.server.account.objects["customer"][party.customer]["test_clock"] = self._clock
        self.parties.append(party)

    # --- Messages --------------------------------------------------------------------------------

    def _hear(self, event: dict[str, Any]) -> None:
        if event["type"] in _SAID_BY_OTHERS:
            del self.server.account.objects["event"][event["id"]]
            return
        self._captured.append(event)
        if event["type"].startswith("customer.subscription."):
            self.dirty.add(event["data"]["object"]["id"])

    def deliver(self) -> None:
        """Deliver what is on its way: most of it now, some later, some twice, some never, in any order."""
        now = []
        for event in self._captured:
            luck = self.random.random()
            if luck < 0.03:
                self.done["message lost"] += 1
            elif luck < 0.13:
                self._late.append(event)
            elif luck < 0.20:
                now.append(event)
                self._late.append(event)
            else:
                now.append(event)
        self._captured = []
        if self._late and self.random.random() < 0.2:
            self.random.shuffle(self._late)
            cut = self.random.randint(1, len(self._late))
            now, self._late = now + self._late[:cut], self._late[cut:]
        self.random.shuffle(now)
        for event in now:
            self._take(event)

    def settle(self) -> None:
        """Let everything arrive: what was late, what was lost, what failed."""
        self.server.faults.clear()
        self._captured, late = [], self._captured + self._late
        self._late = []
        for event in late:
            self._take(event)
        with self.moment():
            fill_gaps(self.now - self._gaps_since + timedelta(minutes=1))
            for _ in range(2):
                open_keys = GatewayEvent.objects.filter(state__in=("received", "failed"))
                for key in open_keys.order_by("id").values_list("event_key", flat=True):
                    self._process(key)
        self._gaps_since = self.now
        # Known by now; a long list makes each look at it slow.
        self.server.account.objects["event"].clear()

    def _take(self, event: dict[str, Any]) -> None:
        notice = Notice(
            key=event["id"],
            kind=event["type"],
            object_ref=_object_of(event),
            occurred_at=datetime.fromtimestamp(event["created"], UTC),
        )
        with self.moment():
            inbox.take_in([notice])
            self._process(notice.key)

    def _process(self, key: str) -> None:
        state = inbox.process_event(key)
        if state is None:
            return
        row = GatewayEvent.objects.get(event_key=key)
        self.done[f"message {state}"] += 1
        if state == "processed" and not any(
            _subscription_of(each) == row.object_ref for each in self._captured
        ):
            self.dirty.discard(row.object_ref)

    def live(self, party: Party) -> Subscription | None:
        """Return the organization's subscription in force."""
        with in_public():
            return (
                Subscription.objects.filter(organization_id=party.id)
                .exclude(status__in=("canceled", "expired"))
                .first()
            )

    def payer(self, path: str, **facts: str) -> bool:
        """Do what a payer does; False when it cannot be done."""
        return self._http.post(f"{self.server.url}/_payer/{path}", data=facts, timeout=20).ok


def _object_of(event: dict[str, Any]) -> str:
    """Return the id a message is about, as the product reads it."""
    about = event["data"]["object"]
    if event["type"].startswith("subscription_schedule."):
        return str(about.get("subscription") or about.get("released_subscription") or "")
    if event["type"].startswith("customer.tax_id."):
        return str(about["customer"])
    if event["type"].startswith(("refund.", "charge.refund")):
        return str(about.get("payment_intent") or "")
    return str(about["id"])


def _subscription_of(event: dict[str, Any]) -> str:
    return str(event["data"]["object"]["id"]) if event["type"].startswith("customer.subscription.") else ""
