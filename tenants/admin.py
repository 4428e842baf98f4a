"""Console pages of the registry, read-only; organizations have theirs in shared_apps.onboarding above."""

from django.contrib import admin
from unfold.decorators import display

from shared_apps.core.console import ConsoleAdmin
from tenants.models import Domain, ReleasedName, TenantSchema


@admin.register(Domain)
class DomainAdmin(ConsoleAdmin):
    """Host names."""

    list_display = ("domain", "tenant", "kind", "is_primary", "verified_at")
    list_filter = ("kind",)
    list_select_related = ("tenant",)
    search_fields = ("domain",)


@admin.register(TenantSchema)
class TenantSchemaAdmin(ConsoleAdmin):
    """The pool of schemas."""

    list_display = ("schema_name", "show_state", "schema_version", "build_ms", "built_at", "claimed_at")
    list_filter = ("state",)
    search_fields = ("schema_name",)
    ordering = ("-id",)

    @display(
        description="State",
        label={"building": "info", "ready": "success", "claimed": "default", "failed": "danger"},
    )
    def show_state(self, schema: TenantSchema) -> str:
        """Return the state."""
        return schema.state


@admin.register(ReleasedName)
class ReleasedNameAdmin(ConsoleAdmin):
    """Names that rest."""

    list_display = ("name", "free_from", "organization_id")
    search_fields = ("name",)
