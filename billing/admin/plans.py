"""Console pages of what is sold: plans, their prices, promotion codes."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from billing.admin.wording import money
from billing.models import Plan, PlanPrice, Promotion
from billing.services.catalogue.plans import PlanDraft, archive_plan, create_plan, update_plan
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm

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


@admin.register(PlanPrice)
class PlanPriceAdmin(ConsoleAdmin):
    """What a seat costs under each plan."""

    list_display = (
        "plan",
        "interval",
        "show_price",
        "tax_behavior",
        "is_active",
        "gateway_ref",
        "created_at",
    )
    list_select_related = ("plan",)
    list_filter = ("is_active", "interval", "currency")
    search_fields = ("plan__code", "plan__name", "=gateway_ref")
    ordering = ("plan__code", "interval", "currency")

    @display(description="A seat", ordering="unit_minor")
    def show_price(self, price: PlanPrice) -> str:
        """Return the price of a seat."""
        return money(price.unit_minor, price.currency)


@admin.register(Promotion)
class PromotionAdmin(ConsoleAdmin):
    """Codes that lower a price."""

    list_display = ("code", "show_discount", "duration", "plan", "max_redemptions", "expires_at", "is_active")
    list_select_related = ("plan",)
    list_filter = ("is_active", "duration")
    search_fields = ("code", "=gateway_ref")
    ordering = ("code",)

    @display(description="Discount")
    def show_discount(self, promotion: Promotion) -> str:
        """Return what it takes off."""
        if promotion.percent is not None:
            return f"{promotion.percent} %"
        return money(promotion.amount_minor or 0, promotion.currency)
