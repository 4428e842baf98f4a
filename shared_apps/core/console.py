"""What every page of the operator console shares: rows are read-only, acts are forms that call one service.

Django's admin writes rows by itself; here that is switched off for all models, so an operator's act runs the
same policy, lock and audit as the API's. An act is a button that opens a form of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from shared_apps.core.actors import Actor, ActorKind
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import DomainError

Perform = Callable[[Actor, dict[str, Any]], str]


class ConsoleForm(forms.Form):
    """A form in the console's clothes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for shown in self.fields.values():
            widget = _widget_of(shown)
            if widget is not None:
                widget.is_required = shown.required
                shown.widget = widget


@dataclass(frozen=True, slots=True)
class Act:
    """One act of an operator.

    Attributes:
        title: heading and button.
        form: what is asked for.
        perform: calls the service with the actor and the cleaned values; returns the sentence to show.
        back: address to go to afterwards.
        warning: shown above the form of an act that cannot be undone.
        about: whom or what it is done to, beside the heading.
    """

    title: str
    form: type[ConsoleForm]
    perform: Perform
    back: str
    warning: str = ""
    initial: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


class ConsoleAdmin(ModelAdmin):
    """Read-only list and detail for operators."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Operators see every section; `is_staff` is what makes an operator."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Operators see every row."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: rows are ended by services."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the pages' routes; one whose id can be no row's is 404 to operators."""
        routes: list[URLPattern] = super().get_urls()
        for route in routes:
            route.callback = self._of_rows(route.callback)
        return routes

    def _of_rows(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
            # Anybody else is sent to sign in, by the view.
            if "object_id" in named and self.admin_site.has_permission(request):
                try:
                    self.opts.pk.to_python(unquote(named["object_id"]))
                except ValidationError as impossible:
                    raise Http404 from impossible
            return view(request, *arguments, **named)

        return checked

    def run_act(self, request: HttpRequest, act: Act) -> HttpResponse:
        """Show the act's form, or perform it when it was sent; a refusal shows at its field."""
        form = act.form(request.POST if request.method == "POST" else None, initial=dict(act.initial))
        if request.method == "POST" and form.is_valid():
            try:
                said = act.perform(operator_of(request), form.cleaned_data)
            except DomainError as refused:
                form.add_error(
                    refused.field if refused.field in form.fields else None,
                    " ".join(part for part in (refused.title, refused.advice, _facts_of(refused)) if part),
                )
            else:
                messages.success(request, said)
                return HttpResponseRedirect(act.back)
        context = {
            **self.admin_site.each_context(request),
            "title": act.title,
            "form": form,
            "act": act,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "console/act.html", context)


def operator_of(request: HttpRequest) -> Actor:
    """Return the operator who is signed in to the console."""
    user: Any = request.user
    return Actor(
        kind=ActorKind.OPERATOR,
        user_id=user.pk,
        label=user.email,
        address=client_address(request),
        request_id=getattr(request, "request_id", None),
        via="console",
    )


def console_urls(site: admin.AdminSite) -> Any:
    """Return the console's routes, after taking out the pages that libraries registered: those write rows
    past services and audit (Django's groups, allauth's addresses)."""
    for model, page in list(site._registry.items()):
        if not isinstance(page, ConsoleAdmin):
            site.unregister(model)
    return site.urls


def _facts_of(error: DomainError) -> str:
    return ", ".join(f"{name}: {value}" for name, value in error.facts.items())


def _widget_of(shown: forms.Field) -> Any:
    if isinstance(shown, forms.ChoiceField):
        return UnfoldAdminSelectWidget(choices=shown.choices)
    if isinstance(shown, forms.IntegerField):
        return UnfoldAdminIntegerFieldWidget()
    if isinstance(shown, forms.EmailField):
        return UnfoldAdminEmailInputWidget()
    if isinstance(shown, forms.CharField):
        return UnfoldAdminTextInputWidget()
    return None
