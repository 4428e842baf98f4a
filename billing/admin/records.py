"""Console lists of invoices, refunds, checkout pages and changes; giving money back."""

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.admin.wording import (
    CHANGE_TONES,
    INVOICE_TONES,
    REFUND_TONES,
    minor_of,
    money,
)
from billing.models import Checkout, Refund, SubscriptionChange, SubscriptionInvoice
from billing.operator_errors import RefundOutOfRange
from billing.services.operators.refunds import RefundWish, left_to_refund, refund_invoice
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm

BY_ORGANIZATION = ("organization__name", "organization__slug")


class RefundForm(ConsoleForm):
    """What to give back, and why."""

    amount = forms.DecimalField(
        required=False,
        max_digits=14,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="In the invoice's currency, as 12.50. Left empty: all that is left.",
    )
    reason = forms.CharField(max_length=300, help_text="Stands in the list of refunds and in the audit log.")


@admin.register(SubscriptionInvoice)
class SubscriptionInvoiceAdmin(ConsoleAdmin):
    """Invoices as the gateway made them."""

    list_display = (
        "show_number",
        "organization",
        "show_status",
        "show_total",
        "show_paid",
        "show_refunded",
        "issued_at",
        "paid_at",
    )
    list_select_related = ("organization",)
    list_filter = ("status", "currency", "reason")
    search_fields = ("=number", "=gateway_ref", "=payment_ref", *BY_ORGANIZATION)
    ordering = ("-issued_at", "-id")
    actions_detail = ("refund", "story")

    @display(description="Invoice", ordering="number")
    def show_number(self, invoice: SubscriptionInvoice) -> str:
        """Return number, or the gateway's name of one that has none yet."""
        return str(invoice)

    @display(description="Status", ordering="status", label=INVOICE_TONES)
    def show_status(self, invoice: SubscriptionInvoice) -> str:
        """Return the gateway's status."""
        return invoice.status

    @display(description="Total", ordering="total_minor")
    def show_total(self, invoice: SubscriptionInvoice) -> str:
        """Return the total with tax."""
        return money(invoice.total_minor, invoice.currency)

    @display(description="Paid", ordering="paid_minor")
    def show_paid(self, invoice: SubscriptionInvoice) -> str:
        """Return what was paid."""
        return money(invoice.paid_minor, invoice.currency)

    @display(description="Given back", ordering="refunded_minor")
    def show_refunded(self, invoice: SubscriptionInvoice) -> str:
        """Return what was given back."""
        return money(invoice.refunded_minor, invoice.currency) if invoice.refunded_minor else "-"

    @action(description="Refund", url_path="refund")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how much and why, then give it back.

        What is left stands in the address: a form that is sent twice, or after somebody else's, is refused.
        """
        invoice = SubscriptionInvoice.objects.select_related("organization").filter(id=object_id).first()
        if invoice is None:
            return HttpResponseRedirect(reverse("admin:billing_subscriptioninvoice_changelist"))
        left, seen = left_to_refund(invoice), request.GET.get("left", "")
        if not seen.isdecimal() or len(seen) > 18:
            return HttpResponseRedirect(f"{request.path}?left={left}")

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            amount = _amount(values["amount"], invoice, left)
            wish = RefundWish(reason=values["reason"], amount_minor=amount, left_minor=int(seen))
            return _said(refund_invoice(actor=actor, invoice_id=invoice.id, wish=wish))

        warning = (
            f"Money that was given back cannot be taken again. {money(invoice.paid_minor, invoice.currency)}"
            f" was paid on {invoice}; {money(left, invoice.currency)} can be given back."
        )
        back = reverse("admin:billing_organization", args=(invoice.organization_id,))
        return self.run_act(
            request,
            Act(
                f"Refund {invoice}",
                RefundForm,
                perform,
                back,
                warning=warning,
                about=invoice.organization.name,
            ),
        )

    @action(description="Billing of the organization", url_path="story")
    def story(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the organization's billing page."""
        return _to_story(SubscriptionInvoice.objects.filter(id=object_id))


