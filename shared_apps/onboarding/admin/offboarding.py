"""Console pages of how organizations end, and of operators' entries into them."""

import json
import uuid
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm, operator_of
from shared_apps.onboarding.models import DeletionReceipt, Offboarding, SupportEntry
from shared_apps.onboarding.selectors.offboarding import get_receipt
from shared_apps.onboarding.services.entries import end_entry
from shared_apps.onboarding.services.receipts import document_of


@admin.register(Offboarding)
class OffboardingAdmin(ConsoleAdmin):
    """Organizations that were given up: when they end, and what stands against it."""

    list_display = ("name", "slug", "show_state", "problem", "delete_after", "asked_by", "deleted_at")
    search_fields = ("name", "slug", "=organization_id", "asked_by")
    ordering = ("-id",)

    @display(
        description="State",
        label={"closing": "warning", "deleting": "danger", "deleted": "default", "kept": "success"},
    )
    def show_state(self, offboarding: Offboarding) -> str:
        """Return the state as one word."""
        if offboarding.kept_at is not None:
            return "kept"
        if offboarding.deleted_at is not None:
            return "deleted"
        return "deleting" if offboarding.steps else "closing"


@admin.register(DeletionReceipt)
class DeletionReceiptAdmin(ConsoleAdmin):
    """Signed receipts."""

    list_display = ("slug", "organization_id", "signed_at")
    search_fields = ("slug", "=organization_id")
    ordering = ("-id",)
    fields = ("slug", "organization_id", "signed_at", "what_it_says", "signature", "public_key")
    readonly_fields = ("what_it_says",)
    actions_detail = ("download",)

    @display(description="What it says")
    def what_it_says(self, receipt: DeletionReceipt) -> str:
        """Return the statement, in lines."""
        said = json.dumps(json.loads(receipt.statement), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", said)

    @action(description="Download", url_path="download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Hand the receipt out as a file."""
        row = DeletionReceipt.objects.get(id=uuid.UUID(object_id))
        receipt = get_receipt(actor=operator_of(request), organization_id=row.organization_id)
        body = json.dumps(document_of(receipt), indent=1, ensure_ascii=False)
        return HttpResponse(
            body,
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="deletion-{receipt.slug}.json"'},
        )


@admin.register(SupportEntry)
class SupportEntryAdmin(ConsoleAdmin):
    """Operators' looks into organizations. They are opened through the API, which hands out the token."""

    list_display = ("operator_label", "organization_id", "reason", "show_state", "created_at", "ends_at")
    search_fields = ("operator_label", "=organization_id", "reason")
    ordering = ("-id",)
    exclude = ("sign_in_id",)
    actions_detail = ("end",)

    @display(description="State", label={"live": "warning", "over": "default", "ended": "default"})
    def show_state(self, entry: SupportEntry) -> str:
        """Return whether it is live."""
        if entry.ended_at is not None:
            return "ended"
        return "live" if entry.ends_at > clock.now() else "over"

    @action(description="End", url_path="end")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then end the entry before its time."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            entry = SupportEntry.objects.get(id=uuid.UUID(object_id))
            end_entry(actor=actor, organization_id=entry.organization_id, entry_id=entry.id)
            return "The entry is over."

        back = reverse("admin:onboarding_supportentry_change", args=(object_id,))
        return self.run_act(request, Act("End", ConsoleForm, perform, back))
