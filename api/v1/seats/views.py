"""Seats of the organization whose host is asked."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.seats.serializers import (
    AssignedSeatsOut,
    AssignSeatsIn,
    ReassignSeatIn,
    RevokeSeatIn,
    SeatFilter,
    SeatOut,
    SeatSummaryOut,
)
from billing.enums import SeatState
from billing.selectors.seats import get_seat_summary, list_holdings
from billing.services.seats import assign_seats, claim_seat, reassign_seat, revoke_seat
from tenants.context import current_organization


class SeatViewSet(DomainViewSet):
    """Who holds which seat, and giving, taking and handing on seats."""

    policies: ClassVar[dict[str, str]] = {
        "list": "seats.view",
        "summary": "seats.view",
        "assign": "seats.manage",
        "claim": "seats.claim",
        "revoke": "seats.manage",
        "reassign": "seats.manage",
    }

    @extend_schema(parameters=[SeatFilter], responses={200: SeatOut(many=True)})
    def list(self, request: Request) -> Response:
        """List holdings, ended ones too, newest first."""
        wanted = self.parsed_query(SeatFilter)
        rows = list_holdings(
            organization_id=current_organization().id,
            state=SeatState(wanted["state"]) if "state" in wanted else None,
            membership_id=wanted.get("member_id"),
            held_at=wanted.get("held_at"),
        )
        return self.page(SeatOut, rows)

    @extend_schema(responses={200: SeatSummaryOut})
    @action(detail=False, methods=["get"])
    def summary(self, request: Request) -> Response:
        """Count the seats."""
        return self.answer(SeatSummaryOut, get_seat_summary(organization_id=current_organization().id))

    @extend_schema(request=AssignSeatsIn, responses={200: AssignedSeatsOut})
    @action(detail=False, methods=["post"])
    def assign(self, request: Request) -> Response:
        """Give each member a seat, or nobody one when too few are free."""
        wanted = self.parsed(AssignSeatsIn)
        organization_id = current_organization().id
        seats = assign_seats(
            actor=self.actor, organization_id=organization_id, membership_ids=wanted["member_ids"]
        )
        by_id = {
            seat.id: seat
            for seat in list_holdings(organization_id=organization_id).filter(
                id__in=[seat.id for seat in seats]
            )
        }
        return self.answer(AssignedSeatsOut, {"results": [by_id[seat.id] for seat in seats]})

    @extend_schema(request=None, responses={200: SeatOut})
    @action(detail=False, methods=["post"])
    def claim(self, request: Request) -> Response:
        """Take a free seat for oneself; who holds one gets it answered."""
        seat = claim_seat(actor=self.actor, organization_id=current_organization().id)
        return self.answer(SeatOut, seat)

    @extend_schema(request=RevokeSeatIn, responses={200: SeatOut})
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: uuid.UUID) -> Response:
        """End a holding; the history keeps it."""
        wanted = self.parsed(RevokeSeatIn)
        seat = revoke_seat(
            actor=self.actor, organization_id=current_organization().id, seat_id=pk, reason=wanted["reason"]
        )
        return self.answer(SeatOut, seat)

    @extend_schema(request=ReassignSeatIn, responses={200: SeatOut})
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: uuid.UUID) -> Response:
        """Hand a seat on to another member; works when every seat is taken."""
        wanted = self.parsed(ReassignSeatIn)
        seat = reassign_seat(
            actor=self.actor,
            organization_id=current_organization().id,
            seat_id=pk,
            to_membership_id=wanted["member_id"],
        )
        return self.answer(SeatOut, seat)
