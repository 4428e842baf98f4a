"""A Stripe account on loopback: real HTTP, form bodies, keys, errors, events. See README.md."""

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.stripe import contract, pages
from tests.fakes.stripe.faults import Fault, Faults
from tests.fakes.stripe.operations import HANDLERS, checkout, expanded, others
from tests.fakes.stripe.state import Account, Refusal
from tests.fakes.stripe.webhooks import Postman, encode

# Status, body, headers.
Answer = tuple[int, bytes, dict[str, str]]


@dataclass(slots=True)
class Remembered:
    """The answer to an Idempotency-Key."""

    fingerprint: str
    status: int = 0
    body: bytes = b""


class StripeServer:
    """The server with its state and switches.

    Attributes:
        account: the objects; a test may look, never write.
        faults: what goes wrong with the next calls.
        postman: how events go out.
        calls: (verb, template, key) of each call that was understood.
        refused: what the SDK's types refused; empty after a good test.
    """

    def __init__(self, *, api_key: str = "sk_test_palaestra", port: int = 0) -> None:
        self.api_key = api_key
        self.account = Account()
        self.faults = Faults()
        self.postman = Postman()
        self.account.hear = self.postman.hear
        self.calls: list[tuple[str, str, str]] = []
        self.refused: list[str] = []
        self._remembered: dict[str, Remembered] = {}
        self._keys_in_flight: set[str] = set()
        server = self

        class Handler(_Handler):
            stripe = server

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.account.base_url = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Address to use as the base of the API."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> "StripeServer":
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering and delivering."""
        self._http.shutdown()
        self._http.server_close()
        self.postman.stop()

    # --- One call ---------------------------------------------------------------------------

    def answer(self, verb: str, path: str, body: str, headers: Any) -> Answer | None:
        """Return status, body and headers; None for a connection to drop."""
        found = contract.find_route(verb, path)
        fault = self.faults.take(verb, found[0].template) if found else None
        if fault is Fault.STALL:
            time.sleep(self.faults.stall_seconds)
            return None
        if fault is Fault.ERROR_BEFORE:
            return _error(500, "An unknown error occurred", "api_error")
        if fault is Fault.TOO_MANY:
            return _error(429, "Too many requests", "rate_limit_error", code="rate_limit")
        answer = self._keyed(verb, path, body, headers, found)
        if fault is Fault.ERROR_AFTER:
            return _error(500, "An unknown error occurred", "api_error")
        return None if fault is Fault.DROP_AFTER else answer

    def _keyed(self, verb: str, path: str, body: str, headers: Any, found: Any) -> Answer:
        if headers.get("Authorization") != f"Bearer {self.api_key}":
            return _error(401, "Invalid API Key provided.", "invalid_request_error")
        key = headers.get("Idempotency-Key", "") if verb == "post" else ""
        fingerprint = hashlib.sha256(f"{path}?{body}".encode()).hexdigest()
        with self.account.lock:
            known = self._remembered.get(key) if key else None
            if known is not None and known.fingerprint != fingerprint:
                return _error(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters.",
                    "idempotency_error",
                )
            if known is not None:
                return known.status, known.body, {"Idempotent-Replayed": "true"}
            if key in self._keys_in_flight:
                return _error(409, "A request with this key is in progress.", "idempotency_error")
            if key:
                self._keys_in_flight.add(key)
        try:
            status, answer, more = self._run(verb, path, body, key, found)
        finally:
            self._keys_in_flight.discard(key)
        # As Stripe does: what failed before it began (a wrong parameter) may be sent again with the key.
        if key and status != 400:
            self._remembered[key] = Remembered(fingerprint, status, answer)
        return status, answer, more

    def _run(self, verb: str, path: str, body: str, key: str, found: Any) -> Answer:
        if found is None:
            return _error(404, f"Unrecognized request URL ({verb.upper()}: {path}).", "invalid_request_error")
        route, in_path = found
        self.calls.append((verb, route.template, key))
        if self.faults.take_kept(verb, route.template, with_effect=False):
            return _error(500, "An unknown error occurred", "api_error")
        handler = HANDLERS.get((verb, route.template))
        if handler is None:
            return _error(501, f"This server does not know {verb} {route.template}.", "api_error")
        try:
            raw = contract.decode_form(parse_qsl(body, keep_blank_values=True))
            expand = raw.pop("expand", [])
            wanted = contract.check(route, raw)
            with self.account.lock:
                answer = handler(self.account, in_path, wanted)
                if self.faults.take_kept(verb, route.template, with_effect=True):
                    return _error(500, "An unknown error occurred", "api_error")
                return 200, encode(expanded(self.account, answer, expand)), {}
        except contract.ParameterRefused as error:
            self.refused.append(f"{verb} {route.template}: {error}")
            return _error(
                400, str(error), "invalid_request_error", param=error.param, code="parameter_unknown"
            )
        except Refusal as error:
            return error.status, encode(error.body), {}

    # --- The payer's side door ----------------------------------------------------------------

    def payer(self, path: str, facts: dict[str, str]) -> dict[str, Any]:
        """Do what a payer or the bank does: `checkout/<id>/pay|decline|abandon|async_ok|async_fail`,
        `customers/<id>/card` with `card`, and `refunds/<id>/arrive|bounce`.

        Raises:
            Refusal: it cannot be done.
        """
        kind, identifier, act = path.split("/")
        with self.account.lock:
            if kind == "customers":
                self.account.find("customer", identifier)
                self.account.cards[identifier] = facts.get("card", "ok")
                return {"card": self.account.cards[identifier]}
            if kind == "refunds":
                return others.settle_refund(self.account, identifier, good=act == "arrive")
            if act == "pay":
                return checkout.pay(self.account, identifier, facts)
            if act == "decline":
                return checkout.pay(self.account, identifier, {**facts, "card": "decline"})
            if act == "abandon":
                return checkout.abandon(self.account, identifier)
            return checkout.settle_bank_debit(self.account, identifier, good=act == "async_ok")

    def page(self, verb: str, path: str, facts: dict[str, str]) -> Answer:
        """Answer a person's browser."""
        kind, identifier, *_ = path.split("/")
        with self.account.lock:
            if kind == "checkout" and verb == "post":
                address, again = pages.submit_checkout(self.account, identifier, facts)
                return (303, b"", {"Location": address}) if address else _html(again)
            if kind == "checkout":
                return _html(pages.show_checkout(self.account, identifier))
            show = {"invoices": pages.show_invoice, "portal": pages.show_portal}[kind]
            return _html(show(self.account, identifier))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet: sent apart, the second waits 40 ms for the first one's receipt.
    wbufsize = 65536
    stripe: StripeServer

    def do_GET(self) -> None:
        self._serve("get")

    def do_POST(self) -> None:
        self._serve("post")

    def do_DELETE(self) -> None:
        self._serve("delete")

    def _serve(self, verb: str) -> None:
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode() if length else split.query
        answer = self._answer(verb, split.path, body)
        if answer is None:
            self.close_connection = True
            return
        status, content, headers = answer
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Request-Id": "req_local", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, verb: str, path: str, body: str) -> Answer | None:
        facts = dict(parse_qsl(body))
        try:
            if path.startswith("/_payer/"):
                return 200, encode(self.stripe.payer(path.removeprefix("/_payer/"), facts)), {}
            if path.startswith("/_pages/"):
                return self.stripe.page(verb, path.removeprefix("/_pages/"), facts)
        except Refusal as error:
            return error.status, encode(error.body), {}
        return self.stripe.answer(verb, path, body, self.headers)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output to itself."""


def _html(text: str) -> Answer:
    return 200, text.encode(), {"Content-Type": "text/html; charset=utf-8"}


def _error(status: int, message: str, kind: str, **more: str) -> Answer:
    return status, json.dumps({"error": {"type": kind, "message": message, **more}}).encode(), {}
