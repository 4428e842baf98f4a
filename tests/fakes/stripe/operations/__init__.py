"""The operations of the API that this server knows; importing the package registers them."""

from tests.fakes.stripe.operations import (
    billing,
    catalogue,
    changes,
    checkout,
    customers,
    others,
    portal,
    promotions,
    schedules,
)
from tests.fakes.stripe.operations.registry import HANDLERS, expanded

__all__ = [
    "HANDLERS",
    "billing",
    "catalogue",
    "changes",
    "checkout",
    "customers",
    "expanded",
    "others",
    "portal",
    "promotions",
    "schedules",
]
