"""Which of the gateway's objects we follow, how each is looked at, and what is written of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing.errors import GatewayRefused
from billing.gateways.stripe_gateway import StripeGateway
from billing.gateways.types import SeenCustomer, SeenInvoice
from billing.services.customers.accounts import do_apply_customer
from billing.services.customers.checkout_pages import do_apply_checkout
from billing.services.gateway.drifts import Difference, do_note_differences
from billing.services.gateway.mirroring import do_apply_subscription, do_lock_subscription
from billing.services.gateway.mirroring_invoices import do_apply_invoice, do_apply_payment, do_drop_invoice
from billing.services.gateway.tickets import apply_in_turn, draw_ticket
from shared_apps.core.transactions import entry_transaction


@dataclass(frozen=True, slots=True)
class Followed:
    """A sort of object that is followed.

    Attributes:
        look: asks the gateway what an object of this id is now; outside of any transaction.
        do_apply: writes what was seen, in the open transaction.
        do_lock: takes, by the object's id, what is locked before its tickets.
    """

    look: Callable[[StripeGateway, str], Any]
    do_apply: Callable[[Any], Any]
    do_lock: Callable[[str], Any] | None = None

    def do_apply_in_turn(self, object_ref: str, ticket: int, seen: Any) -> bool:
        """Write what was seen unless a later look was written; tell whether it was."""
        if self.do_lock is not None:
            self.do_lock(object_ref)
        return apply_in_turn(object_ref, ticket, lambda: self.do_apply(seen))


CUSTOMER_DELETED = "customer_deleted"


def _do_apply_customer(seen: SeenCustomer) -> None:
    """A customer that was deleted there while it is ours is a drift: nobody can pay any more."""
    account = do_apply_customer(seen)
    if account is not None and seen.is_deleted:
        gone = Difference(account.organization_id, seen.ref, CUSTOMER_DELETED, "there", "deleted")
        do_note_differences([gone])


@dataclass(frozen=True, slots=True)
class _Gone:
    """An object that is not there any more."""

    ref: str


def _look_invoice(gateway: StripeGateway, ref: str) -> SeenInvoice | _Gone:
    """Drafts can be deleted; everything else stays."""
    try:
        return gateway.look_invoice(ref)
    except GatewayRefused as error:
        if error.facts.get("reason") != "resource_missing":
            raise
        return _Gone(ref)


def _do_apply_invoice(seen: SeenInvoice | _Gone) -> None:
    if isinstance(seen, _Gone):
        do_drop_invoice(seen.ref)
    else:
        do_apply_invoice(seen)


SUBSCRIPTION = Followed(
    lambda gateway, ref: gateway.look_subscription(ref), do_apply_subscription, do_lock_subscription
)
INVOICE = Followed(_look_invoice, _do_apply_invoice)
CHECKOUT = Followed(lambda gateway, ref: gateway.look_checkout(ref), do_apply_checkout)
CUSTOMER = Followed(lambda gateway, ref: gateway.look_customer(ref), _do_apply_customer)
PAYMENT = Followed(lambda gateway, ref: gateway.look_payment(ref), do_apply_payment)

# By the beginning of a message's kind. What is not here is kept as a line and ignored.
_BY_KIND: tuple[tuple[str, Followed], ...] = (
    ("customer.subscription.", SUBSCRIPTION),
    ("subscription_schedule.", SUBSCRIPTION),
    ("invoice.", INVOICE),
    ("checkout.session.", CHECKOUT),
    ("customer.updated", CUSTOMER),
    ("customer.deleted", CUSTOMER),
    ("customer.tax_id.", CUSTOMER),
    ("charge.refund", PAYMENT),  # charge.refunded, charge.refund.updated
    ("refund.", PAYMENT),
)


def followed_of(kind: str, object_ref: str) -> Followed | None:
    """Return how a message's object is followed; None when it is not, or when it names no object."""
    if not object_ref:
        return None
    return next((followed for prefix, followed in _BY_KIND if kind.startswith(prefix)), None)


def look_and_apply(gateway: StripeGateway, followed: Followed, object_ref: str) -> bool:
    """Bring our row to what the object is now, without a message; False when a later look was faster.

    Raises:
        GatewayUnavailable, GatewayRefused: the gateway did not say.
        DomainError: what was seen cannot be written; see `do_apply_*`.
    """
    ticket = draw_ticket(object_ref)
    seen = followed.look(gateway, object_ref)
    with entry_transaction():
        return followed.do_apply_in_turn(object_ref, ticket, seen)
