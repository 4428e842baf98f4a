"""What the views of drafts and their parts share: revisions in If-Match and ETag."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers import EditedOut
from tenant_apps.courses.services.edits import LESSON_REVISION, Edited

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the version as read, such as "3"; * for whatever it is.',
)
IF_MATCH_LESSON: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the lesson as read ("lesson-3") or of the version ("7"); * for any.',
)


class DraftViewSet(DomainViewSet):
    """Base of the views that edit a draft."""

    def _revision(self) -> str:
        """Return If-Match, "" without one: the service refuses that, once it knows that the draft exists."""
        return self.claimed_if_match()

    def _edited(self, edited: Edited, *, status: int = 200, location: str = "") -> Response:
        headers = {"ETag": self._etag(edited)} | ({"Location": location} if location else {})
        return self.answer(EditedOut, edited, status=status, headers=headers)

    def _gone(self, edited: Edited) -> Response:
        return Response(status=204, headers={"ETag": self._etag(edited)})

    def _etag(self, edited: Edited) -> str:
        """Return the new ETag of what the caller's If-Match named: the lesson, else the version."""
        if edited.lesson_revision is not None and self.claimed_if_match().startswith(LESSON_REVISION):
            return f'"{LESSON_REVISION}{edited.lesson_revision}"'
        return f'"{edited.revision}"'
