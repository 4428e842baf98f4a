"""Seats of the organization whose host is asked."""

import uuid
from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.seats.history import history_lines
from api.v1.seats.serializers import (
    AssignedSeatsOut,
    AssignManyIn,
    AssignSeatsIn,
    BulkOutcomeOut,
    ReassignSeatIn,
    RevokeManyIn,
    RevokeSeatIn,
    SeatFilter,
    SeatOut,
    SeatSummaryOut,
)
from billing.enums import SeatState
from billing.selectors.seats import get_seat_summary, list_holdings
from billing.services.seats.bulk import BulkOutcome, revoke_many
from billing.services.seats.growth import assign_or_grow, assign_seats_or_grow
from billing.services.seats.seats import claim_seat, reassign_seat, revoke_seat
from tenants.context import current_organization


class SeatViewSet(DomainViewSet):
    """Who holds which seat, and giving, taking and handing on seats."""

    policies: ClassVar[dict[str, str]] = {
        "list": "seats.view",
        "summary": "seats.view",
        "assign": "seats.manage",
        "bulk_assign": "seats.manage",
        "bulk_revoke": "seats.manage",
        "history": "seats.view",
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

    @extend_schema(request=AssignSeatsIn, responses={200: AssignedSeatsOut, 202: BulkOutcomeOut})
    @action(detail=False, methods=["post"])
    @refuses(402)
    def assign(self, request: Request) -> Response:
        """Give each member a seat, or nobody one when too few are free.

        Where the plan and the organization have it so, missing ones are bought: 202 while that is on its way.
        """
        wanted = self.parsed(AssignSeatsIn)
        organization_id = current_organization().id
        seats = assign_seats_or_grow(
            actor=self.actor, organization_id=organization_id, membership_ids=wanted["member_ids"]
        )
        if isinstance(seats, BulkOutcome):
            return self.answer(BulkOutcomeOut, seats, status=_status_of(seats))
        by_id = {
            seat.id: seat
            for seat in list_holdings(organization_id=organization_id).filter(
                id__in=[seat.id for seat in seats]
            )
        }
        return self.answer(AssignedSeatsOut, {"results": [by_id[seat.id] for seat in seats]})

    @extend_schema(request=AssignManyIn, responses={200: BulkOutcomeOut, 202: BulkOutcomeOut})
    @action(detail=False, methods=["post"], url_path="bulk-assign")
    @refuses(402)
    def bulk_assign(self, request: Request) -> Response:
        """Give up to 5,000 members a seat, or nobody one when too few are free.

        Where the plan and the organization have it so, missing ones are bought: `dry_run` shows for how much.
        202 while the purchase is on its way; the seats are given once it is made. It can be undone for a day.
        """
        wanted = self.parsed(AssignManyIn)
        outcome = assign_or_grow(
            actor=self.actor,
            organization_id=current_organization().id,
            membership_ids=wanted.get("member_ids"),
            reason=wanted["reason"],
            dry_run=wanted["dry_run"],
        )
        return self.answer(BulkOutcomeOut, outcome, status=_status_of(outcome))

    @extend_schema(request=RevokeManyIn, responses={200: BulkOutcomeOut})
    @action(detail=False, methods=["post"], url_path="bulk-revoke")
    def bulk_revoke(self, request: Request) -> Response:
        """Take the seats of up to 5,000 members, as far as the plan lets them move.

        Members left out are named with the reason. It can be undone for a day.
        """
        wanted = self.parsed(RevokeManyIn)
        outcome = revoke_many(
            actor=self.actor,
            organization_id=current_organization().id,
            membership_ids=wanted.get("member_ids"),
            reason=wanted["reason"],
            dry_run=wanted["dry_run"],
        )
        return self.answer(BulkOutcomeOut, outcome)

    @extend_schema(
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="One line for each holding.")
        }
    )
    @action(detail=False, methods=["get"], url_path="history.csv")
    def history(self, request: Request) -> StreamingHttpResponse:
        """Download who held which seat when, oldest first.

        Cells that a spreadsheet would take for a formula begin with an apostrophe.
        """
        lines = history_lines(current_organization())
        name = f"seats-{current_organization().slug}.csv"
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )

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


def _status_of(outcome: BulkOutcome) -> int:
    """202 while the seats it needs are being bought."""
    is_on_its_way = outcome.act is None and outcome.growth is not None and outcome.growth.change is not None
    return 202 if is_on_its_way else 200
