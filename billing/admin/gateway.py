"""Console pages of the gateway's messages and of what differs there."""

import uuid
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from billing.enums import EventState
from billing.models import Drift, GatewayEvent
from billing.selectors.gateway import InboxFigures, get_inbox_figures
from billing.services.gateway.inbox_acts import run_event, run_parked
from billing.services.gateway.signatures import count_refused_signatures
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm, operator_of

_LIST = "admin:billing_gatewayevent_changelist"


@admin.register(GatewayEvent)
class GatewayEventAdmin(ConsoleAdmin):
    """The inbox: what the gateway told, what became of it, and why not."""

    list_display = (
        "show_kind",
        "object_ref",
        "show_state",
        "problem",
        "attempts",
        "created_at",
        "processed_at",
        "show_arrival",
    )
    list_filter = ("state", "was_missed")
    search_fields = ("=event_key", "=object_ref", "kind", "problem")
    ordering = ("-id",)
    list_before_template = "console/pool.html"
    actions_list = ("again_all",)
    actions_detail = ("again",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list below the inbox's figures."""
        figures = get_inbox_figures(actor=operator_of(request))
        shown: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "pool_cards": _cards(figures)}
        )
        return shown

    @display(description="Message", ordering="kind", header=True)
    def show_kind(self, event: GatewayEvent) -> tuple[str, str]:
        """Return what it says, over the gateway's name of it."""
        return event.kind, event.event_key

    @display(
        description="State",
        ordering="state",
        label={
            "received": "info",
            "processed": "success",
            "ignored": "default",
            "failed": "warning",
            "parked": "danger",
        },
    )
    def show_state(self, event: GatewayEvent) -> str:
        """Return the state."""
        return event.state

    @display(description="Arrived", ordering="was_missed", label={"by asking": "warning"})
    def show_arrival(self, event: GatewayEvent) -> str:
        """Return whether the gateway delivered it, or we found it by asking."""
        return "by asking" if event.was_missed else "delivered"

    @action(description="Process all parked again", url_path="again-all", icon="replay")
    def again_all(self, request: HttpRequest) -> HttpResponse:
        """Ask, then have all parked messages worked off."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            return f"{run_parked(actor=actor)} messages are processed again."

        warning = "Do this after what parked them was put right; each is tried as often as a new one."
        return self.run_act(
            request, Act("Process all parked again", ConsoleForm, perform, reverse(_LIST), warning=warning)
        )

    @action(description="Process again", url_path="again")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then have the message worked off."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            event = run_event(actor=actor, event_id=uuid.UUID(object_id))
            return f"{event.event_key} is processed again."

        back = reverse("admin:billing_gatewayevent_change", args=(object_id,))
        return self.run_act(request, Act("Process again", ConsoleForm, perform, back))


@admin.register(Drift)
class DriftAdmin(ConsoleAdmin):
    """What differs between us and the gateway; somebody has to say which of the two is right."""

    list_display = (
        "subject",
        "show_fact",
        "ours",
        "theirs",
        "organization",
        "created_at",
        "last_seen_at",
        "resolved_at",
    )
    list_select_related = ("organization",)
    list_filter = ("fact", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("=subject", "organization__slug", "organization__name")
    ordering = ("-id",)

    @display(description="Fact", ordering="fact", label={"open": "danger", "over": "default"})
    def show_fact(self, drift: Drift) -> tuple[str, str]:
        """Return the fact, coloured by whether it differs still."""
        return ("open" if drift.resolved_at is None else "over"), drift.fact.replace("_", " ")


def _cards(figures: InboxFigures) -> list[dict[str, Any]]:
    today, week = count_refused_signatures()
    waiting = figures.by_state[EventState.RECEIVED] + figures.by_state[EventState.FAILED]
    oldest = figures.oldest_waiting_at
    parked, done = figures.by_state[EventState.PARKED], figures.by_state[EventState.PROCESSED]
    return [
        _card("Parked", parked, "somebody has to look", alarm=parked > 0),
        _card("Waiting", waiting, f"oldest of {oldest:%d %b %H:%M} UTC" if oldest else "nothing waits"),
        _card("Processed", f"{done:,}", f"{figures.by_state[EventState.IGNORED]:,} not for us"),
        _card("Refused signatures", today, f"today; {week} in seven days", alarm=today > 0),
        _card("Open differences", figures.open_drifts, "see Drifts", alarm=figures.open_drifts > 0),
    ]


def _card(label: str, value: object, note: str, *, alarm: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note, "alarm": alarm}