@admin.register(Refund)
class RefundAdmin(ConsoleAdmin):
    """Money given back."""

    list_display = ("show_amount", "invoice", "organization", "show_state", "problem", "note", "created_at")
    list_select_related = ("organization", "invoice")
    list_filter = ("state", "currency")
    search_fields = ("=gateway_ref", "=invoice__number", "note", *BY_ORGANIZATION)
    ordering = ("-id",)
    actions_detail = ("story",)

    @display(description="Amount", ordering="amount_minor")
    def show_amount(self, refund: Refund) -> str:
        """Return the sum."""
        return money(refund.amount_minor, refund.currency)

    @display(description="State", ordering="state", label=REFUND_TONES)
    def show_state(self, refund: Refund) -> tuple[str, str]:
        """Return the state in words."""
        return refund.state, refund.get_state_display()

    @action(description="Billing of the organization", url_path="story")
    def story(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the organization's billing page."""
        return _to_story(Refund.objects.filter(id=object_id))


@admin.register(Checkout)
class CheckoutAdmin(ConsoleAdmin):
    """Pages on which somebody subscribes."""

    list_display = (
        "show_whose",
        "show_what",
        "seats",
        "trial_days",
        "show_state",
        "created_at",
        "expires_at",
    )
    list_select_related = ("organization", "price__plan")
    list_filter = ("state",)
    search_fields = ("=gateway_ref", "=customer_ref", "=subscription_ref", "=sign_up_id", *BY_ORGANIZATION)
    ordering = ("-id",)

    @display(description="For")
    def show_whose(self, checkout: Checkout) -> str:
        """Return the organization, or that it is to be one."""
        return str(checkout.organization) if checkout.organization_id else "a sign-up"

    @display(description="Plan")
    def show_what(self, checkout: Checkout) -> str:
        """Return plan and price."""
        price = checkout.price
        return f"{price.plan.name}, {money(price.unit_minor, price.currency)} by the {price.interval}"

    @display(
        description="State",
        ordering="state",
        label={"complete": "success", "open": "info", "starting": "info", "expired": "default"},
    )
    def show_state(self, checkout: Checkout) -> str:
        """Return the state."""
        return checkout.state


@admin.register(SubscriptionChange)
class SubscriptionChangeAdmin(ConsoleAdmin):
    """What was asked of subscriptions at the gateway."""

    list_display = (
        "kind",
        "organization",
        "from_seats",
        "to_seats",
        "to_price",
        "show_state",
        "problem",
        "created_at",
    )
    list_select_related = ("organization", "to_price")
    list_filter = ("state", "kind")
    search_fields = ("=subscription__gateway_ref", "comment", "problem", *BY_ORGANIZATION)
    ordering = ("-id",)
    actions_detail = ("story",)

    @display(description="State", ordering="state", label=CHANGE_TONES)
    def show_state(self, change: SubscriptionChange) -> tuple[str, str]:
        """Return the state in words."""
        return change.state, change.get_state_display()

    @action(description="Billing of the organization", url_path="story")
    def story(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the organization's billing page."""
        return _to_story(SubscriptionChange.objects.filter(id=object_id))


def _amount(asked: Decimal | None, invoice: SubscriptionInvoice, left: int) -> int | None:
    """Return the sum in minor units; None for all that is left.

    Raises:
        RefundOutOfRange: the currency has no such sum.
    """
    if asked is None:
        return None
    minor = minor_of(asked, invoice.currency)
    if minor is None:
        raise RefundOutOfRange(field="amount", left_minor=left, currency=invoice.currency.upper())
    return minor


def _said(refund: Refund) -> str:
    sum_ = money(refund.amount_minor, refund.currency)
    words = {
        "succeeded": f"{sum_} is given back.",
        "pending": f"{sum_} is on its way to the payer.",
        "requested": f"{sum_} will be given back as soon as the payment service answers.",
    }
    return words.get(
        refund.state, f"{sum_} was not given back: {refund.problem.replace('_', ' ')}. Nothing was paid."
    )


def _to_story(rows: Any) -> HttpResponse:
    identifier: uuid.UUID | None = rows.values_list("organization_id", flat=True).first()
    if identifier is None:
        return HttpResponseRedirect(reverse("admin:billing_subscription_changelist"))
    return HttpResponseRedirect(reverse("admin:billing_organization", args=(identifier,)))
