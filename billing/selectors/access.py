"""What a subscription lets people do, now and when that changes. The rules are here, and only here.

The instants that every request is held against stand with the organization (`read_only_from`, `closed_from`),
written when the subscription changes; so a stage begins by the clock, without a job.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from billing.enums import CLAIMABLE, OVER, AccessLevel, SubscriptionStatus
from billing.models import Subscription, SubscriptionInvoice
from billing.policies import BILLING_ACCESS, BILLING_MANAGE, require_in
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.policies import may
from tenants.models import Organization
from tenants.scope import OrganizationRef

BEHIND = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
_BEFORE_PAYMENT = (SubscriptionStatus.INCOMPLETE, SubscriptionStatus.EXPIRED)
_PAID = "paid"
_OPEN = "open"


@dataclass(frozen=True, slots=True)
class Access:
    """What people may do, and why.

    Attributes:
        level: now.
        since: from when, where that is known; None for full access.
        until: when less will be allowed unless somebody acts; None where no such moment is known.
        reason: the subscription's status; empty without one.
        what_to_do: words for acts that better it: `pay_invoice`, `update_payment_method`, `finish_payment`,
            `resume_subscription`, `subscribe`.
        pay_url: page of the gateway on which the open invoice is paid; empty without one.
        seats_kept_until: until when people keep the seats of a subscription that is over.
    """

    level: AccessLevel
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    what_to_do: tuple[str, ...] = field(default=())
    pay_url: str = ""
    seats_kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToldAccess:
    """The access as one actor is told of it.

    Attributes:
        message: one sentence; empty for full access.
        billing_page: path on the organization's host where it is settled; empty for those who cannot.
    """

    access: Access
    message: str
    billing_page: str


_TO_SETTLERS = {
    AccessLevel.FULL: "",
    AccessLevel.NO_NEW_SEATS: "No new seats can be given until what is open is settled.",
    AccessLevel.READ_ONLY: "Everybody can only read until what is open is settled.",
    AccessLevel.CLOSED: "The subscription is over. You can read, export and subscribe again.",
}
_TO_OTHERS = {
    AccessLevel.FULL: "",
    AccessLevel.NO_NEW_SEATS: "No new seats can be given for now.",
    AccessLevel.READ_ONLY: "Your organization can only be read for now. Nothing is lost.",
    AccessLevel.CLOSED: "Your organization is closed for now. Nothing is lost.",
}
_WHAT_TO_DO: dict[str, tuple[str, ...]] = {
    SubscriptionStatus.PAST_DUE: ("pay_invoice", "update_payment_method"),
    SubscriptionStatus.UNPAID: ("pay_invoice", "update_payment_method"),
    SubscriptionStatus.PAUSED: ("resume_subscription",),
    SubscriptionStatus.INCOMPLETE: ("finish_payment",),
    SubscriptionStatus.CANCELED: ("subscribe",),
    SubscriptionStatus.EXPIRED: ("subscribe",),
}


def no_new_seats_from(subscription: Subscription) -> datetime | None:
    """Return from when the subscription gives no new seats by the clock alone; None for never.

    One that fell behind gives them for DUNNING_NO_SEATS_AFTER days, one with an end until then.
    """
    moments = [subscription.ends_at]
    if subscription.status == SubscriptionStatus.PAST_DUE and subscription.past_due_since is not None:
        after = subscription.past_due_since + timedelta(days=settings.DUNNING_NO_SEATS_AFTER)
        moments += [after, subscription.grace_until]
    return min((moment for moment in moments if moment is not None), default=None)


def seats_open(subscription: Subscription, now: datetime) -> bool:
    """Tell whether new seats may be given under the subscription at the instant: the one rule for assigning,
    claiming, handing on, growing, imports and invitations."""
    if subscription.status == SubscriptionStatus.PAST_DUE:
        # Without the begin of its debt it is one that an operator looks after: closed, as ever.
        in_grace = subscription.gateway_ref is not None and subscription.past_due_since is not None
    else:
        in_grace = False
    if subscription.status not in CLAIMABLE and not in_grace:
        return False
    ends = no_new_seats_from(subscription)
    return ends is None or now < ends


def level_of(organization: OrganizationRef | Organization, now: datetime) -> AccessLevel:
    """Return what the organization's columns say, without a query: FULL, READ_ONLY or CLOSED."""
    if organization.closed_from is not None and organization.closed_from <= now:
        return AccessLevel.CLOSED
    if organization.read_only_from is not None and organization.read_only_from <= now:
        return AccessLevel.READ_ONLY
    return AccessLevel.FULL


