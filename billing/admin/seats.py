"""Console pages of who holds which seat."""

from django.contrib import admin

from billing.models import SeatAssignment
from shared_apps.core.console import ConsoleAdmin


@admin.register(SeatAssignment)
class SeatAssignmentAdmin(ConsoleAdmin):
    """Who holds and held which seat."""

    list_display = ("membership", "organization", "state", "created_at", "activated_at", "revoked_at")
    list_select_related = ("membership", "organization")
    list_filter = ("state",)
    search_fields = ("=membership_id", "organization__slug", "membership__user__email")
    ordering = ("-id",)
