"""Console page of the audit log, read-only as its table is."""

from django.contrib import admin
from unfold.decorators import display

from shared_apps.audit.models import AuditEvent
from shared_apps.core.console import ConsoleAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ConsoleAdmin):
    """Who did what."""

    list_display = ("created_at", "actor_label", "action", "target_kind", "target_id", "show_outcome")
    list_filter = ("outcome", "actor_kind")
    search_fields = ("action", "actor_label", "=organization_id", "target_id")
    ordering = ("-id",)

    @display(description="Outcome", label={"done": "success", "refused": "danger"})
    def show_outcome(self, event: AuditEvent) -> str:
        """Return the outcome."""
        return event.outcome
