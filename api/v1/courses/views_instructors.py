"""Cards of instructors, and who makes a course."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers_instructors import (
    CardFilter,
    CardIn,
    CardOut,
    CardRowOut,
    DecideIn,
    PartOut,
    PartsIn,
)
from tenant_apps.courses.enums import InstructorRole
from tenant_apps.courses.selectors.instructors import get_card, get_own_card, list_cards, list_instructors
from tenant_apps.courses.services.instructors import Part, set_instructors
from tenant_apps.courses.services.profiles import decide_instructor, update_own_card


class InstructorViewSet(DomainViewSet):
    """Instructors as the organization's people see them."""

    policies: ClassVar[dict[str, str]] = {
        "list": "instructors.view",
        "retrieve": "instructors.view",
        "own": "instructors.own",
        "change_own": "instructors.own",
        "state": "instructors.decide",
    }

    @extend_schema(parameters=[CardFilter], responses={200: CardRowOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the cards of approved instructors, by name; of all of them for administrators."""
        rows = list_cards(self.actor, **self.parsed_query(CardFilter))
        return self.page(CardRowOut, rows, ordering=("member__last_name", "member__first_name", "pk"))

    @extend_schema(responses={200: CardOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one card with the instructor's published courses."""
        return self.answer(CardOut, get_card(self.actor, pk))

    @extend_schema(responses={200: CardOut}, filters=False)
    @action(detail=False, methods=["get"], url_path="me", pagination_class=None)
    def own(self, request: Request) -> Response:
        """Show one's own card, in whatever state it is."""
        return self.answer(CardOut, get_own_card(self.actor))

    @extend_schema(request=CardIn, responses={200: CardOut})
    @own.mapping.patch
    def change_own(self, request: Request) -> Response:
        """Write one's own card. A new one waits for an administrator, a rejected one that was changed too."""
        update_own_card(actor=self.actor, **self.parsed(CardIn))
        return self.answer(CardOut, get_own_card(self.actor))

    @extend_schema(request=DecideIn, responses={200: CardOut})
    @action(detail=True, methods=["put"])
    def state(self, request: Request, pk: uuid.UUID) -> Response:
        """Approve, reject or suspend an instructor, from the next request on. Courses stay as they are."""
        decide_instructor(actor=self.actor, member_id=pk, **self.parsed(DecideIn))
        return self.answer(CardOut, get_card(self.actor, pk))


class CourseInstructorViewSet(DomainViewSet):
    """The instructors of one course."""

    policies: ClassVar[dict[str, str]] = {
        "instructors": "courses.view",
        "set_instructors": "courses.instructors",
    }

    @extend_schema(responses={200: PartOut(many=True)}, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def instructors(self, request: Request, course_id: uuid.UUID) -> Response:
        """List who makes the course, in their order."""
        return self._parts(course_id)

    @extend_schema(request=PartsIn, responses={200: PartOut(many=True)})
    @instructors.mapping.put
    def set_instructors(self, request: Request, course_id: uuid.UUID) -> Response:
        """Set the course's instructors as one list. Primary and co-instructors may edit and publish it,
        assistants edit; whoever is not named any more loses the rights of their part."""
        parts = [
            Part(part["member_id"], InstructorRole(part["role"]), part["share_percent"])
            for part in self.parsed(PartsIn)["instructors"]
        ]
        set_instructors(actor=self.actor, course_id=course_id, parts=parts)
        return self._parts(course_id)

    def _parts(self, course_id: uuid.UUID) -> Response:
        return self.answer(PartOut, list_instructors(self.actor, course_id), many=True)
