"""Console pages of organizations."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.archives.services.exporting import request_export
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm, operator_of
from shared_apps.onboarding.selectors.organizations import with_seats
from shared_apps.onboarding.services.facts import update_organization
from shared_apps.onboarding.services.lifecycle import (
    MOST_GRACE_DAYS,
    delete_organization,
    keep_organization,
    resume_organization,
    suspend_organization,
    waive_export,
)
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.renaming import rename_organization
from shared_apps.onboarding.types import NewOrganization
from shared_apps.usage.admin import DAYS as USAGE_DAYS
from shared_apps.usage.admin import usage_context
from shared_apps.usage.selectors.figures import usage_of
from tenants.enums import OPEN_STATES, OrganizationState, Suspension
from tenants.models import Organization
from tenants.selectors.organizations import organizations_with_schema

LIST = "admin:tenants_organization_changelist"
STATE_COLOURS = {
    "provisioning": "info",
    "trial": "info",
    "active": "success",
    "past_due": "warning",
    "suspended": "danger",
    "closing": "danger",
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
    """Why, and how."""

    reason = forms.CharField(max_length=500, help_text="The organization's people are shown this.")
    mode = forms.ChoiceField(
        choices=[
            (Suspension.FULL, "Close: its people get in no more"),
            (Suspension.READ_ONLY, "Read only: its people sign in and look, and change nothing"),
        ],
        initial=Suspension.FULL,
    )


class RenameForm(ConsoleForm):
    """The new subdomain."""

    slug = forms.CharField(max_length=63, label="Subdomain", help_text="3 to 40 letters, digits, hyphens.")


class ExportForm(ConsoleForm):
    """Why it is exported."""

    reason = forms.CharField(
        max_length=200, required=False, help_text="Stands in the list and in the audit log."
    )


class WaiveForm(ConsoleForm):
    """Why no export is needed."""

    reason = forms.CharField(max_length=500, help_text="Stands in the receipt of the deletion.")


class DeleteForm(ConsoleForm):
    """Proof that the right one is meant."""

    confirm = forms.CharField(max_length=63, label="Type the subdomain to confirm")
    reason = forms.CharField(max_length=500, required=False)
    grace_days = forms.IntegerField(
        min_value=0,
        max_value=MOST_GRACE_DAYS,
        required=False,
        label="Days of grace",
        help_text=f"In which it can be kept after all. Left empty: {settings.ORGANIZATION_GRACE_DAYS}.",
    )
    export_waiver = forms.CharField(
        max_length=500,
        required=False,
        label="Why no export is needed",
        help_text="Left empty: its data is exported first. Must be filled in for 0 days.",
    )


_STANDING = OPEN_STATES | {OrganizationState.SUSPENDED}
# What is offered in which states only; the services refuse what does not fit in any case.
_OFFERED = {
    "export": _STANDING | {OrganizationState.CLOSING},
    "rename": _STANDING,
    "suspend": OPEN_STATES,
    "resume": frozenset({OrganizationState.SUSPENDED}),
    "remove": _STANDING | {OrganizationState.PROVISIONING},
    "keep": frozenset({OrganizationState.CLOSING}),
    "waive": frozenset({OrganizationState.CLOSING}),
}


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
    change_form_after_template = "console/usage_charts.html"
    actions_list = ("create",)
    actions_detail = (
        "edit",
        "billing",
        "usage",
        "export",
        "rename",
        "suspend",
        "resume",
        "remove",
        "keep",
        "waive",
    )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the acts that make sense in the organization's state."""
        state = Organization.objects.filter(pk=object_id).values_list("state", flat=True).first()
        return [
            act
            for act in super().get_actions_detail(request, object_id)
            if state in _OFFERED.get(act.method.__name__, {state})
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the organization with its usage of the last days."""
        found = Organization.objects.filter(pk=object_id).values_list("pk", flat=True).first()
        usage = None
        if found is not None:
            usage = usage_context(usage_of(operator_of(request), organization_id=found, days=USAGE_DAYS))
        context = {**(extra_context or {}), "usage": usage}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    @action(description="Billing", url_path="billing")
    def billing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page of its billing."""
        return HttpResponseRedirect(reverse("admin:billing_organization", args=(object_id,)))

    @action(description="Usage and shares", url_path="usage")
    def usage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page of its usage."""
        return HttpResponseRedirect(reverse("admin:usage_organization", args=(object_id,)))

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
        """Ask for reason and mode, then close the organization's host or let it be read only."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = suspend_organization(
                actor=actor,
                organization_id=uuid.UUID(object_id),
                reason=values["reason"],
                mode=Suspension(values["mode"]),
            )
            return f"{done.name} is suspended: {done.get_suspension_display().lower()}."

        return self.run_act(request, Act("Suspend", SuspendForm, perform, _page(object_id)))

    @action(description="Rename", url_path="rename")
    def rename(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the new subdomain, then move the organization there."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = rename_organization(actor=actor, organization_id=uuid.UUID(object_id), slug=values["slug"])
            return f"{done.name} is at {done.slug} now."

        warning = (
            "Links to the former address lead to the new one for"
            f" {settings.RENAMED_HOST_LIFETIME.days} days; programs that write there must be told."
        )
        facts = Organization.objects.filter(id=object_id).values("slug").first()
        act = Act("Rename", RenameForm, perform, _page(object_id), warning=warning, initial=facts or {})
        return self.run_act(request, act)

    @action(description="Resume", url_path="resume")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then open a suspended organization again."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = resume_organization(actor=actor, organization_id=uuid.UUID(object_id))
            return f"{done.name} is {done.get_state_display().lower()} again."

        return self.run_act(request, Act("Resume", ConsoleForm, perform, _page(object_id)))

    @action(description="Delete", url_path="delete-organization")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the subdomain, then close it for the grace."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = delete_organization(
                actor=actor,
                organization_id=uuid.UUID(object_id),
                confirm=values["confirm"],
                reason=values["reason"],
                grace_days=values["grace_days"],
                export_waiver=values["export_waiver"],
            )
            end = f" and will be deleted on {done.delete_after:%d %B %Y}" if done.delete_after else ""
            return f"{done.name} is {done.get_state_display().lower()}{end}."

        warning = (
            "This ends the access of all its people at once. After the days of grace all its data is removed,"
            " which cannot be undone."
        )
        return self.run_act(request, Act("Delete", DeleteForm, perform, _page(object_id), warning=warning))

    @action(description="Export now", url_path="export")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let a job write an archive; go to the organization's archives."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            request_export(actor=actor, organization_id=uuid.UUID(object_id), reason=values["reason"])
            return "The archive is being written; it stands here when it is ready."

        back = f"{reverse('admin:archives_archive_changelist')}?q={object_id}"
        return self.run_act(request, Act("Export now", ExportForm, perform, back))

    @action(description="Keep after all", url_path="keep")
    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then open a closing organization as it was."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = keep_organization(actor=actor, organization_id=uuid.UUID(object_id))
            return f"{done.name} is {done.get_state_display().lower()} again."

        return self.run_act(request, Act("Keep after all", ConsoleForm, perform, _page(object_id)))

    @action(description="Waive the export", url_path="waive-export")
    def waive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then let the deletion go on without an export."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            done = waive_export(actor=actor, organization_id=uuid.UUID(object_id), reason=values["reason"])
            return f"{done.name} will be deleted without an export."

        warning = "Nobody will have the data after the deletion but those who have a copy already."
        return self.run_act(
            request, Act("Waive the export", WaiveForm, perform, _page(object_id), warning=warning)
        )


def _page(object_id: str) -> str:
    return reverse("admin:tenants_organization_change", args=(object_id,))
