"""Acts on many seats, the rules by which seats move, and how the organization wants them given."""

import uuid
from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.seats.serializers import (
    BulkOutcomeOut,
    SeatActFilter,
    SeatActOut,
    SeatRulesOut,
    SeatSettingsIn,
    SeatSettingsOut,
)
from api.v1.seats.wording import in_words
from billing.enums import SeatActKind
from billing.errors import NoSubscription
from billing.selectors.seat_acts import list_acts
from billing.selectors.seat_rules import SeatRules, get_seat_rules
from billing.selectors.seat_settings import get_seat_settings
from billing.services.seats.acts import undo_act
from billing.services.seats.settings import change_seat_settings
from tenants.context import current_organization


class SeatActViewSet(DomainViewSet):
    """What was done to many seats at once, and undoing it."""

    policies: ClassVar[dict[str, str]] = {"list": "seats.view", "undo": "seats.manage"}

    @extend_schema(parameters=[SeatActFilter], responses={200: SeatActOut(many=True)})
    def list(self, request: Request) -> Response:
        """List acts on many seats, newest first."""
        kind = self.parsed_query(SeatActFilter).get("kind")
        rows = list_acts(organization_id=current_organization().id, kind=SeatActKind(kind) if kind else None)
        return self.page(SeatActOut, rows)

    @extend_schema(request=None, responses={200: BulkOutcomeOut})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: uuid.UUID) -> Response:
        """Undo an act: seats it gave are taken, seats it took are given back.

        Members for whom that is not possible any more are named with the reason.
        """
        outcome = undo_act(actor=self.actor, organization_id=current_organization().id, act_id=pk)
        return self.answer(BulkOutcomeOut, outcome)


class SeatPolicyViewSet(DomainViewSet):
    """How freely seats move, and how the organization wants them given."""

    policies: ClassVar[dict[str, str]] = {
        "rules": "seats.view",
        "show_settings": "seats.view",
        "change_settings": "seats.manage",
    }

    @extend_schema(responses={200: SeatRulesOut})
    @action(detail=False, methods=["get"])
    @refuses(409)
    def rules(self, request: Request) -> Response:
        """Show the plan's rules for moving seats, in plain words too."""
        found = get_seat_rules(organization_id=current_organization().id)
        if found is None:
            raise NoSubscription
        return self.answer(SeatRulesOut, {**asdict(found), **_told(found)})

    @extend_schema(responses={200: SeatSettingsOut})
    @action(detail=False, methods=["get"], url_path="settings")
    def show_settings(self, request: Request) -> Response:
        """Show how the organization wants its seats given."""
        return self.answer(SeatSettingsOut, get_seat_settings(organization_id=current_organization().id))

    @extend_schema(request=SeatSettingsIn, responses={200: SeatSettingsOut})
    @show_settings.mapping.patch
    def change_settings(self, request: Request) -> Response:
        """Change how the organization wants its seats given."""
        changed = change_seat_settings(
            actor=self.actor,
            organization_id=current_organization().id,
            changes=self.parsed(SeatSettingsIn),
        )
        return self.answer(SeatSettingsOut, changed)


def _told(rules: SeatRules) -> dict[str, Any]:
    return {"moves_left": rules.moves_left, "words": in_words(rules)}
