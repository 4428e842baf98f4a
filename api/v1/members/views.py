"""The people of the organization whose host is asked."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.members.serializers import ChangeRoleIn, MemberFilter, MemberOut, UpdateMemberIn
from shared_apps.core.actors import Role
from tenant_apps.people.selectors.members import BY_NAME, get_member, list_members
from tenant_apps.people.services.members import MemberFacts, update_member
from tenant_apps.people.services.standing import (
    change_role,
    reactivate_member,
    remove_member,
    suspend_member,
)


class MemberViewSet(DomainViewSet):
    """Members: what the company knows of them, and their standing."""

    policies: ClassVar[dict[str, str]] = {
        "list": "members.view",
        "retrieve": "members.view",
        "partial_update": "members.edit",
        "destroy": "members.remove",
        "role": "members.change_role",
        "suspend": "members.suspend",
        "reactivate": "members.suspend",
    }

    @extend_schema(parameters=[MemberFilter], responses={200: MemberOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the members one may see, by name: admins and instructors all, managers their reports."""
        rows = list_members(self.actor, **self.parsed_query(MemberFilter))
        return self.page(MemberOut, rows, ordering=BY_NAME)

    @extend_schema(responses={200: MemberOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one member."""
        return self.answer(MemberOut, get_member(self.actor, pk))

    @extend_schema(request=UpdateMemberIn, responses={200: MemberOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what the company knows of a member."""
        facts = MemberFacts(**self.parsed(UpdateMemberIn))  # type: ignore[typeddict-item]
        return self.answer(MemberOut, update_member(actor=self.actor, member_id=pk, facts=facts))

    @extend_schema(responses={204: OpenApiResponse(description="The membership has ended.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Remove a member: their access ends, their seat is free, their history stays."""
        remove_member(actor=self.actor, member_id=pk)
        return Response(status=204)

    @extend_schema(request=ChangeRoleIn, responses={200: MemberOut})
    @action(detail=True, methods=["post"])
    def role(self, request: Request, pk: uuid.UUID) -> Response:
        """Give a member another role. Owners and admins are made and unmade by owners only."""
        role = Role(self.parsed(ChangeRoleIn)["role"])
        return self.answer(MemberOut, change_role(actor=self.actor, member_id=pk, role=role))

    @extend_schema(request=None, responses={200: MemberOut})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: uuid.UUID) -> Response:
        """Shut a member out; sign-ins end at once."""
        return self.answer(MemberOut, suspend_member(actor=self.actor, member_id=pk))

    @extend_schema(request=None, responses={200: MemberOut})
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, pk: uuid.UUID) -> Response:
        """Let a suspended member in again."""
        return self.answer(MemberOut, reactivate_member(actor=self.actor, member_id=pk))
