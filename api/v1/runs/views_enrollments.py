"""Enrollments, the reasons for their access, and waiting lists over HTTP."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.runs.serializers_enrollments import (
    AllEnrollmentsQuery,
    BulkEnrollmentIn,
    BulkEnrollmentOut,
    EnrolledOut,
    EnrollmentChangeIn,
    EnrollmentDetailOut,
    EnrollmentIn,
    EnrollmentQuery,
    EnrollmentReasonIn,
    GrantIn,
    GrantOut,
    WaitingAnswerOut,
    WaitingPlaceOut,
    enrolled,
    row_result,
)
from tenant_apps.runs.enums import EnrollmentSource
from tenant_apps.runs.selectors.enrollments import (
    get_enrollment,
    list_all_enrollments,
    list_enrollments,
    list_grants,
)
from tenant_apps.runs.selectors.waiting import list_waiting
from tenant_apps.runs.services.enrolling import EnrollOutcome, EnrollRow, enroll_member, enroll_members
from tenant_apps.runs.services.enrollment_states import (
    reactivate_enrollment,
    suspend_enrollment,
    withdraw_enrollment,
)
from tenant_apps.runs.services.grants import grant_access, revoke_grant, set_enrollment_expiry
from tenant_apps.runs.services.joining import join_course, join_run, leave_run
from tenant_apps.runs.services.waiting import leave_waiting_list

_ORDERS: dict[str, tuple[str, ...]] = {
    "newest": ("-id",),
    "oldest": ("id",),
    "name": ("by_name", "id"),
    "-name": ("-by_name", "-id"),
    "updated": ("-updated_at", "-id"),
}
_ENROLLED = {200: EnrolledOut, 201: EnrolledOut, 202: WaitingAnswerOut}


class RunEnrollmentViewSet(DomainViewSet):
    """Who is in a run, who waits, and the ways in and out."""

    policies = {
        "enrollments": "runs.roster",
        "enroll": "runs.enrol",
        "enroll_many": "runs.enrol",
        "join": "runs.join",
        "leave": "runs.join",
        "waiting": "runs.enrol",
        "leave_waiting": "runs.join",
    }

    @extend_schema(parameters=[EnrollmentQuery], responses=EnrollmentDetailOut(many=True))
    @action(detail=True, methods=["get"])
    def enrollments(self, request: Request, pk: uuid.UUID) -> Response:
        """List who is in the run, with what you can do to each."""
        query = self.parsed_query(EnrollmentQuery)
        sort = query.pop("sort")
        rows = list_enrollments(actor=self.actor, run_id=pk, **query)
        return self.page(EnrollmentDetailOut, rows, ordering=_ORDERS[sort])

    @extend_schema(request=EnrollmentIn, responses=_ENROLLED)
    @enrollments.mapping.post
    def enroll(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol one member; a second time answers the same enrollment with 200. A full run that has a waiting
        list answers 202 with the place on it."""
        return _entered(enroll_member(actor=self.actor, run_id=pk, **self.parsed(EnrollmentIn)), pk)

    @extend_schema(request=BulkEnrollmentIn, responses=BulkEnrollmentOut)
    @action(detail=True, methods=["post"], url_path="enrollments/bulk")
    def enroll_many(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol up to 1,000 members, with a result for each."""
        rows = enroll_members(actor=self.actor, run_id=pk, **self.parsed(BulkEnrollmentIn))
        return Response({"results": [row_result(row) for row in rows]})

    @extend_schema(request=None, responses=_ENROLLED)
    @action(detail=True, methods=["post"])
    def join(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol yourself in a run that is open to members; a second time answers the same with 200. A full
        run that has a waiting list answers 202 with your place on it."""
        return _entered(join_run(actor=self.actor, run_id=pk), pk)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, pk: uuid.UUID) -> Response:
        """Give up the place you joined by yourself, in the run or on its waiting list."""
        leave_run(actor=self.actor, run_id=pk)
        return Response(status=204)

    @extend_schema(responses=WaitingPlaceOut(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def waiting(self, request: Request, pk: uuid.UUID) -> Response:
        """List who waits for a place, in order."""
        return self.answer(WaitingPlaceOut, list_waiting(actor=self.actor, run_id=pk), many=True)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="waiting/<uuid:member_id>")
    def leave_waiting(self, request: Request, pk: uuid.UUID, member_id: uuid.UUID) -> Response:
        """Take somebody, or yourself, off the waiting list."""
        leave_waiting_list(actor=self.actor, run_id=pk, member_id=member_id)
        return Response(status=204)


class CourseJoinViewSet(DomainViewSet):
    """Joining a course that is given without dates."""

    policies = {"join": "runs.join"}

    @extend_schema(request=None, responses=_ENROLLED)
    @action(detail=True, methods=["post"])
    def join(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol yourself in the course's always-open run."""
        run_id, row = join_course(actor=self.actor, course_id=pk)
        return _entered(row, run_id)


class EnrollmentViewSet(DomainViewSet):
    """Enrollments."""

    policies = {
        "list": "runs.view",
        "retrieve": "runs.view",
        "partial_update": "runs.enrol",
        "withdraw": "runs.enrol",
        "suspend": "runs.enrol",
        "reactivate": "runs.enrol",
        "grants": "runs.view",
        "grant": "runs.enrol",
        "revoke_grant": "runs.enrol",
    }

    @extend_schema(parameters=[AllEnrollmentsQuery], responses=EnrollmentDetailOut(many=True))
    def list(self, request: Request) -> Response:
        """List enrollments over all runs: those you look after, and your own."""
        query = self.parsed_query(AllEnrollmentsQuery)
        sort = query.pop("sort")
        rows = list_all_enrollments(actor=self.actor, **query)
        return self.page(EnrollmentDetailOut, rows, ordering=_ORDERS[sort])

    @extend_schema(responses=EnrollmentDetailOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one enrollment."""
        return self._answer(pk)

    @extend_schema(request=EnrollmentChangeIn, responses=EnrollmentDetailOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Set when access ends."""
        set_enrollment_expiry(actor=self.actor, enrollment_id=pk, **self.parsed(EnrollmentChangeIn))
        return self._answer(pk)

    @extend_schema(request=EnrollmentReasonIn, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: uuid.UUID) -> Response:
        """Take the person out of the run; whoever waits first gets the place."""
        withdraw_enrollment(actor=self.actor, enrollment_id=pk, **self.parsed(EnrollmentReasonIn))
        return self._answer(pk)

    @extend_schema(request=EnrollmentReasonIn, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: uuid.UUID) -> Response:
        """Stop the person's access; the place stays theirs."""
        suspend_enrollment(actor=self.actor, enrollment_id=pk, **self.parsed(EnrollmentReasonIn))
        return self._answer(pk)

    @extend_schema(request=None, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, pk: uuid.UUID) -> Response:
        """Give access back."""
        reactivate_enrollment(actor=self.actor, enrollment_id=pk)
        return self._answer(pk)

    @extend_schema(responses=GrantOut(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def grants(self, request: Request, pk: uuid.UUID) -> Response:
        """List the reasons for the person's access."""
        return self.answer(GrantOut, list_grants(actor=self.actor, enrollment_id=pk), many=True)

    @extend_schema(request=GrantIn, responses={200: GrantOut, 201: GrantOut})
    @grants.mapping.post
    def grant(self, request: Request, pk: uuid.UUID) -> Response:
        """Add a reason for access; the same source and reference again is the same grant, with 200."""
        asked = self.parsed(GrantIn)
        source = EnrollmentSource(asked.pop("source"))
        grant_id, is_new = grant_access(actor=self.actor, enrollment_id=pk, source=source, **asked)
        grants = list_grants(actor=self.actor, enrollment_id=pk)
        found = next(each for each in grants if each["id"] == grant_id)
        if not is_new:
            return self.answer(GrantOut, found)
        return self.answer(
            GrantOut, found, status=201, headers={"Location": f"/api/v1/enrollments/{pk}/grants"}
        )

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="grants/<uuid:grant_id>")
    def revoke_grant(self, request: Request, pk: uuid.UUID, grant_id: uuid.UUID) -> Response:
        """Take one reason for access away; with the last one the enrollment is over."""
        revoke_grant(actor=self.actor, enrollment_id=pk, grant_id=grant_id)
        return Response(status=204)

    def _answer(self, enrollment_id: uuid.UUID) -> Response:
        return self.answer(EnrollmentDetailOut, get_enrollment(actor=self.actor, enrollment_id=enrollment_id))


def _entered(row: EnrollRow, run_id: uuid.UUID) -> Response:
    """Answer what asking for a place came to: 201 made, 200 there before, 202 on the waiting list."""
    if row.outcome is EnrollOutcome.WAITING:
        waiting = {"outcome": "waiting", "run_id": run_id, "member_id": row.member_id, "place": row.place}
        return Response(waiting, status=202)
    if row.outcome is EnrollOutcome.ALREADY:
        return Response(enrolled(row))
    location = f"/api/v1/enrollments/{row.enrollment['id']}"
    return Response(enrolled(row), status=201, headers={"Location": location})
