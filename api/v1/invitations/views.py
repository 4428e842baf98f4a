"""Invitations into the organization whose host is asked."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.invitations.serializers import (
    AcceptIn,
    InvitationFilter,
    InvitationOut,
    InvitationPreviewOut,
    InviteIn,
    JoinedOut,
    TokenIn,
)
from shared_apps.accounts.selectors.invitations import get_invitation, list_invitations
from shared_apps.core.actors import Role
from tenant_apps.people.services.invitations import (
    accept_invitation,
    invite_member,
    preview_invitation,
    resend_invitation,
    revoke_invitation,
)
from tenants.context import current_organization


class InvitationViewSet(DomainViewSet):
    """Invite, send again, take back; and, for the holder of a token, look and accept."""

    policies: ClassVar[dict[str, str]] = {
        "list": "invitations.manage",
        "retrieve": "invitations.manage",
        "create": "invitations.manage",
        "destroy": "invitations.manage",
        "resend": "invitations.manage",
        "preview": "invitations.accept",
        "accept": "invitations.accept",
    }

    @extend_schema(parameters=[InvitationFilter], responses={200: InvitationOut(many=True)})
    def list(self, request: Request) -> Response:
        """List invitations, newest first."""
        wanted = self.parsed_query(InvitationFilter)
        rows = list_invitations(organization_id=current_organization().id, **wanted)
        return self.page(InvitationOut, rows)

    @extend_schema(responses={200: InvitationOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one invitation."""
        found = get_invitation(organization_id=current_organization().id, invitation_id=pk)
        return self.answer(InvitationOut, found)

    @extend_schema(request=InviteIn, responses={201: InvitationOut})
    def create(self, request: Request) -> Response:
        """Invite somebody by mail; an open invitation of the same address is replaced."""
        wanted = self.parsed(InviteIn)
        wanted["role"] = Role(wanted["role"])
        made = invite_member(actor=self.actor, **wanted)
        return self.answer(InvitationOut, made, status=201, headers=_location(made.id))

    @extend_schema(responses={204: OpenApiResponse(description="The link is dead, the membership ended.")})
    @refuses(410)
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Take an invitation back: the link is dead and the invited membership ends."""
        revoke_invitation(actor=self.actor, invitation_id=pk)
        return Response(status=204)

    @extend_schema(request=None, responses={201: InvitationOut})
    @refuses(410)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: uuid.UUID) -> Response:
        """Send a new link in place of an open or expired one; the old link is dead."""
        made = resend_invitation(actor=self.actor, invitation_id=pk)
        return self.answer(InvitationOut, made, status=201, headers=_location(made.id))

    @extend_schema(request=TokenIn, responses={200: InvitationPreviewOut})
    @refuses(410)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """Say what a token is an invitation to. A POST, so that the token stays out of logs of addresses."""
        found = preview_invitation(token=self.parsed(TokenIn)["token"])
        return self.answer(InvitationPreviewOut, found)

    @extend_schema(request=AcceptIn, responses={200: JoinedOut})
    @refuses(410)
    @action(detail=False, methods=["post"])
    def accept(self, request: Request) -> Response:
        """Join with a token: with the account's own password, or with the first one of a new account."""
        member = accept_invitation(actor=self.actor, **self.parsed(AcceptIn))
        return self.answer(JoinedOut, member)


def _location(identifier: uuid.UUID) -> dict[str, str]:
    return {"Location": f"/api/v1/invitations/{identifier}"}
