"""What a learner sees first."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.serializers_home import HomeOut
from tenant_apps.learning.selectors.home import get_home


class HomeViewSet(DomainViewSet):
    """The learner's first page."""

    policies = {"show": "learning.learn"}

    @extend_schema(responses=HomeOut)
    def show(self, request: Request) -> Response:
        """Read where to go on, and your courses by where they stand, in one call.

        `current` comes by last access, `upcoming` by start, `completed` by completion, the latest first.
        """
        return Response(get_home(actor=self.actor))
