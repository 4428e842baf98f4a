"""Console pages of use: who uses most, and one organization's days with charts."""

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm, operator_of
from shared_apps.core.fair_queue import count_all_waiting
from shared_apps.usage.models import DailyUsage
from shared_apps.usage.selectors.figures import (
    Usage,
    largest_organizations,
    organizations_with_orphans,
    top_organizations,
    totals_by_day,
    usage_of,
)
from shared_apps.usage.services.shares import change_shares

DAYS = 30
_LIST = "admin:usage_dailyusage_changelist"
_COLOUR = "var(--color-primary-600)"


class SharesForm(ConsoleForm):
    """Shares of what all use."""

    queue_weight = forms.IntegerField(
        min_value=1, max_value=100, help_text="Share of the workers while others wait; others have 1."
    )
    request_budget = forms.IntegerField(
        min_value=1,
        required=False,
        label="Requests in a minute",
        help_text="Left empty: the installation's own number.",
    )


@admin.register(DailyUsage)
class DailyUsageAdmin(ConsoleAdmin):
    """The overview stands in place of the list of rows."""

    def get_urls(self) -> list[URLPattern]:
        """Return the pages: overview, one organization, its shares."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.overview), name="usage_dailyusage_changelist"),
            path("<uuid:organization_id>", wrap(self.organization), name="usage_organization"),
            path("<uuid:organization_id>/shares", wrap(self.shares), name="usage_shares"),
        ]

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show the days of all together and those who use most. Nine statements."""
        actor = operator_of(request)
        days = totals_by_day(actor, days=DAYS)
        dates = [row[0] for row in days]
        context = {
            **self.admin_site.each_context(request),
            "title": "Usage",
            "opts": self.model._meta,
            "charts": [
                _chart("Requests of a day", dates, [row[1] for row in days]),
                _chart("Tasks of a day", dates, [row[2] for row in days]),
                _chart("Mails of a day", dates, [row[3] for row in days]),
                _chart("Stored, in MB", dates, [round(row[4] / 1e6, 1) for row in days]),
            ],
            "tables": [
                _top_table(actor, by, title)
                for by, title in (
                    ("requests", "Most requests"),
                    ("tasks", "Most tasks"),
                    ("mails", "Most mails"),
                )
            ],
            "largest": {
                "headers": ["Organization", "Stored"],
                "rows": [[name, human_bytes(size)] for name, size in largest_organizations(actor)],
            },
            "waiting": count_all_waiting(),
            "alarms": [
                (name, reverse("admin:usage_organization", args=(identifier,)), f"{number:,}")
                for identifier, name, number in organizations_with_orphans(actor)
            ],
        }
        return TemplateResponse(request, "console/usage.html", context)

    def organization(self, request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
        """Show one organization's days."""
        usage = usage_of(operator_of(request), organization_id=organization_id, days=DAYS)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Usage of {usage.name}",
            "opts": self.model._meta,
            "back": reverse("admin:tenants_organization_change", args=(organization_id,)),
            "shares_link": reverse("admin:usage_shares", args=(organization_id,)),
            "usage": usage_context(usage),
        }
        return TemplateResponse(request, "console/usage_of.html", context)

    def shares(self, request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
        """Ask for the shares, then set them."""
        usage = usage_of(operator_of(request), organization_id=organization_id, days=1)

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            change_shares(actor=actor, organization_id=organization_id, changes=values)
            return "The shares are set. The queue follows within ten seconds."

        initial = {"queue_weight": usage.queue_weight, "request_budget": usage.request_budget}
        back = reverse("admin:usage_organization", args=(organization_id,))
        return self.run_act(request, Act("Set shares", SharesForm, perform, back, initial=initial))


def usage_context(usage: Usage) -> dict[str, Any]:
    """Return what the templates show of one organization: cards, and charts of every day, also of those
    without figures, so that a gap is seen as one."""
    known = {row.day: row for row in usage.days}
    dates = [usage.since + timedelta(days=number) for number in range((usage.until - usage.since).days + 1)]
    rows = [known.get(day) for day in dates]
    measured = [row for row in usage.days if row.database_bytes is not None]
    last = measured[-1] if measured else None
    megabytes = [
        round(((row.database_bytes or 0) + (row.file_bytes or 0)) / 1e6, 1) if row else 0 for row in rows
    ]
    looked = [row for row in usage.days if row.orphans is not None]
    orphans = looked[-1].orphans if looked else None
    return {
        "alarm": (
            f"{orphans:,} references lead nowhere, as found on {looked[-1].day:%d %b}; the log says which"
            " (orphans_found). Nothing is corrected by itself."
            if orphans
            else ""
        ),
        "cards": [
            ("Requests", f"{sum(row.requests for row in usage.days):,}", f"in {len(dates)} days"),
            ("Tasks", f"{sum(row.tasks for row in usage.days):,}", f"weight {usage.queue_weight}"),
            ("Mails", f"{sum(row.mails for row in usage.days):,}", f"in {len(dates)} days"),
            (
                "Stored",
                human_bytes((last.database_bytes or 0) + (last.file_bytes or 0)) if last else "not measured",
                f"about {last.rows or 0:,} rows on {last.day:%d %b}" if last else "each night",
            ),
        ],
        "charts": [
            _chart("Requests of a day", dates, [row.requests if row else 0 for row in rows]),
            _chart("Tasks of a day", dates, [row.tasks if row else 0 for row in rows]),
            _chart("Mails of a day", dates, [row.mails if row else 0 for row in rows]),
            _chart("Stored, in MB", dates, megabytes),
        ],
    }


def human_bytes(number: int) -> str:
    """Return a size for people, in powers of a thousand."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _top_table(actor: Actor, by: str, title: str) -> dict[str, Any]:
    rows = top_organizations(actor, by=by, days=DAYS)
    return {
        "title": title,
        "rows": [
            (
                found.name,
                reverse("admin:usage_organization", args=(found.organization_id,)),
                f"{getattr(found, by):,}",
            )
            for found in rows
        ],
    }


def _chart(title: str, dates: Iterable[date], values: Sequence[float]) -> dict[str, Any]:
    dataset = {
        "label": title,
        "data": list(values),
        "backgroundColor": _COLOUR,
        "displayYAxis": True,
        "maxTicksXLimit": 10,
    }
    labels = [f"{day:%d %b}" for day in dates]
    return {"title": title, "data": json.dumps({"labels": labels, "datasets": [dataset]})}
