"""Previews and changes of the subscription of the organization whose host is asked."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_changes import (
    CancelSubscriptionIn,
    ChangeFilter,
    ChangeOut,
    ConfirmIn,
    PauseSubscriptionIn,
    PreviewIn,
    PreviewOut,
    RedeemPromotionIn,
    TermsIn,
)
from billing.entitlements import COURSES, STORAGE_MB
from billing.enums import CancelReason, ChangeState, Interval
from billing.models import SubscriptionChange
from billing.selectors.changes import get_change, list_changes
from billing.services.changes.acts import (
    cancel_at_period_end,
    keep_subscription,
    pause_subscription,
    redeem_promotion,
    resume_subscription,
)
from billing.services.changes.previewed import confirm_change, preview_change
from billing.services.changes.rows import require_made
from billing.services.changes.terms import schedule_terms
from tenant_apps.courses.selectors.catalog import count_courses
from tenant_apps.media.selectors.files import sum_bytes
from tenants.context import current_organization

_MEGABYTE = 1_000_000
_MADE = {201: ChangeOut, 202: ChangeOut}


class _Changing(DomainViewSet):
    """What the views of changes share."""

    def _made(self, change: SubscriptionChange) -> Response:
        """Answer 201 for a change that is settled, 202 for one whose gateway is still to answer."""
        require_made(change)
        found = get_change(actor=self.actor, organization_id=change.organization_id, change_id=change.id)
        return self.answer(
            ChangeOut,
            found,
            status=202 if found.state == ChangeState.REQUESTED else 201,
            headers={"Location": f"/api/v1/billing/changes/{change.id}"},
        )


class PreviewViewSet(DomainViewSet):
    """What a change would cost."""

    policies: ClassVar[dict[str, str]] = {"create": "billing.manage"}

    @extend_schema(request=PreviewIn, responses={200: PreviewOut})
    def create(self, request: Request) -> Response:
        """Preview another number of seats, plan or interval, now. Nothing is charged; the token in the answer
        confirms exactly what is shown, for 15 minutes and while nothing else changed."""
        wanted = self.parsed(PreviewIn)
        shown = preview_change(
            actor=self.actor,
            organization_id=current_organization().id,
            seats=wanted.get("seats"),
            plan_code=wanted.get("plan"),
            interval=_interval(wanted.get("interval")),
            in_use=_in_use(),
        )
        return self.answer(PreviewOut, shown)


class ChangeViewSet(_Changing):
    """What was asked of the subscription, and confirming a preview."""

    policies: ClassVar[dict[str, str]] = {
        "list": "billing.view",
        "retrieve": "billing.view",
        "create": "billing.manage",
        "at_period_end": "billing.manage",
    }

    @extend_schema(parameters=[ChangeFilter], responses={200: ChangeOut(many=True)})
    def list(self, request: Request) -> Response:
        """List changes, newest first."""
        wanted = self.parsed_query(ChangeFilter)
        rows = list_changes(
            actor=self.actor,
            organization_id=current_organization().id,
            state=ChangeState(wanted["state"]) if "state" in wanted else None,
        )
        return self.page(ChangeOut, rows)

    @extend_schema(responses={200: ChangeOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one change."""
        found = get_change(actor=self.actor, organization_id=current_organization().id, change_id=pk)
        return self.answer(ChangeOut, found)

    @extend_schema(request=ConfirmIn, responses=_MADE)
    @refuses(402)
    def create(self, request: Request) -> Response:
        """Confirm a preview: the change is made and charged, once, and the invoice comes to what was shown.
        A declined card is 402 `change_unpaid`, with the page on which the invoice can be paid; 202 says that
        the payment service is still to answer."""
        change = confirm_change(
            actor=self.actor,
            organization_id=current_organization().id,
            token=self.parsed(ConfirmIn)["token"],
            in_use=_in_use(),
        )
        return self._made(change)

    @extend_schema(request=TermsIn, responses=_MADE)
    @action(detail=False, methods=["post"], url_path="at-period-end")
    def at_period_end(self, request: Request) -> Response:
        """Have other seats, another plan or interval from the next period on. Nothing is charged or paid back
        now. What is left out is as it is now, so an empty body takes back what was planned."""
        wanted = self.parsed(TermsIn)
        change = schedule_terms(
            actor=self.actor,
            organization_id=current_organization().id,
            seats=wanted.get("seats"),
            plan_code=wanted.get("plan"),
            interval=_interval(wanted.get("interval")),
            in_use=_in_use(),
        )
        return self._made(change)


class SubscriptionActsViewSet(_Changing):
    """Ending, keeping, pausing and resuming the subscription, and promotion codes."""

    policies: ClassVar[dict[str, str]] = {
        "cancel": "billing.manage",
        "keep": "billing.manage",
        "pause": "billing.manage",
        "resume": "billing.manage",
        "promotion": "billing.manage",
    }

    @extend_schema(request=CancelSubscriptionIn, responses=_MADE)
    @action(detail=False, methods=["post"])
    def cancel(self, request: Request) -> Response:
        """End with the period that is paid for. Until then nothing is lost, and `keep` takes it back."""
        wanted = self.parsed(CancelSubscriptionIn)
        change = cancel_at_period_end(
            actor=self.actor,
            organization_id=current_organization().id,
            reason=CancelReason(wanted["reason"]) if "reason" in wanted else None,
            comment=wanted["comment"],
        )
        return self._made(change)

    @extend_schema(request=None, responses=_MADE)
    @action(detail=False, methods=["post"])
    def keep(self, request: Request) -> Response:
        """Go on after all."""
        change = keep_subscription(actor=self.actor, organization_id=current_organization().id)
        return self._made(change)

    @extend_schema(request=PauseSubscriptionIn, responses=_MADE)
    @action(detail=False, methods=["post"])
    def pause(self, request: Request) -> Response:
        """Stop paying and using. People can read, seats stay with their holders, unused time is credited."""
        change = pause_subscription(
            actor=self.actor,
            organization_id=current_organization().id,
            comment=self.parsed(PauseSubscriptionIn)["comment"],
        )
        return self._made(change)

    @extend_schema(request=None, responses=_MADE)
    @refuses(402)
    @action(detail=False, methods=["post"])
    def resume(self, request: Request) -> Response:
        """Begin a new period now, and charge it. A declined card is 402 `change_unpaid`; it stays paused."""
        change = resume_subscription(actor=self.actor, organization_id=current_organization().id)
        return self._made(change)

    @extend_schema(request=RedeemPromotionIn, responses=_MADE)
    @action(detail=False, methods=["post"])
    def promotion(self, request: Request) -> Response:
        """Lower the next invoices by a promotion code, in place of one that was there."""
        change = redeem_promotion(
            actor=self.actor,
            organization_id=current_organization().id,
            code=self.parsed(RedeemPromotionIn)["code"],
        )
        return self._made(change)


def _interval(word: str | None) -> Interval | None:
    return Interval(word) if word else None


def _in_use() -> dict[str, int]:
    """Count what plans limit, in the organization's own schema."""
    return {COURSES: count_courses(), STORAGE_MB: -(-sum_bytes() // _MEGABYTE)}
