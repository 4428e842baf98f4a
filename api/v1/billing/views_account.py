"""The organization as a customer: what its invoices say, and its pages at the payment gateway."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_account import AccountChanges, AccountOut, PortalIn, PortalOut, TaxIdIn
from billing.selectors.purchases import read_account, view_account
from billing.services.customers.accounts import add_tax_id, remove_tax_id, update_account
from billing.services.customers.portal import open_portal
from tenants.context import current_organization


class AccountViewSet(DomainViewSet):
    """Name, address and tax ids on invoices."""

    policies: ClassVar[dict[str, str]] = {"show": "billing.view", "change": "billing.manage"}

    @extend_schema(responses={200: AccountOut})
    def show(self, request: Request) -> Response:
        """Read what invoices say of the organization; before the first purchase, what they would say."""
        found = read_account(actor=self.actor, organization_id=current_organization().id)
        return self.answer(AccountOut, found)

    @extend_schema(request=AccountChanges, responses={200: AccountOut})
    def change(self, request: Request) -> Response:
        """Change what invoices say from now on."""
        account = update_account(
            actor=self.actor,
            organization_id=current_organization().id,
            changes=self.parsed(AccountChanges, partial=True),
        )
        return self.answer(AccountOut, view_account(account))


class TaxIdsViewSet(DomainViewSet):
    """Tax ids on invoices."""

    policies: ClassVar[dict[str, str]] = {"create": "billing.manage", "destroy": "billing.manage"}

    @extend_schema(request=TaxIdIn, responses={201: AccountOut})
    def create(self, request: Request) -> Response:
        """Add a tax id; the answer is the account with all of them."""
        wanted = self.parsed(TaxIdIn)
        account = add_tax_id(
            actor=self.actor,
            organization_id=current_organization().id,
            kind=wanted["type"],
            value=wanted["value"],
        )
        return self.answer(
            AccountOut, view_account(account), status=201, headers={"Location": "/api/v1/billing/account"}
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Remove a tax id from invoices to come."""
        remove_tax_id(actor=self.actor, organization_id=current_organization().id, tax_id=pk)
        return Response(status=204)


class PortalSessionsViewSet(DomainViewSet):
    """The payment gateway's own pages for the organization: cards, invoices, the end of a subscription."""

    policies: ClassVar[dict[str, str]] = {"create": "billing.manage"}
    # The address opens the pages for whoever has it.
    remembers_answers = False

    @extend_schema(request=PortalIn, responses={201: PortalOut})
    def create(self, request: Request) -> Response:
        """Open the organization's pages at the payment gateway."""
        url = open_portal(
            actor=self.actor, organization_id=current_organization().id, **self.parsed(PortalIn)
        )
        return self.answer(PortalOut, {"url": url}, status=201, headers={"Location": url})
