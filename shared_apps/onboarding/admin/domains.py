"""Console pages of custom domains."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.core.actors import Actor
from shared_apps.core.console import Act, ConsoleAdmin, ConsoleForm
from shared_apps.core.errors import NotFound
from shared_apps.onboarding.selectors.domains import challenge_name, dns_target, with_hosts
from shared_apps.onboarding.services.domains import (
    check_domain,
    make_primary,
    remove_domain,
)
from tenants.models import DomainClaim

LIST = "admin:tenants_domainclaim_changelist"


@admin.register(DomainClaim)
class DomainClaimAdmin(ConsoleAdmin):
    """Domains that customers say are theirs, and what DNS says of it."""

    list_display = ("domain", "organization", "show_state", "problem", "is_primary", "checked_at", "stops_at")
    list_select_related = ("organization",)
    search_fields = ("domain", "organization__slug", "organization__name")
    ordering = ("domain", "id")
    fields = (
        "domain",
        "organization",
        "show_state",
        "problem",
        "txt_record",
        "cname_record",
        "proven_at",
        "checked_at",
        "stops_at",
    )
    readonly_fields = ("show_state", "txt_record", "cname_record", "stops_at")
    actions_detail = ("check_now", "primary", "remove")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return claims with what became of them, in one statement."""
        return with_hosts(DomainClaim.objects.select_related("organization"))

    @display(description="State", label={"waiting": "info", "proven": "success", "failing": "danger"})
    def show_state(self, claim: Any) -> str:
        """Return where the domain stands."""
        if not claim.is_served:
            return "waiting"
        return "proven" if claim.stops_at is None else "failing"

    @display(description="Primary", boolean=True)
    def is_primary(self, claim: Any) -> bool:
        """Return whether links name it."""
        return bool(claim.is_primary)

    @display(description="Stops at")
    def stops_at(self, claim: Any) -> Any:
        """Return when a domain whose record is gone stops."""
        return claim.stops_at or "-"

    @display(description="TXT record that proves it")
    def txt_record(self, claim: Any) -> str:
        """Return name and value."""
        return f"{challenge_name(claim.domain)}  →  {claim.token}"

    @display(description="CNAME record that leads here")
    def cname_record(self, claim: Any) -> str:
        """Return name and value."""
        return f"{claim.domain}  →  {dns_target()}"

    @action(description="Check now", url_path="check")
    def check_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then look up the DNS records."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            claim = _claim(object_id)
            check_domain(actor=actor, organization_id=claim.organization_id, claim_id=claim.id)
            claim.refresh_from_db()
            return f"{claim.domain}: {claim.problem or 'proven'}."

        return self.run_act(request, Act("Check now", ConsoleForm, perform, _page(object_id)))

    @action(description="Make primary", url_path="make-primary")
    def primary(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let links name the domain."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            claim = _claim(object_id)
            make_primary(actor=actor, organization_id=claim.organization_id, claim_id=claim.id)
            return f"Links and mails name {claim.domain} now."

        return self.run_act(request, Act("Make primary", ConsoleForm, perform, _page(object_id)))

    @action(description="Remove", url_path="remove")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then take the domain away."""

        def perform(actor: Actor, values: dict[str, Any]) -> str:
            claim = _claim(object_id)
            remove_domain(actor=actor, organization_id=claim.organization_id, claim_id=claim.id)
            return f"{claim.domain} is removed."

        warning = "The domain stops answering at once. The subdomain goes on."
        return self.run_act(request, Act("Remove", ConsoleForm, perform, reverse(LIST), warning=warning))


def _claim(object_id: str) -> DomainClaim:
    found = DomainClaim.objects.filter(id=uuid.UUID(object_id)).first()
    if found is None:
        raise NotFound(domain=object_id)
    return found


def _page(object_id: str) -> str:
    return reverse("admin:tenants_domainclaim_change", args=(object_id,))
