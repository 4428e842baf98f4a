"""Hold what we have against what the gateway has, every night: told, never corrected.

Somebody has to say which of the two is right. What differs only because a message is still on its way is no
difference: it is looked at a second time, and left out while a message of it waits.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from billing.enums import OVER, EventState
from billing.errors import GatewayRefused
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import SeenInvoice, SeenStrange, SeenSubscription
from billing.models import BillingAccount, Checkout, Drift, GatewayEvent, Subscription, SubscriptionInvoice
from billing.services.gateway.drifts import Difference, do_note_differences, do_resolve_differences
from billing.services.gateway.following import CUSTOMER_DELETED
from billing.services.gateway.mirroring import PRICE, QUANTITY, SECOND_SUBSCRIPTION, status_of
from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction
from tenants.enums import OrganizationState

log = structlog.get_logger(__name__)

INVOICES_OF = timedelta(days=35)
_STATUS, _PERIOD_END, _CANCELS_AT, _CUSTOMER = "status", "period_end", "cancels_at", "customer"
_NOT_HERE, _NOT_THERE, _NOT_OURS = "not_here", "not_there", "not_ours"
_INVOICE_STATUS, _INVOICE_TOTAL, _INVOICE_PAID = "invoice_status", "invoice_total", "invoice_paid"
_INVOICE_NOT_HERE = "invoice_not_here"
_GONE = "organization_gone"
_DELETED = frozenset({OrganizationState.DELETING, OrganizationState.DELETED})
# What a whole run says of, so that what it does not find again is over.
_CHECKED = frozenset(
    {
        *(QUANTITY, PRICE, SECOND_SUBSCRIPTION, _STATUS, _PERIOD_END, _CANCELS_AT, _CUSTOMER),
        *(_NOT_HERE, _NOT_THERE, _NOT_OURS, _GONE),
        *(_INVOICE_STATUS, _INVOICE_TOTAL, _INVOICE_PAID, _INVOICE_NOT_HERE),
        CUSTOMER_DELETED,
    }
)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run found.

    Attributes:
        subscriptions, invoices: how many were looked at, there.
        differing: facts that stand otherwise there; `new` of them for the first time.
        resolved: open ones that are gone.
    """

    subscriptions: int
    invoices: int
    differing: int
    new: int
    resolved: int


def reconcile() -> Reconciled | None:
    """Compare all live subscriptions, the invoices of five weeks and all customers; None without a gateway.

    Raises:
        GatewayUnavailable: nothing was written; run it again.
    """
    gateway = stripe_gateway()
    if gateway is None:
        return None
    theirs = gateway.live_subscriptions()
    invoices = gateway.invoices_since(clock.now() - INVOICES_OF)
    ours = _OurSide()
    found = [
        *_compare_subscriptions(gateway, ours, theirs),
        *_compare_invoices(ours, invoices),
        *_deleted_customers(gateway, ours),
    ]
    waiting = _waiting()
    found = [each for each in found if each.subject not in waiting]
    with entry_transaction():
        new = do_note_differences(found)
        resolved = do_resolve_differences(_CHECKED, but=found)
    done = Reconciled(len(theirs), len(invoices), len(found), new, resolved)
    log.log(
        40 if found else 20,
        "billing_reconciled",
        subscriptions=done.subscriptions,
        invoices=done.invoices,
        differing=done.differing,
        new=new,
        resolved=resolved,
    )
    return done


class _OurSide:
    """Our rows, by their names at the gateway."""

    def __init__(self) -> None:
        self.organizations: dict[str, uuid.UUID] = dict(
            BillingAccount.objects.values_list("gateway_ref", "organization_id")
        )
        self.signing_up = set(
            Checkout.objects.filter(sign_up_id__isnull=False, organization=None).values_list(
                "customer_ref", flat=True
            )
        )
        self.customer_of = {organization: ref for ref, organization in self.organizations.items()}
        self.live = {str(row.gateway_ref): row for row in _live_rows()}


def _waiting() -> set[str]:
    """Return what messages are on their way about: what differs there differs for this moment."""
    rows = GatewayEvent.objects.filter(state__in=(EventState.RECEIVED, EventState.FAILED))
    return set(rows.values_list("object_ref", flat=True))


def _live_rows() -> Iterable[Subscription]:
    rows = Subscription.objects.select_related("price", "organization").exclude(status__in=OVER)
    return rows.exclude(gateway_ref=None)


# --- Subscriptions -------------------------------------------------------------------------------


def _compare_subscriptions(
    gateway: StripeGateway, ours: _OurSide, theirs: list[SeenSubscription | SeenStrange]
) -> Iterator[Difference]:
    for each in theirs:
        row = ours.live.get(each.ref)
        if isinstance(each, SeenStrange):
            yield from _strange(ours, each)
        elif row is None:
            yield from _unknown(ours, each)
        elif any(_differences(ours, row, each)):
            # Time passed between reading here and there: once more, both now.
            yield from _look_twice(gateway, ours, row)
    there = {each.ref for each in theirs}
    for ref, row in ours.live.items():
        if ref not in there:
            yield from _look_twice(gateway, ours, row)


