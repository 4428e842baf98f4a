"""One's own profile in the organization whose host is asked."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.profile.serializers import ProfileOut, UpdateProfileIn
from tenant_apps.people.selectors.profile import get_profile
from tenant_apps.people.services.profile import update_profile


class ProfileViewSet(DomainViewSet):
    """Read and write one's own profile; there is no way to name another's."""

    policies: ClassVar[dict[str, str]] = {"retrieve": "profile.own", "partial_update": "profile.own"}

    @extend_schema(responses={200: ProfileOut})
    def retrieve(self, request: Request) -> Response:
        """Read one's own profile."""
        return self.answer(ProfileOut, get_profile(self.actor))

    @extend_schema(request=UpdateProfileIn, responses={200: ProfileOut})
    def partial_update(self, request: Request) -> Response:
        """Change name, timezone or language of one's own account."""
        update_profile(actor=self.actor, **self.parsed(UpdateProfileIn))
        return self.answer(ProfileOut, get_profile(self.actor))
