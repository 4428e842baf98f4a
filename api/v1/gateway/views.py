"""The payment gateway's messages and what differs there, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.gateway.serializers import DriftFilter, DriftOut, EventFilter, GatewayEventOut, InboxOut
from billing.selectors.gateway import (
    get_gateway_event,
    get_inbox_figures,
    list_drifts,
    list_gateway_events,
)
from billing.services.gateway.inbox_acts import run_event
from billing.services.gateway.signatures import count_refused_signatures


class GatewayEventViewSet(DomainViewSet):
    """What the payment gateway told, and what became of it."""

    policies: ClassVar[dict[str, str]] = {
        "list": "gateway.view",
        "retrieve": "gateway.view",
        "summary": "gateway.view",
        "run": "gateway.manage",
    }

    @extend_schema(parameters=[EventFilter], responses={200: GatewayEventOut(many=True)})
    def list(self, request: Request) -> Response:
        """List messages, newest first."""
        wanted = self.parsed_query(EventFilter)
        rows = list_gateway_events(
            actor=self.actor,
            organization_id=wanted.get("organization_id"),
            state=wanted.get("state"),
            kind=wanted.get("kind"),
        )
        return self.page(GatewayEventOut, rows)

    @extend_schema(responses={200: GatewayEventOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one message."""
        return self.answer(GatewayEventOut, get_gateway_event(actor=self.actor, event_id=pk))

    @extend_schema(responses={200: InboxOut})
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        """Read how the inbox stands: counts, the oldest waiting message, refused signatures."""
        figures = get_inbox_figures(actor=self.actor)
        today, week = count_refused_signatures()
        found = {
            "states": figures.by_state,
            "oldest_waiting_at": figures.oldest_waiting_at,
            "refused_signatures_today": today,
            "refused_signatures_week": week,
            "open_drifts": figures.open_drifts,
        }
        return self.answer(InboxOut, found)

    @extend_schema(request=None, responses={200: GatewayEventOut})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: uuid.UUID) -> Response:
        """Work a parked or failed message off again, after what stopped it was put right."""
        return self.answer(GatewayEventOut, run_event(actor=self.actor, event_id=pk))


class DriftViewSet(DomainViewSet):
    """What differs between us and the payment gateway."""

    policies: ClassVar[dict[str, str]] = {"list": "gateway.view"}

    @extend_schema(parameters=[DriftFilter], responses={200: DriftOut(many=True)})
    def list(self, request: Request) -> Response:
        """List differences, newest first."""
        wanted = self.parsed_query(DriftFilter)
        rows = list_drifts(
            actor=self.actor,
            organization_id=wanted.get("organization_id"),
            is_open=wanted["open"],
            fact=wanted.get("fact"),
        )
        return self.page(DriftOut, rows)
