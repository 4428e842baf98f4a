"""Console pages of outbox and jobs: read, and try again."""

import uuid
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.jobs.models import Job
from shared_apps.onboarding.services.retries import retry_job, retry_message
from shared_apps.outbox.models import OutboxMessage


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ConsoleAdmin):
    """What waits to be delivered. Payloads can hold personal data and are not shown."""

    list_display = ("id", "topic", "show_state", "attempts", "organization_id", "available_at", "created_at")
    list_filter = ("topic",)
    search_fields = ("topic", "=organization_id")
    ordering = ("-id",)
    exclude = ("payload",)
    actions_detail = ("retry",)

    @display(description="State", label={"delivered": "success", "waiting": "info", "given up": "danger"})
    def show_state(self, message: OutboxMessage) -> str:
        """Return the state as one word."""
        if message.delivered_at is not None:
            return "delivered"
        return "waiting" if message.given_up_at is None else "given up"

    @action(description="Try again", url_path="retry")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make a given-up message due."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            retry_message(actor=actor, message_id=int(object_id))
            return "The message will be tried again now."

        back = reverse("admin:outbox_outboxmessage_change", args=(object_id,))
        return self.run_act(request, Act("Try again", ConsoleForm, perform, back))


@admin.register(Job)
class JobAdmin(ConsoleAdmin):
    """Long work people wait for."""

    list_display = ("kind", "show_state", "done", "total", "error_code", "organization_id", "created_at")
    list_filter = ("state", "kind")
    search_fields = ("=id", "=organization_id", "kind")
    ordering = ("-id",)
    actions_detail = ("retry",)

    @display(
        description="State",
        label={"queued": "info", "running": "info", "succeeded": "success", "failed": "danger"},
    )
    def show_state(self, job: Job) -> str:
        """Return the state."""
        return job.state

    @action(description="Run again", url_path="retry")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then queue a failed job anew."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            retry_job(actor=actor, job_id=uuid.UUID(object_id))
            return "The job is queued again."

        back = reverse("admin:jobs_job_change", args=(object_id,))
        return self.run_act(request, Act("Run again", ConsoleForm, perform, back))
