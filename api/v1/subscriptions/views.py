"""Subscriptions of organizations, for operators."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.subscriptions.serializers import (
    CancelIn,
    ChangeSeatsIn,
    GrantIn,
    SubscriptionFilter,
    SubscriptionOut,
)
from api.v1.subscriptions.serializers_billing import CompsIn, EndIn, StoryChangeOut, UntilIn
from billing.selectors.subscriptions import get_subscription, list_subscriptions
from billing.services.access.access import extend_grace
from billing.services.operators.comps import comp_seats
from billing.services.operators.interventions import end_subscription, lengthen_trial
from billing.services.operators.subscriptions import cancel_subscription, change_seats, grant_subscription


class SubscriptionViewSet(DomainViewSet):
    """Which organization may use how many seats."""

    policies: ClassVar[dict[str, str]] = {
        "list": "subscriptions.view",
        "retrieve": "subscriptions.view",
        "create": "subscriptions.manage",
        "change_seats": "subscriptions.manage",
        "cancel": "subscriptions.manage",
        "comps": "subscriptions.manage",
        "extend_trial": "subscriptions.manage",
        "extend_grace": "subscriptions.manage",
        "end": "subscriptions.manage",
    }

    @extend_schema(parameters=[SubscriptionFilter], responses={200: SubscriptionOut(many=True)})
    def list(self, request: Request) -> Response:
        """List subscriptions, newest first."""
        wanted = self.parsed_query(SubscriptionFilter)
        rows = list_subscriptions(
            actor=self.actor, organization_id=wanted.get("organization_id"), status=wanted.get("status")
        )
        return self.page(SubscriptionOut, rows)

    @extend_schema(responses={200: SubscriptionOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one subscription."""
        return self.answer(SubscriptionOut, get_subscription(actor=self.actor, subscription_id=pk))

    @extend_schema(request=GrantIn, responses={201: SubscriptionOut})
    def create(self, request: Request) -> Response:
        """Give an organization a plan with seats."""
        wanted = self.parsed(GrantIn)
        subscription = grant_subscription(
            actor=self.actor,
            organization_id=wanted["organization_id"],
            plan_code=wanted["plan"],
            seats=wanted["seats"],
            note=wanted["note"],
            ends_at=wanted["ends_at"],
        )
        return self.answer(
            SubscriptionOut,
            subscription,
            status=201,
            headers={"Location": f"/api/v1/subscriptions/{subscription.id}"},
        )

    @extend_schema(request=ChangeSeatsIn, responses={200: SubscriptionOut})
    @action(detail=True, methods=["post"], url_path="change-seats")
    def change_seats(self, request: Request, pk: uuid.UUID) -> Response:
        """Set the number of seats of a granted subscription; below the number in use is refused.

        Where the organization pays for its seats it changes their number itself, and operators comp seats.
        """
        seats = self.parsed(ChangeSeatsIn)["seats"]
        return self.answer(SubscriptionOut, change_seats(actor=self.actor, subscription_id=pk, seats=seats))

    @extend_schema(request=CancelIn, responses={200: SubscriptionOut})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: uuid.UUID) -> Response:
        """End a subscription here at once, its seats too; one that is billed ends at the gateway after."""
        reason = self.parsed(CancelIn)["reason"]
        return self.answer(
            SubscriptionOut, cancel_subscription(actor=self.actor, subscription_id=pk, reason=reason)
        )

    @extend_schema(request=CompsIn, responses={200: SubscriptionOut})
    @action(detail=True, methods=["post"])
    def comps(self, request: Request, pk: uuid.UUID) -> Response:
        """Set how many seats there are on top of those that are paid for or granted."""
        wanted = self.parsed(CompsIn)
        return self.answer(SubscriptionOut, comp_seats(actor=self.actor, subscription_id=pk, **wanted))

    @extend_schema(request=UntilIn, responses={200: StoryChangeOut})
    @action(detail=True, methods=["post"], url_path="extend-trial")
    def extend_trial(self, request: Request, pk: uuid.UUID) -> Response:
        """Let a trial last longer, at the gateway too."""
        wanted = self.parsed(UntilIn)
        change = lengthen_trial(
            actor=self.actor, subscription_id=pk, until=wanted["until"], reason=wanted["reason"]
        )
        return self.answer(StoryChangeOut, change)

    @extend_schema(request=UntilIn, responses={200: SubscriptionOut})
    @action(detail=True, methods=["post"], url_path="extend-grace")
    def extend_grace(self, request: Request, pk: uuid.UUID) -> Response:
        """Let everything but new seats go on until then although something is owed."""
        wanted = self.parsed(UntilIn)
        changed = extend_grace(
            actor=self.actor, subscription_id=pk, until=wanted["until"], note=wanted["reason"]
        )
        return self.answer(SubscriptionOut, changed)

    @extend_schema(request=EndIn, responses={200: SubscriptionOut})
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: uuid.UUID) -> Response:
        """End a subscription now, at the gateway where it is billed.

        Nothing is paid back by itself. Where the gateway does not answer in time the answer is the
        subscription as it was, and it ends later.
        """
        reason = self.parsed(EndIn)["reason"]
        return self.answer(
            SubscriptionOut, end_subscription(actor=self.actor, subscription_id=pk, reason=reason)
        )
