"""Custom domains: an organization's own on its host, anybody's for operators on the platform's."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.domains.serializers import DomainIn, DomainOut
from shared_apps.onboarding.selectors.domains import get_domain, list_domains
from shared_apps.onboarding.services.domains import (
    check_domain,
    claim_domain,
    make_primary,
    remove_domain,
)
from tenants.context import current_organization

POLICIES = {
    "list": "domains.manage",
    "create": "domains.manage",
    "retrieve": "domains.manage",
    "destroy": "domains.manage",
    "check": "domains.manage",
    "primary": "domains.manage",
}


class OrganizationDomainsViewSet(DomainViewSet):
    """Custom domains of one organization, for operators. There are 20 at most: no pages."""

    policies: ClassVar[dict[str, str]] = POLICIES
    pagination_class = None  # type: ignore[assignment]  # a list without pages

    @extend_schema(responses={200: DomainOut(many=True)})
    def list(self, request: Request, organization_id: uuid.UUID) -> Response:
        """List custom domains, proven or not."""
        return self._all(organization_id)

    @extend_schema(request=DomainIn, responses={201: DomainOut})
    def create(self, request: Request, organization_id: uuid.UUID) -> Response:
        """Claim a domain; the answer names the DNS records that prove it."""
        return self._claim(organization_id, f"/api/v1/organizations/{organization_id}/domains")

    @extend_schema(responses={200: DomainOut})
    def retrieve(self, request: Request, organization_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Read one custom domain."""
        return self._one(organization_id, pk)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, organization_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Give a domain up; it stops answering at once."""
        remove_domain(actor=self.actor, organization_id=organization_id, claim_id=pk)
        return Response(status=204)

    @extend_schema(request=None, responses={200: DomainOut})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, organization_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Look up the DNS records now."""
        check_domain(actor=self.actor, organization_id=organization_id, claim_id=pk)
        return self._one(organization_id, pk)

    @extend_schema(request=None, responses={200: DomainOut})
    @action(detail=True, methods=["post"], url_path="make-primary")
    def primary(self, request: Request, organization_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Let links and mails name this domain."""
        make_primary(actor=self.actor, organization_id=organization_id, claim_id=pk)
        return self._one(organization_id, pk)

    def _all(self, organization_id: uuid.UUID) -> Response:
        found = list_domains(actor=self.actor, organization_id=organization_id)
        return self.answer(DomainOut, found, many=True)

    def _one(self, organization_id: uuid.UUID, claim_id: uuid.UUID, **options: object) -> Response:
        found = get_domain(actor=self.actor, organization_id=organization_id, claim_id=claim_id)
        return self.answer(DomainOut, found, **options)  # type: ignore[arg-type]

    def _claim(self, organization_id: uuid.UUID, address: str) -> Response:
        wanted = self.parsed(DomainIn)["domain"]
        claim = claim_domain(actor=self.actor, organization_id=organization_id, domain=wanted)
        return self._one(organization_id, claim.id, status=201, headers={"Location": f"{address}/{claim.id}"})


class DomainsViewSet(OrganizationDomainsViewSet):
    """Custom domains of the organization whose host is asked."""

    policies: ClassVar[dict[str, str]] = POLICIES

    @extend_schema(responses={200: DomainOut(many=True)})
    def list(self, request: Request) -> Response:  # type: ignore[override]  # the host names the organization
        """List custom domains, proven or not."""
        return self._all(current_organization().id)

    @extend_schema(request=DomainIn, responses={201: DomainOut})
    def create(self, request: Request) -> Response:  # type: ignore[override]  # as above
        """Claim a domain; the answer names the DNS records that prove it."""
        return self._claim(current_organization().id, "/api/v1/domains")

    @extend_schema(responses={200: DomainOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:  # type: ignore[override]  # as above
        """Read one custom domain."""
        return self._one(current_organization().id, pk)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:  # type: ignore[override]  # as above
        """Give a domain up; it stops answering at once."""
        remove_domain(actor=self.actor, organization_id=current_organization().id, claim_id=pk)
        return Response(status=204)

    @extend_schema(request=None, responses={200: DomainOut})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: uuid.UUID) -> Response:  # type: ignore[override]  # as above
        """Look up the DNS records now."""
        check_domain(actor=self.actor, organization_id=current_organization().id, claim_id=pk)
        return self._one(current_organization().id, pk)

    @extend_schema(request=None, responses={200: DomainOut})
    @action(detail=True, methods=["post"], url_path="make-primary")
    def primary(self, request: Request, pk: uuid.UUID) -> Response:  # type: ignore[override]  # as above
        """Let links and mails name this domain."""
        make_primary(actor=self.actor, organization_id=current_organization().id, claim_id=pk)
        return self._one(current_organization().id, pk)
