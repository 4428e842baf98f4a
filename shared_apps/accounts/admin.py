"""Console pages of people, read-only: what they are is changed by themselves or by their organization."""

from django.contrib import admin
from unfold.decorators import display

from shared_apps.accounts.models import Membership, User
from shared_apps.core.console import ConsoleAdmin


@admin.register(User)
class UserAdmin(ConsoleAdmin):
    """Login identities."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("-id",)
    fields = (
        "email",
        "name",
        "timezone",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "created_at",
        "updated_at",
    )


@admin.register(Membership)
class MembershipAdmin(ConsoleAdmin):
    """Who belongs where, in which role."""

    list_display = ("user", "organization", "role", "show_status", "joined_at", "removed_at")
    list_select_related = ("user", "organization")
    list_filter = ("role", "status")
    search_fields = ("user__email", "organization__slug", "organization__name")
    ordering = ("-id",)

    @display(
        description="Status",
        label={"active": "success", "invited": "info", "suspended": "warning", "removed": "default"},
    )
    def show_status(self, membership: Membership) -> str:
        """Return the status."""
        return membership.status
