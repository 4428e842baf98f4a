"""Pages on which an organization subscribes."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_checkouts import CheckoutIn, CheckoutOut
from billing.selectors.purchases import get_checkout
from billing.services.customers.checkouts import start_checkout
from tenants.context import current_organization


class CheckoutsViewSet(DomainViewSet):
    """Subscribe on the payment gateway's own page; no card ever comes here."""

    policies: ClassVar[dict[str, str]] = {"create": "billing.manage", "retrieve": "billing.view"}

    @extend_schema(request=CheckoutIn, responses={201: CheckoutOut})
    def create(self, request: Request) -> Response:
        """Open a page on which to subscribe. The same wish again gives the page that is open; another wish
        closes it first."""
        wanted = self.parsed(CheckoutIn)
        plan, currency = wanted.pop("plan"), wanted.pop("currency").lower()
        page = start_checkout(
            actor=self.actor,
            organization_id=current_organization().id,
            plan_code=plan,
            currency=currency,
            **wanted,
        )
        return self.answer(
            CheckoutOut, page, status=201, headers={"Location": f"/api/v1/billing/checkouts/{page.id}"}
        )

    @extend_schema(responses={200: CheckoutOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read how a page stands."""
        found = get_checkout(actor=self.actor, organization_id=current_organization().id, checkout_id=pk)
        return self.answer(CheckoutOut, found)