def _look_twice(gateway: StripeGateway, ours: _OurSide, row: Subscription) -> Iterator[Difference]:
    ref = str(row.gateway_ref)
    try:
        seen = gateway.look_subscription(ref)
    except GatewayRefused as error:
        yield Difference(
            row.organization_id, ref, _NOT_THERE, str(row.status), str(error.facts.get("reason", ""))
        )
        return
    again = Subscription.objects.select_related("price", "organization").get(id=row.id)
    yield from _differences(ours, again, seen)


def _differences(ours: _OurSide, row: Subscription, seen: SeenSubscription) -> Iterator[Difference]:
    paid_for = row.purchased - row.comped
    customer = ours.customer_of.get(row.organization_id, "")
    price = str(row.price.gateway_ref) if row.price else ""
    facts: tuple[tuple[str, object, object], ...] = (
        (QUANTITY, paid_for, seen.seats),
        (_STATUS, str(row.status), str(status_of(seen))),
        (PRICE, price, seen.price_ref),
        (_PERIOD_END, _moment(row.period_ends_at), _moment(seen.period_end)),
        (_CANCELS_AT, _moment(row.cancels_at), _moment(seen.cancel_at)),
        (_CUSTOMER, customer, seen.customer_ref),
    )
    for fact, here, there in facts:
        if here != there:
            yield Difference(row.organization_id, seen.ref, fact, str(here), str(there))
    # Both sides agree, and somebody who is not there any more is charged: a second subscription that took the
    # place of the one that was ended, or an end that the gateway refused.
    if row.organization.state in _DELETED and status_of(seen) not in OVER:
        yield Difference(
            row.organization_id, seen.ref, _GONE, str(row.organization.state), str(status_of(seen))
        )


def _unknown(ours: _OurSide, seen: SeenSubscription) -> Iterator[Difference]:
    """A live one of a customer of ours that has no live row; other customers are none of our business."""
    organization_id = ours.organizations.get(seen.customer_ref)
    if organization_id is None or seen.customer_ref in ours.signing_up:
        return
    live = next((ref for ref, row in ours.live.items() if row.organization_id == organization_id), "")
    if live:
        yield Difference(organization_id, seen.ref, SECOND_SUBSCRIPTION, live, seen.ref)
    else:
        yield Difference(organization_id, seen.ref, _NOT_HERE, "", f"{seen.status}, {seen.seats} seats")


def _strange(ours: _OurSide, seen: SeenStrange) -> Iterator[Difference]:
    organization_id = ours.organizations.get(seen.customer_ref)
    if organization_id is not None:
        here = "live" if seen.ref in ours.live else ""
        yield Difference(organization_id, seen.ref, _NOT_OURS, here, f"{seen.status}, {seen.reason}")


# --- Invoices and customers ------------------------------------------------------------------------


def _compare_invoices(ours: _OurSide, theirs: list[SeenInvoice]) -> Iterator[Difference]:
    rows = SubscriptionInvoice.objects.filter(gateway_ref__in=[each.ref for each in theirs])
    by_ref = {row.gateway_ref: row for row in rows}
    for seen in theirs:
        organization_id = ours.organizations.get(seen.customer_ref)
        row = by_ref.get(seen.ref)
        if organization_id is None:
            continue
        if row is None:
            words = f"{seen.status}, {seen.total_minor} {seen.currency}"
            yield Difference(organization_id, seen.ref, _INVOICE_NOT_HERE, "", words)
            continue
        for fact, here, there in (
            (_INVOICE_STATUS, row.status, seen.status),
            (_INVOICE_TOTAL, row.total_minor, seen.total_minor),
            (_INVOICE_PAID, row.paid_minor, seen.paid_minor),
            (_CUSTOMER, str(row.organization_id), str(organization_id)),
        ):
            if here != there:
                yield Difference(row.organization_id, seen.ref, fact, str(here), str(there))


def _deleted_customers(gateway: StripeGateway, ours: _OurSide) -> Iterator[Difference]:
    """Customers that messages said are deleted, asked about again."""
    told = _open_subjects(CUSTOMER_DELETED)
    for ref in told:
        organization_id = ours.organizations.get(ref)
        if organization_id is not None and gateway.look_customer(ref).is_deleted:
            yield Difference(organization_id, ref, CUSTOMER_DELETED, "there", "deleted")


def _open_subjects(fact: str) -> list[str]:
    return list(Drift.objects.filter(fact=fact, resolved_at=None).values_list("subject", flat=True))


def _moment(instant: datetime | None) -> str:
    """Return it to the second, which is how far the gateway counts."""
    return instant.replace(microsecond=0).isoformat() if instant else ""
