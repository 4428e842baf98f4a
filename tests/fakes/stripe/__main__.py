"""Run the counterpart by itself, for the demo and for a look."""

import argparse
import pickle
import signal
import sys
import threading
from pathlib import Path

from tests.fakes.stripe.server import StripeServer

# What an account keeps; the rest is the server's own.
_KEPT = ("objects", "ledgers", "invoice_numbers", "cards", "wishes")
_SAVE_SECONDS = 2.0


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--api-key", default="sk_test_palaestra")
    parser.add_argument("--webhook", default="", help="address that events are posted to")
    parser.add_argument("--webhook-host", default="", help="Host header of those posts, where it is another")
    parser.add_argument("--webhook-secret", default="whsec_test")
    parser.add_argument("--state", type=Path, help="file that the account is kept in from start to start")
    wanted = parser.parse_args()
    server = StripeServer(api_key=wanted.api_key, port=wanted.port)
    if wanted.state is not None and wanted.state.exists():
        # Our own file, in our own folder.
        for name, value in pickle.loads(wanted.state.read_bytes()).items():  # noqa: S301
            setattr(server.account, name, value)
    server.postman.settings.url = wanted.webhook
    server.postman.settings.host = wanted.webhook_host
    server.postman.settings.secret = wanted.webhook_secret
    server.start()
    sys.stdout.write(f"Stripe's counterpart at {server.url}, key {wanted.api_key}\n")
    sys.stdout.flush()
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    known = 0
    while not ended.wait(_SAVE_SECONDS):
        if wanted.state is not None and known != len(server.account.objects["event"]):
            known = len(server.account.objects["event"])
            _save(server, wanted.state)
    server.stop()
    if wanted.state is not None:
        _save(server, wanted.state)


def _save(server: StripeServer, file: Path) -> None:
    with server.account.lock:
        kept = pickle.dumps({name: getattr(server.account, name) for name in _KEPT})
    fresh = file.with_suffix(".new")
    fresh.write_bytes(kept)
    fresh.replace(file)


if __name__ == "__main__":
    main()
