"""The plan catalogue, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.plans.serializers import PlanChanges, PlanFilter, PlanIn, PlanOut, PlanPriceIn, PlanPriceOut
from billing.selectors.prices import list_prices
from billing.selectors.subscriptions import get_plan, list_plans
from billing.services.catalogue.plans import PlanDraft, archive_plan, create_plan, update_plan
from billing.services.catalogue.prices import archive_price, create_price


class PlanViewSet(DomainViewSet):
    """What organizations can subscribe to."""

    policies: ClassVar[dict[str, str]] = {
        "list": "plans.view",
        "retrieve": "plans.view",
        "create": "plans.manage",
        "partial_update": "plans.manage",
        "archive": "plans.manage",
    }

    @extend_schema(parameters=[PlanFilter], responses={200: PlanOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the plans, archived ones too unless asked otherwise."""
        wanted = self.parsed_query(PlanFilter)
        return self.page(PlanOut, list_plans(actor=self.actor, is_active=wanted["is_active"]))

    @extend_schema(responses={200: PlanOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one plan."""
        return self.answer(PlanOut, get_plan(actor=self.actor, plan_id=pk))

    @extend_schema(request=PlanIn, responses={201: PlanOut})
    def create(self, request: Request) -> Response:
        """Add a plan."""
        plan = create_plan(actor=self.actor, draft=PlanDraft(**self.parsed(PlanIn)))
        return self.answer(PlanOut, plan, status=201, headers={"Location": f"/api/v1/plans/{plan.id}"})

    @extend_schema(request=PlanChanges, responses={200: PlanOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what a plan says; live subscriptions keep their seats."""
        changes = self.parsed(PlanChanges, partial=True)
        return self.answer(PlanOut, update_plan(actor=self.actor, plan_id=pk, changes=changes))

    @extend_schema(request=None, responses={200: PlanOut})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: uuid.UUID) -> Response:
        """Stop offering a plan."""
        return self.answer(PlanOut, archive_plan(actor=self.actor, plan_id=pk))


class PlanPriceViewSet(DomainViewSet):
    """What a plan's seats cost. A price never changes: archive it and make another."""

    policies: ClassVar[dict[str, str]] = {
        "list": "plans.view",
        "create": "plans.manage",
        "archive": "plans.manage",
    }

    @extend_schema(responses={200: PlanPriceOut(many=True)})
    def list(self, request: Request, plan_id: uuid.UUID) -> Response:
        """List a plan's prices, archived ones too."""
        return self.page(PlanPriceOut, list_prices(actor=self.actor, plan_id=plan_id))

    @extend_schema(request=PlanPriceIn, responses={201: PlanPriceOut})
    def create(self, request: Request, plan_id: uuid.UUID) -> Response:
        """Sell a plan at a price. It can be bought within moments, when the gateway has it."""
        wanted = self.parsed(PlanPriceIn)
        wanted["currency"] = wanted["currency"].lower()
        price = create_price(actor=self.actor, plan_id=plan_id, **wanted)
        return self.answer(
            PlanPriceOut, price, status=201, headers={"Location": f"/api/v1/plans/{plan_id}/prices"}
        )

    @extend_schema(request=None, responses={200: PlanPriceOut})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, plan_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Sell at a price no more; who bought at it keeps it."""
        return self.answer(PlanPriceOut, archive_price(actor=self.actor, plan_id=plan_id, price_id=pk))
