"""An organization's whole billing, and refunds of its invoices, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.subscriptions.serializers_billing import BillingStoryOut, RefundIn, RefundOut
from billing.selectors.refunds import get_refund, list_refunds
from billing.selectors.story import read_billing_story
from billing.services.operators.refunds import RefundWish, refund_invoice


class OrganizationBillingViewSet(DomainViewSet):
    """What there is to know of an organization's billing."""

    policies: ClassVar[dict[str, str]] = {"show": "subscriptions.view"}

    @extend_schema(
        operation_id="organizations_billing", tags=["subscriptions"], responses={200: BillingStoryOut}
    )
    def show(self, request: Request, pk: uuid.UUID) -> Response:
        """Read an organization's whole billing: account, access, subscriptions, money, seats by the day."""
        return self.answer(BillingStoryOut, read_billing_story(actor=self.actor, organization_id=pk))


class InvoiceRefundViewSet(DomainViewSet):
    """What was given back of an invoice."""

    policies: ClassVar[dict[str, str]] = {"list": "subscriptions.view", "create": "subscriptions.manage"}

    @extend_schema(
        operation_id="invoice_refunds_list", tags=["subscriptions"], responses={200: RefundOut(many=True)}
    )
    def list(self, request: Request, invoice_id: uuid.UUID) -> Response:
        """List what was given back of an invoice, newest first."""
        return self.page(RefundOut, list_refunds(actor=self.actor, invoice_id=invoice_id))

    @extend_schema(
        operation_id="invoice_refunds_create",
        tags=["subscriptions"],
        request=RefundIn,
        responses={201: RefundOut},
    )
    def create(self, request: Request, invoice_id: uuid.UUID) -> Response:
        """Give back what was paid on an invoice, or a part of it.

        The sum of refunds never exceeds what was paid, and one refund is made at a time. Where the gateway
        does not answer in time the refund is `requested` and is made later, once.
        """
        wanted = self.parsed(RefundIn)
        amount = wanted["amount"] or {}
        currency = amount.get("currency")
        wish = RefundWish(
            reason=wanted["reason"],
            amount_minor=amount.get("amount_minor"),
            currency=currency.lower() if currency else None,
        )
        refund = refund_invoice(actor=self.actor, invoice_id=invoice_id, wish=wish)
        return self.answer(
            RefundOut, refund, status=201, headers={"Location": f"/api/v1/refunds/{refund.id}"}
        )


class RefundViewSet(DomainViewSet):
    """Money given back."""

    policies: ClassVar[dict[str, str]] = {"retrieve": "subscriptions.view"}

    @extend_schema(operation_id="refunds_retrieve", tags=["subscriptions"], responses={200: RefundOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one refund."""
        return self.answer(RefundOut, get_refund(actor=self.actor, refund_id=pk))
