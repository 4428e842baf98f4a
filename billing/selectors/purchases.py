"""What an organization buys and owes: its pages, its account, its subscription and its invoices. Every read
demands the organization."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from billing.enums import OVER
from billing.models import BillingAccount, Checkout, Subscription, SubscriptionInvoice
from billing.policies import BILLING_VIEW, require_in
from billing.selectors.access import Access, explain_access
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenants.models import Organization


@dataclass(frozen=True, slots=True)
class AccountView:
    """The organization as a customer, or as the one it will be.

    Attributes:
        currency: upper case; empty before the first purchase.
        credit_minor: what lowers the next invoices.
        tax_ids: `id`, `ref` (its id at the gateway), `kind`, `value` and `verification` of each.
    """

    name: str
    email: str
    address: dict[str, str] = field(default_factory=dict)
    tax_ids: tuple[dict[str, Any], ...] = ()
    currency: str = ""
    credit_minor: int = 0
    has_payment_method: bool = False
    trial_used: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """Where an organization's subscription stands.

    Attributes:
        subscription: the one in force, else the last; with plan and price. None when there never was one.
        owed: open invoices, the oldest first.
        access: what people may do now, and what betters it.
    """

    subscription: Subscription | None
    owed: tuple[SubscriptionInvoice, ...]
    access: Access


def get_checkout(*, actor: Actor, organization_id: uuid.UUID, checkout_id: uuid.UUID) -> Checkout:
    """Return one page.

    Raises:
        NotFound: the organization has none of this id.
    """
    require_in(actor, BILLING_VIEW, organization_id)
    found = (
        Checkout.objects.filter(organization_id=organization_id, id=checkout_id)
        .select_related("price__plan")
        .first()
    )
    if found is None:
        raise NotFound(checkout=str(checkout_id))
    return found


def read_account(*, actor: Actor, organization_id: uuid.UUID) -> AccountView:
    """Return what invoices say of the organization; before its first purchase what they would say."""
    require_in(actor, BILLING_VIEW, organization_id)
    found = BillingAccount.objects.filter(organization_id=organization_id).first()
    if found is None:
        organization = Organization.objects.get(id=organization_id)
        return AccountView(organization.name, organization.owner_email)
    return view_account(found)


def view_account(account: BillingAccount) -> AccountView:
    """Return the account as people see it."""
    return AccountView(
        name=account.name,
        email=account.email,
        address=account.address,
        tax_ids=tuple(account.tax_ids),
        currency=account.currency.upper(),
        credit_minor=account.credit_minor,
        has_payment_method=account.has_payment_method,
        trial_used=account.trial_used_at is not None,
    )


def read_overview(*, actor: Actor, organization_id: uuid.UUID) -> Overview:
    """Return where the subscription stands, and what is owed."""
    require_in(actor, BILLING_VIEW, organization_id)
    rows = Subscription.objects.filter(organization_id=organization_id).select_related("plan", "price")
    in_force = rows.exclude(status__in=OVER).first()
    owed = SubscriptionInvoice.objects.filter(
        organization_id=organization_id, status="open", due_minor__gt=0
    ).order_by("issued_at", "id")
    return Overview(
        subscription=in_force or rows.order_by("-id").first(),
        owed=tuple(owed),
        access=explain_access(organization_id=organization_id),
    )


def list_invoices(
    *, actor: Actor, organization_id: uuid.UUID, status: str | None = None
) -> QuerySet[SubscriptionInvoice]:
    """Return the organization's invoices."""
    require_in(actor, BILLING_VIEW, organization_id)
    rows = SubscriptionInvoice.objects.filter(organization_id=organization_id)
    return rows if status is None else rows.filter(status=status)


def get_invoice(*, actor: Actor, organization_id: uuid.UUID, invoice_id: uuid.UUID) -> SubscriptionInvoice:
    """Return one invoice.

    Raises:
        NotFound: the organization has none of this id.
    """
    found = list_invoices(actor=actor, organization_id=organization_id).filter(id=invoice_id).first()
    if found is None:
        raise NotFound(invoice=str(invoice_id))
    return found
