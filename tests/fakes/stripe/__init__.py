"""A stateful counterpart of Stripe for tests and the demo; README.md says what is real in it."""

from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.server import StripeServer

__all__ = ["Fault", "StripeServer"]
