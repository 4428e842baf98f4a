"""Organizations, for operators on the platform host; and one's own, on the organization's host."""

import hashlib
import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.idempotency import HEADER
from api.core.viewsets import DomainViewSet
from api.v1.organizations.serializers import (
    AllowEntriesIn,
    DeleteIn,
    EntryIn,
    EntryOut,
    OpenedEntryOut,
    OrganizationChanges,
    OrganizationFilter,
    OrganizationIn,
    OrganizationOut,
    OwnOrganizationChanges,
    OwnOrganizationOut,
    ReceiptOut,
    RenameIn,
    SuspendIn,
    WaiveExportIn,
)
from shared_apps.onboarding.selectors.offboarding import get_receipt
from shared_apps.onboarding.selectors.organizations import (
    get_organization,
    get_own_organization,
    list_entries,
    list_organizations,
)
from shared_apps.onboarding.services.entries import allow_entries, end_entry, enter_organization
from shared_apps.onboarding.services.facts import update_organization, update_own_organization
from shared_apps.onboarding.services.lifecycle import (
    delete_organization,
    keep_organization,
    resume_organization,
    suspend_organization,
    waive_export,
)
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.receipts import document_of
from shared_apps.onboarding.services.renaming import rename_organization, rename_own_organization
from shared_apps.onboarding.types import NewOrganization
from tenants.context import current_organization
from tenants.enums import OrganizationState, Suspension


