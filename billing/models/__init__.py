"""Tables of the shared schema about plans, prices, subscriptions, seats, invoices and gateways' messages."""

from billing.models.account import BillingAccount
from billing.models.drift import Drift
from billing.models.dunning import DunningNotice
from billing.models.inbox import GatewayEvent, ObjectSync
from billing.models.invoice import SubscriptionInvoice
from billing.models.plan import Plan
from billing.models.plan_price import PlanPrice
from billing.models.promotion import Promotion
from billing.models.purchase import Checkout, SubscriptionChange
from billing.models.refund import Refund
from billing.models.seat import SeatAssignment
from billing.models.seat_act import SeatAct
from billing.models.seat_entry import SeatEntry
from billing.models.statement import SeatStatement, StatementHolding
from billing.models.subscription import Subscription

__all__ = [
    "BillingAccount",
    "Checkout",
    "Drift",
    "DunningNotice",
    "GatewayEvent",
    "ObjectSync",
    "Plan",
    "PlanPrice",
    "Promotion",
    "Refund",
    "SeatAct",
    "SeatAssignment",
    "SeatEntry",
    "SeatStatement",
    "StatementHolding",
    "Subscription",
    "SubscriptionChange",
    "SubscriptionInvoice",
]
