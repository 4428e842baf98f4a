"""Reads on the gateway's messages and on what differs there, for the platform's operators."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet

from billing.enums import EventState
from billing.models import BillingAccount, Checkout, Drift, GatewayEvent, Subscription, SubscriptionInvoice
from billing.policies import GATEWAY_VIEW
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """How the inbox stands.

    Attributes:
        by_state: messages in each state, those of none too.
        oldest_waiting_at: arrival of the oldest that is not worked off, parked ones aside; None without.
        open_drifts: facts that stand otherwise at the gateway.
    """

    by_state: dict[str, int]
    oldest_waiting_at: datetime | None
    open_drifts: int


def list_gateway_events(
    *,
    actor: Actor,
    organization_id: uuid.UUID | None,
    state: str | None = None,
    kind: str | None = None,
) -> QuerySet[GatewayEvent]:
    """Return messages, for operators only.

    Args:
        kind: the beginning of it: "invoice." or a whole one.
        organization_id: only those about what this organization has at the gateway; None for all.
    """
    require(actor, GATEWAY_VIEW)
    rows = GatewayEvent.objects.all()
    if state is not None:
        rows = rows.filter(state=state)
    if kind is not None:
        rows = rows.filter(kind__startswith=kind)
    return rows if organization_id is None else rows.filter(object_ref__in=_refs_of(organization_id))


def get_gateway_event(*, actor: Actor, event_id: uuid.UUID) -> GatewayEvent:
    """Return one message; NotFound when there is none of this id."""
    event = list_gateway_events(actor=actor, organization_id=None).filter(id=event_id).first()
    if event is None:
        raise NotFound(gateway_event=str(event_id))
    return event


def find_event_id(*, actor: Actor, event_key: str) -> uuid.UUID | None:
    """Return the id of a message by the gateway's name of it."""
    rows = list_gateway_events(actor=actor, organization_id=None).filter(event_key=event_key)
    return rows.values_list("id", flat=True).first()


def get_inbox_figures(*, actor: Actor) -> InboxFigures:
    """Return the counts; three statements."""
    require(actor, GATEWAY_VIEW)
    counted = dict(GatewayEvent.objects.order_by().values_list("state").annotate(Count("id")))
    waiting = GatewayEvent.objects.filter(state__in=(EventState.RECEIVED, EventState.FAILED))
    return InboxFigures(
        by_state={state: counted.get(state, 0) for state in EventState.values},
        oldest_waiting_at=waiting.aggregate(oldest=Min("created_at"))["oldest"],
        open_drifts=Drift.objects.filter(resolved_at=None).count(),
    )


def list_drifts(
    *,
    actor: Actor,
    organization_id: uuid.UUID | None,
    is_open: bool | None = None,
    fact: str | None = None,
) -> QuerySet[Drift]:
    """Return what differs or differed at the gateway, for operators only.

    Args:
        organization_id: whose; None for all.
        is_open: only what differs still, or only what is over; None for both.
    """
    require(actor, GATEWAY_VIEW)
    rows = Drift.objects.all()
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    if is_open is not None:
        rows = rows.filter(resolved_at__isnull=is_open)
    return rows if fact is None else rows.filter(fact=fact)


def _refs_of(organization_id: uuid.UUID) -> QuerySet[BillingAccount, str | None]:
    """Return the names at the gateway of all that an organization has there."""
    invoices = SubscriptionInvoice.objects.filter(organization_id=organization_id).order_by()
    pages = Checkout.objects.filter(organization_id=organization_id).order_by()
    subscriptions = Subscription.objects.filter(organization_id=organization_id).order_by()
    accounts = BillingAccount.objects.filter(organization_id=organization_id).order_by()
    return accounts.values_list("gateway_ref", flat=True).union(
        subscriptions.exclude(gateway_ref=None).values_list("gateway_ref", flat=True),
        pages.exclude(gateway_ref=None).values_list("gateway_ref", flat=True),
        invoices.values_list("gateway_ref", flat=True),
        invoices.exclude(payment_ref="").values_list("payment_ref", flat=True),
    )
