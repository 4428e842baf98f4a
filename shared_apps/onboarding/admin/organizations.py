"""Console pages of organizations."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.onboarding.selectors.organizations import with_seats
from shared_apps.onboarding.services.facts import update_organization
from shared_apps.onboarding.services.lifecycle import (
    delete_organization,
    resume_organization,
    suspend_organization,
)
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.types import NewOrganization
from tenants.models import Organization
from tenants.selectors.organizations import organizations_with_schema

LIST = "admin:tenants_organization_changelist"
STATE_COLOURS = {
    "provisioning": "info",
    "trial": "info",
    "active": "success",
    "past_due": "warning",
    "suspended": "danger",
    "deleting": "danger",
    "deleted": "default",
}


class CreateForm(ConsoleForm):
    """A new organization."""

    name = forms.CharField(max_length=200)
    slug = forms.CharField(max_length=63, label="Subdomain", help_text="3 to 40 letters, digits, hyphens.")
    owner_email = forms.EmailField(max_length=254, label="Owner's e-mail", help_text="Gets the invitation.")
    timezone = forms.CharField(max_length=64, initial="UTC", help_text="For example Europe/Berlin.")
    language = forms.CharField(max_length=12, initial="en")


class ChangeForm(ConsoleForm):
    """Facts of an organization."""

    name = forms.CharField(max_length=200)
    timezone = forms.CharField(max_length=64)
    language = forms.CharField(max_length=12)


class SuspendForm(ConsoleForm):
    """Why."""

    reason = forms.CharField(max_length=500, help_text="The organization's people are shown this.")


class DeleteForm(ConsoleForm):
    """Proof that the right one is meant."""

    confirm = forms.CharField(max_length=63, label="Type the subdomain to confirm")
    reason = forms.CharField(max_length=500, required=False)


@admin.register(Organization)
class OrganizationAdmin(ConsoleAdmin):
    """The customers."""

    list_display = (
        "show_name",
        "show_state",
        "plan",
        "show_seats",
        "owner_email",
        "schema_state",
        "created_at",
    )
    list_filter = ("state",)
    search_fields = ("name", "slug", "owner_email")
    ordering = ("-id",)
    exclude = ("creation_key",)
    actions_list = ("create",)
    actions_detail = ("edit", "suspend", "resume", "remove")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        """Return organizations with schema and seats, in one statement."""
        return with_seats(organizations_with_schema()).order_by("-id")

    @display(description="Organization", ordering="name", header=True)
    def show_name(self, organization: Organization) -> list[str]:
        """Return name and subdomain."""
        return [organization.name, organization.slug]

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def show_state(self, organization: Organization) -> str:
        """Return the state."""
        return organization.state

    @display(description="Plan")
    def plan(self, organization: Any) -> str:
        """Return the plan's code."""
        return organization.plan or "-"

    @display(description="Seats")
    def show_seats(self, organization: Any) -> str:
        """Return used and granted seats."""
        if organization.seats_purchased is None:
            return "-"
        return f"{organization.seats_used} / {organization.seats_purchased}"

    @display(description="Schema")
    def schema_state(self, organization: Any) -> str:
        """Return the state of the schema."""
        return organization.schema_state or "-"

    @action(description="New organization", url_path="create", icon="add")
    def create(self, request: HttpRequest) -> HttpResponse:
        """Ask, then provision."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            made = provision_organization(actor=actor, request=NewOrganization(**values))
            return f"{made.name} is {made.get_state_display().lower()}; its owner is invited."

        return self.run_act(request, Act("New organization", CreateForm, perform, reverse(LIST)))

    @action(description="Edit", url_path="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then change facts."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            changed = update_organization(actor=actor, organization_id=uuid.UUID(object_id), changes=values)
            return f"{changed.name} is changed."

        facts = Organization.objects.filter(id=object_id).values("name", "timezone", "language").first()
        return self.run_act(request, Act("Edit", ChangeForm, perform, _page(object_id), initial=facts or {}))

    @action(description="Suspend", url_path="suspend")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then close the organization's host."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = suspend_organization(
                actor=actor, organization_id=uuid.UUID(object_id), reason=values["reason"]
            )
            return f"{done.name} is suspended."

        return self.run_act(request, Act("Suspend", SuspendForm, perform, _page(object_id)))

    @action(description="Resume", url_path="resume")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then open a suspended organization again."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = resume_organization(actor=actor, organization_id=uuid.UUID(object_id))
            return f"{done.name} is {done.get_state_display().lower()} again."

        return self.run_act(request, Act("Resume", ConsoleForm, perform, _page(object_id)))

    @action(description="Delete", url_path="delete-organization")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the subdomain, then begin the deletion."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = delete_organization(
                actor=actor,
                organization_id=uuid.UUID(object_id),
                confirm=values["confirm"],
                reason=values["reason"],
            )
            return f"{done.name} is being deleted."

        warning = (
            "This ends the access of all its people at once and removes all its data. It cannot be undone."
        )
        return self.run_act(request, Act("Delete", DeleteForm, perform, _page(object_id), warning=warning))


def _page(object_id: str) -> str:
    return reverse("admin:tenants_organization_change", args=(object_id,))