class OrganizationViewSet(DomainViewSet):
    """The customers of the platform."""

    policies: ClassVar[dict[str, str]] = {
        "list": "organizations.view",
        "retrieve": "organizations.view",
        "create": "organizations.manage",
        "partial_update": "organizations.manage",
        "suspend": "organizations.manage",
        "resume": "organizations.manage",
        "remove": "organizations.manage",
        "keep": "organizations.manage",
        "waive": "organizations.manage",
        "rename": "organizations.manage",
        "receipt": "organizations.view",
    }

    @extend_schema(parameters=[OrganizationFilter], responses={200: OrganizationOut(many=True)})
    def list(self, request: Request) -> Response:
        """List organizations with their seats, newest first."""
        wanted = self.parsed_query(OrganizationFilter)
        rows = list_organizations(
            actor=self.actor,
            search=wanted["search"],
            state=OrganizationState(wanted["state"]) if "state" in wanted else None,
        )
        return self.page(OrganizationOut, rows)

    @extend_schema(responses={200: OrganizationOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one organization."""
        return self._answer(pk)

    @extend_schema(request=OrganizationIn, responses={201: OrganizationOut})
    def create(self, request: Request) -> Response:
        """Provision an organization and invite its owner.

        With an Idempotency-Key the same request never makes a second organization, however late it is sent
        again. State `provisioning` in the answer means that the host opens in a few seconds.
        """
        organization = provision_organization(
            actor=self.actor,
            request=NewOrganization(**self.parsed(OrganizationIn)),
            creation_key=self._creation_key(),
        )
        return self._answer(
            organization.id, status=201, headers={"Location": f"/api/v1/organizations/{organization.id}"}
        )

    @extend_schema(request=OrganizationChanges, responses={200: OrganizationOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change facts and settings."""
        update_organization(
            actor=self.actor, organization_id=pk, changes=self.parsed(OrganizationChanges, partial=True)
        )
        return self._answer(pk)

    @extend_schema(request=SuspendIn, responses={200: OrganizationOut})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: uuid.UUID) -> Response:
        """Close the organization's host, or let it be read only; nothing is lost."""
        wanted = self.parsed(SuspendIn)
        suspend_organization(
            actor=self.actor, organization_id=pk, reason=wanted["reason"], mode=Suspension(wanted["mode"])
        )
        return self._answer(pk)

    @extend_schema(request=None, responses={200: OrganizationOut})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: uuid.UUID) -> Response:
        """Open a suspended organization again."""
        resume_organization(actor=self.actor, organization_id=pk)
        return self._answer(pk)

    @extend_schema(request=DeleteIn, responses={202: OrganizationOut})
    @action(detail=True, methods=["post"], url_path="delete")
    def remove(self, request: Request, pk: uuid.UUID) -> Response:
        """Give an organization up: its people are out at once, its data is deleted after the grace.

        Until `delete_after` it can be kept after all. Then, once its export is finished or waived, a job
        deletes data, files and names and signs a receipt.
        """
        wanted = self.parsed(DeleteIn)
        delete_organization(
            actor=self.actor,
            organization_id=pk,
            confirm=wanted["confirm"],
            reason=wanted["reason"],
            grace_days=wanted.get("grace_days"),
            export_waiver=wanted["export_waiver"],
        )
        return self._answer(pk, status=202)

    @extend_schema(request=None, responses={200: OrganizationOut})
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: uuid.UUID) -> Response:
        """Keep a closing organization after all: it is what it was before."""
        keep_organization(actor=self.actor, organization_id=pk)
        return self._answer(pk)

    @extend_schema(request=WaiveExportIn, responses={200: OrganizationOut})
    @action(detail=True, methods=["post"], url_path="waive-export")
    def waive(self, request: Request, pk: uuid.UUID) -> Response:
        """Let a closing organization be deleted at its time without a finished export."""
        waive_export(actor=self.actor, organization_id=pk, reason=self.parsed(WaiveExportIn)["reason"])
        return self._answer(pk)

    @extend_schema(request=RenameIn, responses={200: OrganizationOut})
    @action(detail=True, methods=["post"])
    def rename(self, request: Request, pk: uuid.UUID) -> Response:
        """Give the organization another subdomain; the former one redirects readers for a while and rests."""
        rename_organization(actor=self.actor, organization_id=pk, slug=self.parsed(RenameIn)["slug"])
        return self._answer(pk)

    @extend_schema(responses={200: ReceiptOut})
    @action(detail=True, methods=["get"], url_path="deletion-receipt")
    def receipt(self, request: Request, pk: uuid.UUID) -> Response:
        """Read the signed receipt of a deleted organization."""
        found = get_receipt(actor=self.actor, organization_id=pk)
        return self.answer(
            ReceiptOut,
            document_of(found),
            headers={"Content-Disposition": f'attachment; filename="deletion-{found.slug}.json"'},
        )

    def _answer(
        self, organization_id: uuid.UUID, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        found = get_organization(actor=self.actor, organization_id=organization_id)
        return self.answer(OrganizationOut, found, status=status, headers=headers)

    def _creation_key(self) -> str | None:
        """Return the caller's key made unlike any other caller's, None when none was sent."""
        key = self.request.headers.get(HEADER)
        if key is None:
            return None
        return hashlib.sha256(f"{self.actor.user_id}:{key}".encode()).hexdigest()


class EntryViewSet(DomainViewSet):
    """Operators' looks into an organization; each stands in its audit log as well as in the platform's."""

    policies: ClassVar[dict[str, str]] = {
        "list": "organizations.view",
        "create": "organizations.enter",
        "end": "organizations.enter",
    }

    @extend_schema(responses={200: EntryOut(many=True)})
    def list(self, request: Request, organization_id: uuid.UUID) -> Response:
        """List entries, newest first."""
        return self.page(EntryOut, list_entries(actor=self.actor, organization_id=organization_id))

    @extend_schema(request=EntryIn, responses={201: OpenedEntryOut})
    def create(self, request: Request, organization_id: uuid.UUID) -> Response:
        """Look in, for a reason: a token for the organization's host that reads for a quarter of an hour."""
        opened = enter_organization(
            actor=self.actor, organization_id=organization_id, reason=self.parsed(EntryIn)["reason"]
        )
        opened.entry.token, opened.entry.host = opened.token, opened.host  # type: ignore[attr-defined]
        return self.answer(
            OpenedEntryOut,
            opened.entry,
            status=201,
            headers={"Location": f"/api/v1/organizations/{organization_id}/entries"},
        )

    @extend_schema(request=None, responses={200: EntryOut})
    @action(detail=True, methods=["post"])
    def end(self, request: Request, organization_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """End an entry before its time."""
        ended = end_entry(actor=self.actor, organization_id=organization_id, entry_id=pk)
        return self.answer(EntryOut, ended)


class OwnOrganizationViewSet(DomainViewSet):
    """The organization whose host is asked."""

    policies: ClassVar[dict[str, str]] = {
        "show": "organization.view",
        "change": "organization.edit",
        "rename": "organization.rename",
        "support_entry": "organization.support",
    }

    @extend_schema(responses={200: OwnOrganizationOut})
    @action(detail=False, methods=["get"], url_path="organization")
    def show(self, request: Request) -> Response:
        """Read name, branding and defaults."""
        return self._own()

    @extend_schema(request=OwnOrganizationChanges, responses={200: OwnOrganizationOut})
    @show.mapping.patch
    def change(self, request: Request) -> Response:
        """Change name, branding and defaults."""
        update_own_organization(
            actor=self.actor,
            organization=current_organization(),
            changes=self.parsed(OwnOrganizationChanges, partial=True),
        )
        return self._own()

    @extend_schema(request=RenameIn, responses={200: OwnOrganizationOut})
    @action(detail=False, methods=["post"], url_path="organization/rename")
    def rename(self, request: Request) -> Response:
        """Take another subdomain. This address then only redirects readers to `host`; tokens stay good."""
        rename_own_organization(
            actor=self.actor, organization=current_organization(), slug=self.parsed(RenameIn)["slug"]
        )
        return self._own()

    @extend_schema(request=AllowEntriesIn, responses={200: OwnOrganizationOut})
    @action(detail=False, methods=["put"], url_path="organization/support-entry")
    def support_entry(self, request: Request) -> Response:
        """Let operators of the platform look in, or not; forbidding ends the entries there are at once."""
        allow_entries(
            actor=self.actor,
            organization=current_organization(),
            allowed=self.parsed(AllowEntriesIn)["allowed"],
        )
        return self._own()

    def _own(self) -> Response:
        found = get_own_organization(actor=self.actor, organization=current_organization())
        return self.answer(OwnOrganizationOut, found)
