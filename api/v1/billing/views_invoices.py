"""Invoices of an organization's subscription."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_invoices import InvoiceDetailOut, InvoiceFilter, InvoiceOut
from billing.selectors.purchases import get_invoice, list_invoices
from billing.services.customers.invoices import pay_invoice
from tenants.context import current_organization


class InvoicesViewSet(DomainViewSet):
    """What was invoiced, what is owed, and the documents."""

    policies: ClassVar[dict[str, str]] = {
        "list": "billing.view",
        "retrieve": "billing.view",
        "pay": "billing.manage",
    }

    @extend_schema(parameters=[InvoiceFilter], responses={200: InvoiceOut(many=True)})
    def list(self, request: Request) -> Response:
        """List invoices, newest first."""
        rows = list_invoices(
            actor=self.actor,
            organization_id=current_organization().id,
            status=self.parsed_query(InvoiceFilter).get("status"),
        )
        return self.page(InvoiceOut, rows, ordering=("-issued_at", "-id"))

    @extend_schema(responses={200: InvoiceDetailOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one invoice with its lines."""
        found = get_invoice(actor=self.actor, organization_id=current_organization().id, invoice_id=pk)
        return self.answer(InvoiceDetailOut, found)

    @refuses(402)
    @extend_schema(request=None, responses={200: InvoiceDetailOut})
    @action(detail=True, methods=["post"])
    def pay(self, request: Request, pk: uuid.UUID) -> Response:
        """Charge what is open to the payment method on file. A paid invoice is answered as it is."""
        paid = pay_invoice(actor=self.actor, organization_id=current_organization().id, invoice_id=pk)
        return self.answer(InvoiceDetailOut, paid)
