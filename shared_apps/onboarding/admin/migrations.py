"""Console page of the tenants' migrator: how far everybody is, its runs, and who failed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.onboarding.services.migrations import (
    go_on_with_migration,
    retry_failed_migrations,
    stop_migration,
)
from tenants.models import MigrationRun
from tenants.selectors.migrations import (
    MigrationStatus,
    failed_schemas,
    failures_of,
    migration_status,
    run_document,
)

LIST = "admin:tenants_migrationrun_changelist"
_SHOWN_FAILURES = 100
_SHOWN_ERROR = 300


@admin.register(MigrationRun)
class MigrationRunAdmin(ConsoleAdmin):
    """Runs of the migrator. One begins with a release's `manage.py migrate_tenants`."""

    list_display = (
        "started_at",
        "show_state",
        "show_target",
        "show_progress",
        "show_wave",
        "failed",
        "show_seconds",
        "started_by",
    )
    list_filter = ("state", "direction")
    ordering = ("-id",)
    list_before_template = "console/pool.html"
    fields = (
        "show_state",
        "show_target",
        "show_progress",
        "note",
        "show_waves",
        "show_failures",
        "started_by",
        "started_at",
        "heartbeat_at",
        "finished_at",
        "show_seconds",
        "workers",
        "most_failures_percent",
        "options",
    )
    readonly_fields = fields
    actions_list = ("stop", "go_on", "retry")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list below how far the tenants are."""
        cards = _cards(migration_status())
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "pool_cards": cards})
        return shown

    @display(
        description="State",
        ordering="state",
        label={
            "running": "info",
            "stopping": "warning",
            "stopped": "warning",
            "succeeded": "success",
            "failed": "danger",
        },
    )
    def show_state(self, run: MigrationRun) -> str:
        """Return the state."""
        return run.state

    @display(description="To level")
    def show_target(self, run: MigrationRun) -> str:
        """Return the direction and the level."""
        return f"{run.target_level}" if run.direction == "forward" else f"back to {run.target_level}"

    @display(description="Migrated")
    def show_progress(self, run: MigrationRun) -> str:
        """Return how many of how many."""
        percent = f" ({100 * run.done // run.total} %)" if run.total else ""
        return f"{run.done} of {run.total}{percent}"

    @display(description="Wave")
    def show_wave(self, run: MigrationRun) -> str:
        """Return the wave it is in or ended in."""
        if not run.waves:
            return "-"
        return f"{run.waves[min(run.wave, len(run.waves) - 1)]['name']}, {run.wave + 1} of {len(run.waves)}"

    @display(description="Seconds")
    def show_seconds(self, run: MigrationRun) -> str:
        """Return how long it took, or has taken by now."""
        return f"{run_document(run)['seconds']}"

    @display(description="Waves")
    def show_waves(self, run: MigrationRun) -> SafeString:
        """Return a row for each wave."""
        rows = [(wave["name"], wave["size"], wave["done"], wave["failed"]) for wave in run.waves]
        return _table(("Wave", "Tenants", "Migrated", "Failed"), rows)

    @display(description="Failing tenants")
    def show_failures(self, run: MigrationRun) -> SafeString:
        """Return those whose last try was in this run and failed."""
        failed = failures_of(failed_schemas().filter(last_run=run), _SHOWN_FAILURES)
        rows = [(each.organization, each.level, each.attempts, each.error[:_SHOWN_ERROR]) for each in failed]
        return _table(("Organization", "Level", "Attempts", "Error"), rows)

    @action(description="Stop", url_path="stop", icon="stop_circle")
    def stop(self, request: HttpRequest) -> HttpResponse:
        """Ask, then let the run at work stop."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            run = stop_migration(actor=actor)
            return "The run stops after the tenants in hand." if run.state == "stopping" else run.note

        return self.run_act(request, Act("Stop the run", ConsoleForm, perform, reverse(LIST)))

    @action(description="Go on", url_path="resume", icon="resume")
    def go_on(self, request: HttpRequest) -> HttpResponse:
        """Ask, then have a worker go on with the last run."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            go_on_with_migration(actor=actor)
            return "A worker goes on with the last run."

        return self.run_act(request, Act("Go on with the last run", ConsoleForm, perform, reverse(LIST)))

    @action(description="Retry failed", url_path="retry", icon="replay")
    def retry(self, request: HttpRequest) -> HttpResponse:
        """Ask, then have a worker migrate those again that failed."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            return f"A worker tries {retry_failed_migrations(actor=actor)} tenants again."

        return self.run_act(request, Act("Retry those that failed", ConsoleForm, perform, reverse(LIST)))


def _cards(status: MigrationStatus) -> list[dict[str, Any]]:
    missing = len(status.public_missing)
    return [
        {
            "label": "Up to date",
            "value": status.up_to_date,
            "note": f"at level {status.level}, the code's",
            "alarm": False,
        },
        {
            "label": "Behind",
            "value": status.behind,
            "note": "answer 503 until they are migrated" if status.behind else "nobody waits",
            "alarm": status.behind > 0,
        },
        {
            "label": "Failed",
            "value": status.failed,
            "note": "see the run for the errors" if status.failed else "none",
            "alarm": status.failed > 0,
        },
        {
            "label": "Ahead",
            "value": status.ahead,
            "note": "migrated by a newer release" if status.ahead else "none",
            "alarm": False,
        },
        {
            "label": "Shared schema",
            "value": "behind" if missing else "up to date",
            "note": f"{missing} migrations missing" if missing else "nothing missing",
            "alarm": missing > 0,
        },
    ]


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> SafeString:
    if not rows:
        return format_html("none")
    cell = '<td class="py-1 pr-6 align-top">{}</td>'
    head = format_html_join(
        "", '<th class="py-1 pr-6 text-left font-semibold">{}</th>', ((each,) for each in heads)
    )
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", cell, ((value,) for value in row)),) for row in rows)
    )
    return format_html(
        '<table class="w-full"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body
    )
