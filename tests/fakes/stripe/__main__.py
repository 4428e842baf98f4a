"""Run the counterpart by itself, for the demo and for a look."""

import argparse
import signal
import sys
import threading

from tests.fakes.stripe.server import StripeServer


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--api-key", default="sk_test_palaestra")
    parser.add_argument("--webhook", default="", help="address that events are posted to")
    parser.add_argument("--webhook-secret", default="whsec_test")
    wanted = parser.parse_args()
    server = StripeServer(api_key=wanted.api_key, port=wanted.port)
    server.postman.settings.url = wanted.webhook
    server.postman.settings.secret = wanted.webhook_secret
    server.start()
    sys.stdout.write(f"Stripe's counterpart at {server.url}, key {wanted.api_key}\n")
    sys.stdout.flush()
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
