"""An organization's billing as operators see it: all of it, in a constant number of reads."""

import uuid
from dataclasses import dataclass

from django.db.models import Q

from billing.enums import OVER, EventState
from billing.models import (
    BillingAccount,
    Checkout,
    Drift,
    DunningNotice,
    GatewayEvent,
    Refund,
    Subscription,
    SubscriptionChange,
    SubscriptionInvoice,
)
from billing.policies import SUBSCRIPTIONS_VIEW
from billing.selectors.access import Access, explain_access
from billing.selectors.seat_days import SeatDay, read_seat_days
from shared_apps.audit.models import AuditEvent
from shared_apps.audit.selectors.events import list_events
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenants.models import Organization

# Newest of each sort; whoever wants more has the lists.
MOST = 50
_STUCK = (EventState.FAILED, EventState.PARKED)


@dataclass(frozen=True, slots=True)
class BillingStory:
    """What there is of one organization, newest first, at most 50 rows of each sort.

    Attributes:
        account: the organization as the gateway's customer; None when it never asked for anything there.
        subscription: the one in force, else the last there was; None without any.
        acts: what operators and the gateway's messages did to its subscriptions, from the audit log.
        stuck: messages of the gateway about it that could not be worked off.
        days: seats bought and used on each day, oldest first.
    """

    organization: Organization
    account: BillingAccount | None
    subscription: Subscription | None
    subscriptions: list[Subscription]
    access: Access
    changes: list[SubscriptionChange]
    invoices: list[SubscriptionInvoice]
    refunds: list[Refund]
    checkouts: list[Checkout]
    notices: list[DunningNotice]
    drifts: list[Drift]
    stuck: list[GatewayEvent]
    acts: list[AuditEvent]
    days: list[SeatDay]


def read_billing_story(*, actor: Actor, organization_id: uuid.UUID) -> BillingStory:
    """Return the whole story, for operators only. Eighteen statements at most.

    Raises:
        NotFound: there is no such organization.
    """
    require(actor, SUBSCRIPTIONS_VIEW)
    organization = Organization.objects.filter(id=organization_id).first()
    if organization is None:
        raise NotFound(organization=str(organization_id))
    own = Q(organization_id=organization_id)
    account = BillingAccount.objects.filter(own).first()
    customer_ref = account.gateway_ref if account else ""
    subscriptions = list(
        Subscription.objects.filter(own).select_related("plan", "price").order_by("-id")[:MOST]
    )
    invoices = list(SubscriptionInvoice.objects.filter(own)[:MOST])
    # A sign-up's page was opened before there was an organization; it is the same customer.
    whose = own | Q(customer_ref=customer_ref) if customer_ref else own
    checkouts = list(Checkout.objects.filter(whose).select_related("price__plan").order_by("-id")[:MOST])
    names = {customer_ref, *(name for row in invoices for name in (row.gateway_ref, row.payment_ref))}
    names |= {str(row.gateway_ref or "") for row in subscriptions}
    names |= {str(row.gateway_ref or "") for row in checkouts}
    return BillingStory(
        organization=organization,
        account=account,
        subscription=_present(subscriptions),
        subscriptions=subscriptions,
        access=explain_access(organization_id=organization_id),
        changes=list(
            SubscriptionChange.objects.filter(own).select_related("to_price__plan").order_by("-id")[:MOST]
        ),
        invoices=invoices,
        refunds=list(Refund.objects.filter(own).select_related("invoice").order_by("-id")[:MOST]),
        checkouts=checkouts,
        notices=list(DunningNotice.objects.filter(own).order_by("-id")[:MOST]),
        drifts=list(Drift.objects.filter(own).order_by("-id")[:MOST]),
        stuck=list(
            GatewayEvent.objects.filter(state__in=_STUCK, object_ref__in=names - {""}).order_by("-id")[:MOST]
        ),
        acts=list(list_events(actor, organization_id=organization_id, action="subscriptions.")[:MOST]),
        days=read_seat_days(organization_id=organization_id),
    )


def _present(subscriptions: list[Subscription]) -> Subscription | None:
    """Return the one in force, else the newest."""
    live = [row for row in subscriptions if row.status not in OVER]
    return next(iter(live or subscriptions), None)
