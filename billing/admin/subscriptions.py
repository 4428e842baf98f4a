"""Console pages of subscriptions: the list, operators' acts, an organization's whole billing."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.admin.story import acts_for, story_context
from billing.admin.wording import STATUS_TONES, day
from billing.models import Plan, Subscription
from billing.operator_errors import EndNotConfirmed
from billing.selectors.story import read_billing_story
from billing.services.access.access import extend_grace
from billing.services.operators.comps import comp_seats
from billing.services.operators.interventions import end_subscription, lengthen_trial
from billing.services.operators.subscriptions import cancel_subscription, change_seats, grant_subscription
from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm, Perform, operator_of
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from tenants.selectors.organizations import names_of_open_organizations

SUBSCRIPTIONS = "admin:billing_subscription_changelist"
MOST_SEATS = 1_000_000
REASON_HELP = "Stands in the audit log."


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


class CompForm(ConsoleForm):
    """How many seats on top, and why."""

    seats = forms.IntegerField(
        min_value=0,
        max_value=MOST_SEATS,
        label="Comped seats in all",
        help_text="On top of those that are paid for; 0 for none. Not how many more.",
    )
    reason = forms.CharField(max_length=300, help_text=REASON_HELP)


class UntilForm(ConsoleForm):
    """A day, and why."""

    until = forms.DateField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), help_text="To the end of this day, in UTC."
    )
    reason = forms.CharField(max_length=300, help_text=REASON_HELP)


class EndForm(ConsoleForm):
    """Proof that the right one is meant, and why."""

    confirm = forms.CharField(max_length=63, label="Type the subdomain to confirm")
    reason = forms.CharField(max_length=300, help_text=REASON_HELP)


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
        "show_billing",
    )
    list_select_related = ("organization", "plan")
    list_filter = ("status", "plan")
    search_fields = ("organization__name", "organization__slug", "note")
    ordering = ("-id",)
    actions_list = ("grant",)
    actions_detail = ("billing", "set_seats", "comp", "trial", "grace", "end", "cancel")

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, with an organization's billing among them."""
        wrap = self.admin_site.admin_view
        own = [
            path("of/<uuid:organization_id>/", wrap(self.story), name="billing_organization"),
            path("reconcile/", wrap(self.reconcile), name="billing_reconcile"),
        ]
        return [*own, *super().get_urls()]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the acts that make sense for a billed or a granted subscription."""
        row = Subscription.objects.filter(pk=object_id).first()
        offered = {"billing"} if row is None else {"billing", *acts_for(row)}
        return [
            act for act in super().get_actions_detail(request, object_id) if act.method.__name__ in offered
        ]

    @display(description="Status", ordering="status", label=STATUS_TONES)
    def show_status(self, subscription: Subscription) -> tuple[str, str]:
        """Return the status in words."""
        return subscription.status, subscription.get_status_display()

    @display(description="Billing")
    def show_billing(self, subscription: Subscription) -> str:
        """Return the link to the organization's billing page."""
        address = reverse("admin:billing_organization", args=(subscription.organization_id,))
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">Open</a>', address)

    def story(self, request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
        """Show an organization's billing: state, seats over time, what happened, what can be done."""
        try:
            story = read_billing_story(actor=operator_of(request), organization_id=organization_id)
        except NotFound as error:
            raise Http404 from error
        context = {
            **self.admin_site.each_context(request),
            "title": f"Billing of {story.organization.name}",
            "opts": self.model._meta,
            **story_context(story),
        }
        return TemplateResponse(request, "console/billing.html", context)

    def reconcile(self, request: HttpRequest) -> HttpResponse:
        """Ask, then have all that is here compared with the gateway by a job."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            enqueue("billing.reconcile", organization_id=None)
            return "The comparison runs; what differs stands under Gateway drifts in a minute or two."

        back = f"{reverse('admin:billing_drift_changelist')}?resolved_at__isempty=1"
        return self.run_act(request, Act("Compare with the gateway now", ConsoleForm, perform, back))

    @action(description="Billing", url_path="billing")
    def billing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the organization's billing page."""
        return HttpResponseRedirect(_story_of(object_id))

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

        return self.run_act(request, _act_on(object_id, "Change seats", SeatsForm, perform))

    @action(description="Comp seats", url_path="comp-seats")
    def comp(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then set how many seats there are on top of those that are paid for."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            changed = comp_seats(actor=actor, subscription_id=uuid.UUID(object_id), **values)
            there = f"there are {changed.purchased} now, {changed.free} of them free"
            return f"{changed.comped} seats are comped; {there}."

        initial = {"seats": _found(object_id).comped}
        return self.run_act(request, _act_on(object_id, "Comp seats", CompForm, perform, initial=initial))

    @action(description="Extend the trial", url_path="extend-trial")
    def trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask until when, then let the trial last so long."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            change = lengthen_trial(
                actor=actor,
                subscription_id=uuid.UUID(object_id),
                until=_end_of(values["until"]),
                reason=values["reason"],
            )
            return f"Longer trial: {change.get_state_display().lower()}."

        return self.run_act(request, _act_on(object_id, "Extend the trial", UntilForm, perform))

    @action(description="Extend the grace", url_path="extend-grace")
    def grace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask until when, then let people work on so long although something is owed."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            changed = extend_grace(
                actor=actor,
                subscription_id=uuid.UUID(object_id),
                until=_end_of(values["until"]),
                note=values["reason"],
            )
            return f"The grace ends on {day(changed.grace_until)}."

        return self.run_act(request, _act_on(object_id, "Extend the grace", UntilForm, perform))

    @action(description="End now", url_path="end")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the subdomain and why, then end the subscription at the gateway."""
        row = _found(object_id)

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            if values["confirm"] != row.organization.slug:
                raise EndNotConfirmed(field="confirm")
            ended = end_subscription(actor=actor, subscription_id=row.id, reason=values["reason"])
            return f"The subscription of {row.organization.name} is {ended.get_status_display().lower()}." + (
                "" if ended.canceled_at else " It ends as soon as the payment service answers."
            )

        warning = (
            "The subscription ends at once and cannot be brought back; the organization is closed but for"
            " reading and exporting by those who manage it. Nothing is paid back by itself: refund the last"
            " invoice besides, if that is meant."
        )
        return self.run_act(request, _act_on(object_id, "End now", EndForm, perform, warning=warning))

    @action(description="Cancel", url_path="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then end the subscription."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            cancel_subscription(actor=actor, subscription_id=uuid.UUID(object_id), reason=values["reason"])
            return "The subscription is canceled."

        warning = "All seats are revoked at once; the history of who held them stays."
        return self.run_act(request, _act_on(object_id, "Cancel", CancelForm, perform, warning=warning))


def _end_of(wanted: date) -> datetime:
    return datetime.combine(wanted + timedelta(days=1), time(), tzinfo=UTC) - timedelta(seconds=1)


def _act_on(
    object_id: str,
    title: str,
    form: type[ConsoleForm],
    perform: Perform,
    *,
    warning: str = "",
    initial: Mapping[str, Any] | None = None,
) -> Act:
    """Return an act on a subscription, headed by whose it is."""
    about = _found(object_id).organization.name
    return Act(title, form, perform, _story_of(object_id), warning, initial or {}, about)


def _found(object_id: str) -> Subscription:
    try:
        return Subscription.objects.select_related("organization").get(id=object_id)
    except (Subscription.DoesNotExist, ValidationError) as missing:
        raise Http404 from missing


def _story_of(object_id: str) -> str:
    """Return the address of the organization's billing page; the list's for a subscription that is not."""
    found = Subscription.objects.filter(id=object_id).values_list("organization_id", flat=True).first()
    return reverse("admin:billing_organization", args=(found,)) if found else reverse(SUBSCRIPTIONS)
