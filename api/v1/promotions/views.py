"""Promotion codes, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.promotions.serializers import PromotionFilter, PromotionIn, PromotionOut
from billing.selectors.promotions import get_promotion, list_promotions
from billing.services.catalogue.promotions import PromotionDraft, archive_promotion, create_promotion


@extend_schema(tags=["plans"])
class PromotionViewSet(DomainViewSet):
    """Codes that lower a price."""

    policies: ClassVar[dict[str, str]] = {
        "list": "plans.view",
        "retrieve": "plans.view",
        "create": "plans.manage",
        "archive": "plans.manage",
    }

    @extend_schema(parameters=[PromotionFilter], responses={200: PromotionOut(many=True)})
    def list(self, request: Request) -> Response:
        """List promotion codes, archived ones too unless asked otherwise."""
        wanted = self.parsed_query(PromotionFilter)
        return self.page(PromotionOut, list_promotions(actor=self.actor, is_active=wanted["is_active"]))

    @extend_schema(responses={200: PromotionOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one promotion code."""
        return self.answer(PromotionOut, get_promotion(actor=self.actor, promotion_id=pk))

    @extend_schema(request=PromotionIn, responses={201: PromotionOut})
    def create(self, request: Request) -> Response:
        """Add a promotion code. It works within moments, when the gateway has it."""
        wanted = self.parsed(PromotionIn)
        amount, plan = wanted.pop("amount", None) or {}, wanted.pop("plan", None)
        draft = PromotionDraft(
            plan_id=plan,
            amount_minor=amount.get("amount_minor"),
            currency=amount.get("currency", "").lower(),
            **wanted,
        )
        made = create_promotion(actor=self.actor, draft=draft)
        return self.answer(
            PromotionOut, made, status=201, headers={"Location": f"/api/v1/promotions/{made.id}"}
        )

    @extend_schema(request=None, responses={200: PromotionOut})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: uuid.UUID) -> Response:
        """Take a code no more; who has it keeps it."""
        return self.answer(PromotionOut, archive_promotion(actor=self.actor, promotion_id=pk))
