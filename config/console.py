"""The operator console's own parts: label of the environment and overview."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from billing.selectors.seats import count_all_seats
from shared_apps.audit.selectors.events import list_events
from shared_apps.core.console import operator_of
from shared_apps.jobs.selectors.counts import count_failed_jobs
from shared_apps.outbox.selectors.counts import count_messages
from tenants.enums import OrganizationState
from tenants.selectors.organizations import count_by_state, count_ready_schemas
from tenants.selectors.pool import count_wanted_schemas


def environment_label(request: HttpRequest) -> list[str] | None:
    """Return the coloured label beside the console's title, so nobody mistakes one place for another."""
    if settings.PUBLIC_URL_SCHEME == "https":
        return ["Production", "danger"]
    return ["Local", "info"]


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the first page shows: counts, organizations by state, the latest acts. Eight statements."""
    states = count_by_state()
    ready = count_ready_schemas()
    used, purchased = count_all_seats()
    failed = count_failed_jobs()
    waiting, given_up = count_messages()
    running = sum(states.get(state, 0) for state in _RUNNING)
    context["title"] = "Overview"
    context["cards"] = [
        _card("Organizations", running, "open or suspended", "admin:tenants_organization_changelist"),
        _card(
            "Seats in use",
            f"{used:,} / {purchased:,}",
            f"{used * 100 // purchased if purchased else 0} % of those there are",
            "admin:billing_subscription_changelist",
        ),
        _card(
            "Ready schemas",
            ready,
            f"target {count_wanted_schemas()}",
            "admin:tenants_tenantschema_changelist",
            alarm=ready == 0,
        ),
        _card(
            "Failed work",
            failed + given_up,
            f"{failed} jobs, {given_up} messages; {waiting} messages waiting",
            "admin:outbox_outboxmessage_changelist",
            alarm=failed + given_up > 0,
        ),
    ]
    context["states"] = {
        "headers": ["State", "Organizations"],
        "rows": [[state.label, states.get(state, 0)] for state in OrganizationState],
    }
    context["acts"] = {
        "headers": ["When (UTC)", "Who", "What"],
        "rows": [
            [f"{event.created_at:%d %b %H:%M}", event.actor_label, event.action]
            for event in list_events(operator_of(request), organization_id=None)[:7]
        ],
    }
    return context


_RUNNING = (
    OrganizationState.TRIAL,
    OrganizationState.ACTIVE,
    OrganizationState.PAST_DUE,
    OrganizationState.SUSPENDED,
)


def _card(label: str, value: object, note: str, route: str, *, alarm: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note, "href": reverse(route), "alarm": alarm}
