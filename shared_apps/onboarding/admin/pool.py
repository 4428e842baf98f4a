"""Console page of the pool of schemas: what it holds, what it should hold, and what went wrong."""

import uuid
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.onboarding.services.pool import build_schema_again, refill_now
from tenants.models import TenantSchema
from tenants.selectors.pool import PoolFigures, get_pool_figures

LIST = "admin:tenants_tenantschema_changelist"


@admin.register(TenantSchema)
class TenantSchemaAdmin(ConsoleAdmin):
    """The pool of schemas."""

    list_display = (
        "schema_name",
        "show_state",
        "schema_level",
        "show_build",
        "built_at",
        "claimed_at",
        "show_error",
    )
    list_filter = ("state",)
    search_fields = ("schema_name", "=id")
    ordering = ("-id",)
    list_before_template = "console/pool.html"
    actions_list = ("fill",)
    actions_detail = ("again",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list below the pool's figures."""
        figures = get_pool_figures()
        shown: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "pool_cards": _cards(figures)}
        )
        return shown

    @display(
        description="State",
        ordering="state",
        label={"building": "info", "ready": "success", "claimed": "default", "failed": "danger"},
    )
    def show_state(self, schema: TenantSchema) -> str:
        """Return the state."""
        return schema.state

    @display(description="Build", ordering="build_ms")
    def show_build(self, schema: TenantSchema) -> str:
        """Return how long the build took."""
        return "-" if schema.build_ms is None else f"{schema.build_ms}\N{NO-BREAK SPACE}ms"

    @display(description="Error")
    def show_error(self, schema: TenantSchema) -> str:
        """Return the first line of what went wrong, building or migrating."""
        lines = (schema.error or schema.migration_error).splitlines()
        return lines[0][:120] if lines else "-"

    @action(description="Fill now", url_path="fill", icon="add")
    def fill(self, request: HttpRequest) -> HttpResponse:
        """Ask, then ring the bell."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            refill_now(actor=actor)
            return "The workers fill the pool now."

        return self.run_act(request, Act("Fill now", ConsoleForm, perform, reverse(LIST)))

    @action(description="Build again", url_path="again")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then have a failed schema built again."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            schema = build_schema_again(actor=actor, schema_id=uuid.UUID(object_id))
            return f"{schema.schema_name} is being built again."

        back = reverse("admin:tenants_tenantschema_change", args=(object_id,))
        return self.run_act(request, Act("Build again", ConsoleForm, perform, back))


def _cards(figures: PoolFigures) -> list[dict[str, Any]]:
    rate, oldest = figures.builds_per_second, figures.oldest_building_seconds
    behind = f"; {figures.behind} wait for the migrator" if figures.behind else ""
    return [
        {
            "label": "Ready",
            "value": figures.ready,
            "note": f"target now {figures.target}{behind}",
            "alarm": figures.ready == 0,
        },
        {
            "label": "Building",
            "value": figures.building,
            "note": "nothing under way" if oldest is None else f"oldest since {oldest} s",
            "alarm": oldest is not None and oldest > 60,
        },
        {
            "label": "Failed",
            "value": figures.failed,
            "note": "tried again every minute" if figures.failed else "none",
            "alarm": figures.failed > 0,
        },
        {
            "label": "Claimed in the last hour",
            "value": figures.claims_last_hour,
            "note": "organizations created",
            "alarm": False,
        },
        {
            "label": "Refill rate",
            "value": "-" if rate is None else f"{rate:.1f} /s",
            "note": "no builds yet" if figures.build_ms is None else f"a build takes {figures.build_ms} ms",
            "alarm": False,
        },
    ]
