"""What is sold, for those who look after an organization's subscription."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.prices import PriceFilter, SoldPlanOut
from api.core.viewsets import DomainViewSet
from billing.selectors.prices import read_prices_for
from tenants.context import current_organization


class PricesViewSet(DomainViewSet):
    """Plans and what a seat costs. There are few: no pages."""

    policies: ClassVar[dict[str, str]] = {"list": "billing.view"}
    pagination_class = None  # type: ignore[assignment]  # a list without pages

    @extend_schema(parameters=[PriceFilter], responses={200: SoldPlanOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the plans that can be bought, with their prices."""
        currency = self.parsed_query(PriceFilter).get("currency")
        found = read_prices_for(
            actor=self.actor,
            organization_id=current_organization().id,
            currency=currency.lower() if currency else None,
        )
        return self.answer(SoldPlanOut, found, many=True)
