"""Tables of the shared schema about plans, subscriptions and seats."""

from billing.models.plan import Plan
from billing.models.seat import SeatAssignment
from billing.models.subscription import Subscription

__all__ = ["Plan", "SeatAssignment", "Subscription"]
