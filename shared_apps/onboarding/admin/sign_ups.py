"""Console pages of sign-ups."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.services.sign_up_checkouts import cancel_sign_up
from shared_apps.onboarding.services.sign_up_rescues import finish_sign_up, refund_sign_up


class SlugForm(ConsoleForm):
    """Another subdomain."""

    slug = forms.CharField(max_length=63, label="Subdomain")


@admin.register(SignUp)
class SignUpAdmin(ConsoleAdmin):
    """Companies that sign themselves up, and the paid ones that wait for somebody."""

    list_display = ("slug", "name", "show_status", "problem", "email", "plan_code", "seats", "expires_at")
    list_filter = ("status",)
    search_fields = ("slug", "name", "email")
    ordering = ("-id",)
    fields = (
        "name",
        "slug",
        "show_status",
        "problem",
        "owner_name",
        "email",
        "verified_at",
        "plan_code",
        "interval",
        "currency",
        "seats",
        "trial_days",
        "card_later",
        "language",
        "timezone",
        "expires_at",
        "checkout_id",
        "organization_id",
        "ended_by",
        "created_at",
    )
    readonly_fields = ("show_status",)
    actions_detail = ("cancel", "finish", "refund")

    @display(
        description="Status",
        label={
            "Ready": "success",
            "Paid, needs an operator": "danger",
            "Paid, being set up": "info",
            "On the payment page": "info",
        },
    )
    def show_status(self, row: SignUp) -> str:
        """Return how far it is."""
        return row.get_status_display()

    @action(description="Cancel", url_path="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then end a sign-up that is not paid."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            row = cancel_sign_up(actor=actor, sign_up_id=uuid.UUID(object_id))
            return f"{row.slug} is free again."

        warning = "Its payment page is closed, and its names are free for others."
        return self.run_act(request, Act("Cancel", ConsoleForm, perform, _page(object_id), warning=warning))

    @action(description="Finish with another subdomain", url_path="finish")
    def finish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the subdomain, then let a paid sign-up go on."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            row = finish_sign_up(actor=actor, sign_up_id=uuid.UUID(object_id), slug=values["slug"])
            return f"{row.name} is being set up as {row.slug}."

        return self.run_act(request, Act("Finish", SlugForm, perform, _page(object_id)))

    @action(description="Pay back", url_path="refund")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then give the money back."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            row = refund_sign_up(actor=actor, sign_up_id=uuid.UUID(object_id))
            return f"What {row.name} paid goes back."

        warning = "The subscription ends, and all that was paid goes back. This cannot be undone."
        return self.run_act(request, Act("Pay back", ConsoleForm, perform, _page(object_id), warning=warning))


def _page(object_id: str) -> str:
    return reverse("admin:onboarding_signup_change", args=(object_id,))