def find_ruling_subscription(*, organization_id: uuid.UUID) -> Subscription | None:
    """Return the subscription that decides what people may do: the one in force, else the last that ever gave
    access; None without one. A first payment that never came through decides nothing."""
    return _ruling(_subscriptions(organization_id))


def explain_access(*, organization_id: uuid.UUID) -> Access:
    """Return what the people of the organization may do, why, and what betters it. Three statements."""
    organization = Organization.objects.only("read_only_from", "closed_from").get(id=organization_id)
    now = clock.now()
    level = level_of(organization, now)
    rows = _subscriptions(organization_id)
    ruling = _ruling(rows)
    if level is AccessLevel.CLOSED:
        return _closed(organization)
    if ruling is None or (ruling.gateway_ref is None and ruling.status in OVER):
        waiting = next((row for row in rows if row.status == SubscriptionStatus.INCOMPLETE), None)
        if waiting is None:
            return Access(level)
        return _explained(waiting, AccessLevel.NO_NEW_SEATS, since=waiting.starts_at, until=None)
    if level is AccessLevel.READ_ONLY:
        return _explained(ruling, level, since=organization.read_only_from, until=None)
    if not seats_open(ruling, now):
        since = no_new_seats_from(ruling) or ruling.past_due_since
        return _explained(ruling, AccessLevel.NO_NEW_SEATS, since=since, until=organization.read_only_from)
    until = no_new_seats_from(ruling) or ruling.cancels_at
    return _explained(ruling, AccessLevel.FULL, since=None, until=until)


def _subscriptions(organization_id: uuid.UUID) -> list[Subscription]:
    paid = SubscriptionInvoice.objects.filter(subscription=OuterRef("pk"), status=_PAID)
    rows = Subscription.objects.filter(organization_id=organization_id)
    return list(rows.annotate(was_paid=Exists(paid)).order_by("-id"))


def _ruling(rows: list[Subscription]) -> Subscription | None:
    known = [row for row in rows if row.status not in _BEFORE_PAYMENT]
    for row in known:
        if row.status not in OVER:
            return row
    for row in known:
        if row.gateway_ref is None or row.trial_ends_at is not None or getattr(row, "was_paid", False):
            return row
    return None


def _closed(organization: Organization) -> Access:
    ended = organization.closed_from
    return Access(
        AccessLevel.CLOSED,
        since=ended,
        reason=SubscriptionStatus.CANCELED.value,
        what_to_do=_WHAT_TO_DO[SubscriptionStatus.CANCELED],
        seats_kept_until=None if ended is None else ended + timedelta(days=settings.SEATS_KEPT_DAYS),
    )


def _explained(
    ruling: Subscription, level: AccessLevel, *, since: datetime | None, until: datetime | None
) -> Access:
    invoice = open_invoice(ruling) if ruling.status in BEHIND else None
    return Access(
        level,
        since=since,
        until=until,
        reason=str(ruling.status),
        what_to_do=_WHAT_TO_DO.get(ruling.status, ()),
        pay_url=invoice.hosted_url if invoice is not None else "",
    )


def tell_access(*, actor: Actor, organization_id: uuid.UUID) -> ToldAccess:
    """Return the access in the form the actor may know: those who can settle it hear why and how, everybody
    else what works.

    Raises:
        Unauthenticated, NotFound: see `require_in`.
    """
    require_in(actor, BILLING_ACCESS, organization_id)
    access = explain_access(organization_id=organization_id)
    if may(actor, BILLING_MANAGE):
        return ToldAccess(access, _TO_SETTLERS[access.level], settings.BILLING_PAGE)
    return ToldAccess(Access(access.level), _TO_OTHERS[access.level], "")


def open_invoice(subscription: Subscription) -> SubscriptionInvoice | None:
    """Return the subscription's oldest invoice that waits for its payment; None without one."""
    rows = SubscriptionInvoice.objects.filter(
        organization_id=subscription.organization_id, subscription=subscription, status=_OPEN, due_minor__gt=0
    )
    return rows.order_by("issued_at", "id").first()
