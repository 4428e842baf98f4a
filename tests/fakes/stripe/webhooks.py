"""Events on their way to the receiver: signed as Stripe signs them, over HTTP, tried again when refused."""

import json
import queue
import random
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests
import stripe

_random = random.Random(4)


@dataclass(slots=True)
class Delivery:
    """How events go out. Switches may be turned at any time.

    Attributes:
        url: the receiver; empty keeps events back.
        host: Host header to send, where the receiver's name is not in the address.
        secret: of the endpoint; `old_secret` signs along while a key is rolled.
        copies: how often each event is sent.
        hold: keep events until `release`, which sends them shuffled when `shuffle` is on.
        drop: kinds that never arrive.
        delay: seconds before each delivery.
        age: seconds the signature's time lies in the past.
    """

    url: str = ""
    host: str = ""
    secret: str = "whsec_test"
    old_secret: str = ""
    copies: int = 1
    hold: bool = False
    shuffle: bool = False
    drop: set[str] = field(default_factory=set)
    delay: float = 0.0
    age: int = 0
    retries: int = 8


class Postman:
    """Sends events from a queue by one thread; `log` tells each attempt."""

    def __init__(self) -> None:
        self.settings = Delivery()
        self.log: list[tuple[str, str, int]] = []
        self._held: list[dict[str, Any]] = []
        self._queue: queue.Queue[tuple[float, int, dict[str, Any]] | None] = queue.Queue()
        self._busy = threading.Semaphore(0)
        self._pending = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def hear(self, event: dict[str, Any]) -> None:
        """Take an event, as the switches say."""
        if event["type"] in self.settings.drop or not self.settings.url:
            return
        if self.settings.hold:
            self._held.append(event)
        else:
            self._send([event] * self.settings.copies)

    def release(self) -> int:
        """Send what was held; return how many deliveries that makes."""
        held, self._held = self._held * self.settings.copies, []
        if self.settings.shuffle:
            _random.shuffle(held)
        self._send(held)
        return len(held)

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until everything on its way arrived or was given up; tell whether it did."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with self._lock:
                if self._pending == 0:
                    return True
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _send(self, events: list[dict[str, Any]]) -> None:
        with self._lock:
            self._pending += len(events)
        for event in events:
            self._queue.put((time.monotonic() + self.settings.delay, 1, event))

    def _work(self) -> None:
        session = requests.Session()
        while True:
            entry = self._queue.get()
            if entry is None:
                return
            due, attempt, event = entry
            time.sleep(max(0.0, due - time.monotonic()))
            status = self._post(session, event)
            self.log.append((event["id"], event["type"], status))
            if not 200 <= status < 300 and attempt < self.settings.retries:
                self._queue.put((time.monotonic() + min(2.0, 0.05 * 2**attempt), attempt + 1, event))
                continue
            with self._lock:
                self._pending -= 1

    def _post(self, session: requests.Session, event: dict[str, Any]) -> int:
        body = encode(event)
        headers = {"Content-Type": "application/json", "Stripe-Signature": self.signature(body)}
        if self.settings.host:
            headers["Host"] = self.settings.host
        try:
            return session.post(self.settings.url, data=body, headers=headers, timeout=20).status_code
        except requests.RequestException:
            return 0

    def signature(self, body: bytes) -> str:
        """Return the header for a body, with the old secret's signature too while keys roll."""
        at = int(time.time()) - self.settings.age
        secrets = [self.settings.secret, *filter(None, [self.settings.old_secret])]
        headers = [
            stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at)
            for secret in secrets
        ]
        return ",".join([headers[0], *[header.partition(",")[2] for header in headers[1:]]])


def encode(answer: Any) -> bytes:
    """Return JSON as Stripe writes it; decimals go as text."""
    return json.dumps(answer, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is not JSON")
