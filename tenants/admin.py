"""Console pages of the registry, read-only; what has acts, organizations and the pool of schemas, stands in
shared_apps.onboarding above."""

from django.contrib import admin

from shared_apps.core.console import ConsoleAdmin
from tenants.models import Domain, ReleasedName


@admin.register(Domain)
class DomainAdmin(ConsoleAdmin):
    """Host names."""

    list_display = ("domain", "tenant", "kind", "is_primary", "verified_at")
    list_filter = ("kind",)
    list_select_related = ("tenant",)
    search_fields = ("domain",)


@admin.register(ReleasedName)
class ReleasedNameAdmin(ConsoleAdmin):
    """Names that rest."""

    list_display = ("name", "free_from", "organization_id")
    search_fields = ("name",)
