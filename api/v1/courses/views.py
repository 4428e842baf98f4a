"""Courses, and who may work on them."""

import uuid
from functools import partial
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.languages import asked_languages
from api.v1.courses.serializers import (
    CreateCourseIn,
    CreateDraftIn,
    RightHolderOut,
    SetRightsIn,
    TransferIn,
    VersionOut,
)
from api.v1.courses.serializers_catalogue import (
    CourseCardOut,
    CourseListFilter,
    CoursePageOut,
    ShownInQuery,
)
from api.v1.courses.serializers_facts import COURSE_REVISION, UpdateCourseIn
from api.v1.courses.serializers_reviews import ReasonIn, VersionRowOut
from tenant_apps.courses.selectors.catalog import list_right_holders, list_versions
from tenant_apps.courses.selectors.instructors import instructors_of
from tenant_apps.courses.selectors.reviewers import review_is_required
from tenant_apps.courses.services.courses import create_course, update_course
from tenant_apps.courses.services.drafts import create_draft
from tenant_apps.courses.services.lifecycle import (
    archive_course,
    delete_course,
    republish_course,
    restore_course,
    transfer_course,
    unarchive_course,
    unpublish_course,
)
from tenant_apps.courses.services.rights import set_course_rights
from tenant_apps.runs.selectors.catalogue import ORDERS, browse_courses, read_entries
from tenant_apps.runs.selectors.offers import get_entry


class CourseViewSet(DomainViewSet):
    """Courses: everybody sees the published ones, authors their own work, administrators all."""

    policies: ClassVar[dict[str, str]] = {
        "list": "courses.view",
        "create": "courses.create",
        "retrieve": "courses.view",
        "partial_update": "courses.edit",
        "destroy": "courses.delete",
        "archive": "courses.publish",
        "unarchive": "courses.publish",
        "restore": "courses.restore",
        "transfer": "courses.transfer",
        "publish": "courses.publish",
        "unpublish": "courses.publish",
        "versions": "courses.content",
        "draft": "courses.edit",
        "rights": "courses.grant",
        "set_rights": "courses.grant",
    }

    @extend_schema(parameters=[CourseListFilter], responses={200: CourseCardOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the courses one may see, by title unless asked otherwise."""
        query = self.parsed_query(CourseListFilter)
        query.pop("language", None)
        rows = browse_courses(self.actor, catalogue=False, **query)
        read = partial(read_entries, self.actor, asked=asked_languages(request))
        return self.page(CourseCardOut, rows, ordering=ORDERS[query["sort"]], read=read)

    @extend_schema(request=CreateCourseIn, responses={201: CoursePageOut})
    def create(self, request: Request) -> Response:
        """Make a course with an empty draft. Who makes it may edit and publish it."""
        course = create_course(actor=self.actor, **self.parsed(CreateCourseIn))
        return self._detail(course.id, status=201, headers={"Location": f"/api/v1/courses/{course.id}"})

    @extend_schema(parameters=[ShownInQuery], responses={200: CoursePageOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one course with all its facts, and with what the caller may do to it."""
        self.parsed_query(ShownInQuery)
        return self._detail(pk)

    @extend_schema(parameters=[COURSE_REVISION], request=UpdateCourseIn, responses={200: CoursePageOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what the course says of itself. Price, access and listing take the right to publish, flags
        an administrator."""
        facts = self.parsed(UpdateCourseIn)
        update_course(actor=self.actor, course_id=pk, revision=self.optional_if_match(), **facts)
        return self._detail(pk)

    @extend_schema(responses={204: OpenApiResponse(description="The course is hidden from everybody.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete a course; an administrator can restore it."""
        delete_course(actor=self.actor, course_id=pk)
        return Response(status=204)

    @extend_schema(request=ReasonIn, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def unpublish(self, request: Request, pk: uuid.UUID) -> Response:
        """Take a course out of the catalogue: nobody else is enrolled, and who learns goes on."""
        unpublish_course(actor=self.actor, course_id=pk, **self.parsed(ReasonIn))
        return self._detail(pk)

    @extend_schema(request=None, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: uuid.UUID) -> Response:
        """Put an unpublished course back into the catalogue, with the version it had."""
        republish_course(actor=self.actor, course_id=pk)
        return self._detail(pk)

    @extend_schema(request=ReasonIn, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: uuid.UUID) -> Response:
        """Take a course out of the catalogue and stop work on it; its runs go on."""
        archive_course(actor=self.actor, course_id=pk, **self.parsed(ReasonIn))
        return self._detail(pk)

    @extend_schema(request=None, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def unarchive(self, request: Request, pk: uuid.UUID) -> Response:
        """Take a course out of the archive."""
        unarchive_course(actor=self.actor, course_id=pk)
        return self._detail(pk)

    @extend_schema(request=None, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: uuid.UUID) -> Response:
        """Bring a deleted course back."""
        restore_course(actor=self.actor, course_id=pk)
        return self._detail(pk)

    @extend_schema(request=TransferIn, responses={200: CoursePageOut})
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, pk: uuid.UUID) -> Response:
        """Give a course another owner."""
        transfer_course(actor=self.actor, course_id=pk, **self.parsed(TransferIn))
        return self._detail(pk)

    @extend_schema(responses={200: VersionRowOut(many=True)})
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: uuid.UUID) -> Response:
        """List a course's versions, newest first."""
        rows = list_versions(self.actor, pk)
        self.review_required = review_is_required()
        return self.page(VersionRowOut, rows, ordering="-number")

    @extend_schema(request=CreateDraftIn, responses={201: VersionOut})
    @versions.mapping.post
    def draft(self, request: Request, pk: uuid.UUID) -> Response:
        """Copy a version into a new draft."""
        draft = create_draft(actor=self.actor, course_id=pk, **self.parsed(CreateDraftIn))
        headers = {"Location": f"/api/v1/versions/{draft.id}", "ETag": f'"{draft.revision}"'}
        return self.answer(VersionOut, draft, status=201, headers=headers)

    @extend_schema(responses={200: RightHolderOut(many=True)}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def rights(self, request: Request, pk: uuid.UUID) -> Response:
        """List who holds rights on the course."""
        return self.answer(RightHolderOut, list_right_holders(self.actor, pk), many=True)

    @extend_schema(request=SetRightsIn, responses={200: RightHolderOut(many=True)})
    @rights.mapping.put
    def set_rights(self, request: Request, pk: uuid.UUID) -> Response:
        """Set one member's rights on the course."""
        set_course_rights(actor=self.actor, course_id=pk, **self.parsed(SetRightsIn))
        return self.answer(RightHolderOut, list_right_holders(self.actor, pk), many=True)

    def _detail(
        self, course_id: uuid.UUID, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        entry = get_entry(self.actor, course_id, asked=asked_languages(self.request))
        self.instructors = instructors_of(self.actor, [course_id])[course_id]
        headers = {"ETag": f'"{entry.card.course.revision}"', **(headers or {})}
        return self.answer(CoursePageOut, entry, status=status, headers=headers)
