"""Console pages of plans, subscriptions and seats."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from billing import admin_gateway  # noqa: F401  registers its pages
from billing.models import Plan, SeatAssignment, Subscription
from billing.services.plans import PlanDraft, archive_plan, create_plan, update_plan
from billing.services.subscriptions import cancel_subscription, change_seats, grant_subscription
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from tenants.selectors.organizations import names_of_open_organizations

SUBSCRIPTIONS = "admin:billing_subscription_changelist"
MOST_SEATS = 1_000_000


class PlanForm(ConsoleForm):
    """What a plan says."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(max_length=500, required=False)
    min_seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS, initial=1)
    max_seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS, initial=100_000)


class NewPlanForm(PlanForm):
    """A new plan."""

    code = forms.SlugField(max_length=40)


class GrantForm(ConsoleForm):
    """A subscription to give."""

    organization_id = forms.TypedChoiceField(label="Organization", coerce=uuid.UUID)
    plan_code = forms.ChoiceField(label="Plan")
    seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS)
    note = forms.CharField(max_length=300, required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        plans = Plan.objects.filter(is_active=True).values_list("code", "name")
        for name, choices in (
            ("organization_id", names_of_open_organizations()),
            ("plan_code", list(plans)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  tells the type checker
            field.choices = choices


class SeatsForm(ConsoleForm):
    """The number of seats."""

    seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS)


class CancelForm(ConsoleForm):
    """Why."""

    reason = forms.CharField(max_length=300)


@admin.register(Plan)
class PlanAdmin(ConsoleAdmin):
    """The catalogue."""

    list_display = ("code", "name", "min_seats", "max_seats", "trial_days", "is_active")
    search_fields = ("code", "name")
    list_filter = ("is_active",)
    actions_list = ("create",)
    actions_detail = ("edit", "archive")

    @action(description="New plan", url_path="create", icon="add")
    def create(self, request: HttpRequest) -> HttpResponse:
        """Ask, then add a plan."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            return f"{create_plan(actor=actor, draft=PlanDraft(**values)).name} is offered."

        return self.run_act(
            request, Act("New plan", NewPlanForm, perform, reverse("admin:billing_plan_changelist"))
        )

    @action(description="Edit", url_path="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then change a plan."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            changed = update_plan(actor=actor, plan_id=uuid.UUID(object_id), changes=values)
            return f"{changed.name} is changed."

        found = Plan.objects.filter(id=object_id).values(*PlanForm.base_fields).first()
        back = reverse("admin:billing_plan_change", args=(object_id,))
        return self.run_act(request, Act("Edit", PlanForm, perform, back, initial=found or {}))

    @action(description="Archive", url_path="archive")
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then stop offering a plan."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            return f"{archive_plan(actor=actor, plan_id=uuid.UUID(object_id)).name} is archived."

        back = reverse("admin:billing_plan_change", args=(object_id,))
        return self.run_act(request, Act("Archive", ConsoleForm, perform, back))


@admin.register(Subscription)
class SubscriptionAdmin(ConsoleAdmin):
    """Who may use how many seats."""

    list_display = (
        "organization",
        "plan",
        "show_status",
        "purchased",
        "used",
        "starts_at",
        "ends_at",
        "note",
    )
    list_select_related = ("organization", "plan")
    list_filter = ("status", "plan")
    search_fields = ("organization__name", "organization__slug", "note")
    ordering = ("-id",)
    actions_list = ("grant",)
    actions_detail = ("set_seats", "cancel")

    @display(
        description="Status",
        label={"active": "success", "trialing": "info", "past_due": "warning", "canceled": "default"},
    )
    def show_status(self, subscription: Subscription) -> str:
        """Return the status."""
        return subscription.status

    @action(description="Grant a subscription", url_path="grant", icon="add")
    def grant(self, request: HttpRequest) -> HttpResponse:
        """Ask, then give an organization seats."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            granted = grant_subscription(actor=actor, **values)
            return f"{granted.organization.name} has {granted.purchased} seats."

        return self.run_act(request, Act("Grant a subscription", GrantForm, perform, reverse(SUBSCRIPTIONS)))

    @action(description="Change seats", url_path="change-seats")
    def set_seats(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then set the number of seats."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            changed = change_seats(actor=actor, subscription_id=uuid.UUID(object_id), seats=values["seats"])
            return f"There are {changed.purchased} seats now, {changed.free} of them free."

        return self.run_act(request, Act("Change seats", SeatsForm, perform, _page(object_id)))

    @action(description="Cancel", url_path="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then end the subscription."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            cancel_subscription(actor=actor, subscription_id=uuid.UUID(object_id), reason=values["reason"])
            return "The subscription is canceled."

        warning = "All seats are revoked at once; the history of who held them stays."
        return self.run_act(request, Act("Cancel", CancelForm, perform, _page(object_id), warning=warning))


@admin.register(SeatAssignment)
class SeatAssignmentAdmin(ConsoleAdmin):
    """Who holds and held which seat."""

    list_display = ("membership", "organization", "state", "created_at", "activated_at", "revoked_at")
    list_select_related = ("membership", "organization")
    list_filter = ("state",)
    search_fields = ("=membership_id", "organization__slug", "membership__user__email")
    ordering = ("-id",)


def _page(object_id: str) -> str:
    return reverse("admin:billing_subscription_change", args=(object_id,))
