"""Tables of the shared schema about plans, prices, subscriptions, seats, invoices and gateways' messages."""

from billing.models.account import BillingAccount
from billing.models.inbox import GatewayEvent, ObjectSync
from billing.models.invoice import SubscriptionInvoice
from billing.models.plan import Plan
from billing.models.plan_price import PlanPrice
from billing.models.purchase import Checkout, SeatChange
from billing.models.seat import SeatAssignment
from billing.models.subscription import Subscription

__all__ = [
    "BillingAccount",
    "Checkout",
    "GatewayEvent",
    "ObjectSync",
    "Plan",
    "PlanPrice",
    "SeatAssignment",
    "SeatChange",
    "Subscription",
    "SubscriptionInvoice",
]
