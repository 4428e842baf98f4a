"""What is sold, for those who have not signed up yet."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.prices import PriceFilter, SoldPlanOut
from api.core.viewsets import DomainViewSet
from billing.selectors.prices import read_price_list

# Long enough to spare the database a launch day, short enough for a price that was archived.
_FRESH_SECONDS = 60


@extend_schema(tags=["plans"])
class PublicPricesViewSet(DomainViewSet):
    """The price list, without sign-in."""

    policies: ClassVar[dict[str, str]] = {"list": "prices.view"}
    pagination_class = None  # type: ignore[assignment]  # a list without pages

    @extend_schema(parameters=[PriceFilter], responses={200: SoldPlanOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the plans that can be bought, with their prices. Caches may keep the answer for a minute."""
        currency = self.parsed_query(PriceFilter).get("currency")
        found = read_price_list(currency=currency.lower() if currency else None)
        caching = {"Cache-Control": f"public, max-age={_FRESH_SECONDS}"}
        return self.answer(SoldPlanOut, found, many=True, headers=caching)
