"""Console pages of archives: what there is of which organization, until when, and the file itself."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive
from shared_apps.archives.selectors.archives import list_archives
from shared_apps.archives.services.links import make_archive_link
from shared_apps.core.console import ConsoleAdmin, operator_of
from shared_apps.core.errors import DomainError
from shared_apps.usage.admin import human_bytes

STATE_COLOURS = {"building": "info", "ready": "success", "failed": "danger", "removed": "default"}


@admin.register(Archive)
class ArchiveAdmin(ConsoleAdmin):
    """Exports that were asked for. They are asked for on the organization's page."""

    list_display = (
        "show_organization",
        "show_state",
        "show_size",
        "requested_by",
        "reason",
        "created_at",
        "expires_at",
    )
    list_filter = ("state",)
    search_fields = ("organization__slug", "organization__name", "=organization__id", "requested_by")
    ordering = ("-id",)
    # Without the job and the key of the storage, which say nothing to people.
    fields = (
        "organization",
        "show_state",
        "error_code",
        "requested_by",
        "reason",
        "created_at",
        "finished_at",
        "expires_at",
        "show_size",
        "rows",
        "files",
        "schema_level",
        "sha256",
        "key_id",
    )
    readonly_fields = ("show_state", "show_size")
    actions_detail = ("download",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Archive]:
        """Return the archives with their organizations and progress, in one statement."""
        return list_archives(operator_of(request), organization_id=None).select_related("organization")

    @display(description="Organization", ordering="organization__name", header=True)
    def show_organization(self, archive: Archive) -> list[str]:
        """Return name and subdomain."""
        return [archive.organization.name, archive.organization.slug]

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def show_state(self, archive: Any) -> str | tuple[str, str]:
        """Return the state; of one that is written, how far it is."""
        if archive.state == ArchiveState.BUILDING and archive.total:
            return archive.state, f"building, {min(99, 100 * archive.done // archive.total)} %"
        return str(archive.state)

    @display(description="Size", ordering="size")
    def show_size(self, archive: Archive) -> str:
        """Return the size of the file."""
        return human_bytes(archive.size) if archive.size else "-"

    @action(description="Download", url_path="download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the file by an address that is good for five minutes; the audit log keeps who asked."""
        try:
            link = make_archive_link(actor=operator_of(request), archive_id=uuid.UUID(object_id))
        except DomainError as refused:
            messages.error(request, " ".join(part for part in (refused.title, refused.advice) if part))
            return HttpResponseRedirect(reverse("admin:archives_archive_change", args=(object_id,)))
        return HttpResponseRedirect(link.url)
