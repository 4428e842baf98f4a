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
    DeleteIn,
    OrganizationChanges,
    OrganizationFilter,
    OrganizationIn,
    OrganizationOut,
    OwnOrganizationChanges,
    OwnOrganizationOut,
    SuspendIn,
)
from shared_apps.onboarding.selectors.organizations import (
    get_organization,
    get_own_organization,
    list_organizations,
)
from shared_apps.onboarding.services.facts import update_organization, update_own_organization
from shared_apps.onboarding.services.lifecycle import (
    delete_organization,
    resume_organization,
    suspend_organization,
)
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.types import NewOrganization
from tenants.context import current_organization
from tenants.enums import OrganizationState


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
        """Close the organization's host; nothing is lost."""
        suspend_organization(actor=self.actor, organization_id=pk, reason=self.parsed(SuspendIn)["reason"])
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
        """Delete an organization: its people are out at once, a job removes data and names."""
        wanted = self.parsed(DeleteIn)
        delete_organization(
            actor=self.actor, organization_id=pk, confirm=wanted["confirm"], reason=wanted["reason"]
        )
        return self._answer(pk, status=202)

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


class OwnOrganizationViewSet(DomainViewSet):
    """The organization whose host is asked."""

    policies: ClassVar[dict[str, str]] = {"show": "organization.view", "change": "organization.edit"}

    @extend_schema(responses={200: OwnOrganizationOut})
    @action(detail=False, methods=["get"], url_path="organization")
    def show(self, request: Request) -> Response:
        """Read name, branding and defaults."""
        found = get_own_organization(actor=self.actor, organization=current_organization())
        return self.answer(OwnOrganizationOut, found)

    @extend_schema(request=OwnOrganizationChanges, responses={200: OwnOrganizationOut})
    @show.mapping.patch
    def change(self, request: Request) -> Response:
        """Change name, branding and defaults."""
        changed = update_own_organization(
            actor=self.actor,
            organization=current_organization(),
            changes=self.parsed(OwnOrganizationChanges, partial=True),
        )
        return self.answer(OwnOrganizationOut, changed)
