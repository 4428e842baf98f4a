"""Runs, their staff and their enrollments over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.runs.serializers import (
    BulkEnrollmentIn,
    BulkEnrollmentOut,
    EnrollmentChangeIn,
    EnrollmentDetailOut,
    EnrollmentIn,
    EnrollmentOut,
    EnrollmentQuery,
    RunChangeIn,
    RunIn,
    RunOut,
    RunQuery,
    StaffIn,
    StaffOut,
)
from tenant_apps.runs.selectors.enrollments import get_enrollment, list_enrollments
from tenant_apps.runs.selectors.runs import get_run, list_runs, list_staff
from tenant_apps.runs.services.enrolling import EnrollOutcome, EnrollRow, enroll_member, enroll_members
from tenant_apps.runs.services.enrollment_states import (
    reactivate_enrollment,
    suspend_enrollment,
    withdraw_enrollment,
)
from tenant_apps.runs.services.grants import set_enrollment_expiry
from tenant_apps.runs.services.runs import cancel_run, close_run, create_run, update_run
from tenant_apps.runs.services.staff import set_run_rights


class RunViewSet(DomainViewSet):
    """Runs."""

    policies = {
        "list": "runs.view",
        "retrieve": "runs.view",
        "create": "runs.create",
        "partial_update": "runs.edit",
        "close": "runs.edit",
        "cancel": "runs.edit",
        "staff": "runs.staff",
        "set_staff": "runs.staff",
        "enrollments": "runs.roster",
        "enroll": "runs.enrol",
        "enroll_many": "runs.enrol",
    }

    @extend_schema(parameters=[RunQuery], responses=RunOut(many=True))
    def list(self, request: Request) -> Response:
        """List the runs you may see, newest first."""
        return self.page(RunOut, list_runs(actor=self.actor, **self.parsed_query(RunQuery)))

    @extend_schema(responses=RunOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one run."""
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(request=RunIn, responses={201: RunOut})
    def create(self, request: Request) -> Response:
        """Open a run of a published version."""
        run_id = create_run(actor=self.actor, **self.parsed(RunIn))
        return self.answer(
            RunOut,
            get_run(actor=self.actor, run_id=run_id),
            status=201,
            headers={"Location": f"/api/v1/runs/{run_id}"},
        )

    @extend_schema(request=RunChangeIn, responses=RunOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change title, window, timezone or capacity."""
        update_run(actor=self.actor, run_id=pk, **self.parsed(RunChangeIn))
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(request=None, responses=RunOut)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: uuid.UUID) -> Response:
        """Let nobody else in."""
        close_run(actor=self.actor, run_id=pk)
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(request=None, responses=RunOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: uuid.UUID) -> Response:
        """End the run for everybody in it."""
        cancel_run(actor=self.actor, run_id=pk)
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(responses=StaffOut(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def staff(self, request: Request, pk: uuid.UUID) -> Response:
        """List who holds rights on the run."""
        return self.answer(StaffOut, list_staff(actor=self.actor, run_id=pk), many=True)

    @extend_schema(request=StaffIn, responses=StaffOut(many=True))
    @staff.mapping.put
    def set_staff(self, request: Request, pk: uuid.UUID) -> Response:
        """Set one member's rights on the run."""
        set_run_rights(actor=self.actor, run_id=pk, **self.parsed(StaffIn))
        return self.answer(StaffOut, list_staff(actor=self.actor, run_id=pk), many=True)

    @extend_schema(parameters=[EnrollmentQuery], responses=EnrollmentDetailOut(many=True))
    @action(detail=True, methods=["get"])
    def enrollments(self, request: Request, pk: uuid.UUID) -> Response:
        """List who is in the run."""
        rows = list_enrollments(actor=self.actor, run_id=pk, **self.parsed_query(EnrollmentQuery))
        return self.page(EnrollmentDetailOut, rows)

    @extend_schema(request=EnrollmentIn, responses={200: EnrollmentOut, 201: EnrollmentOut})
    @enrollments.mapping.post
    def enroll(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol one member; a second time answers the same enrollment with 200."""
        row = enroll_member(actor=self.actor, run_id=pk, **self.parsed(EnrollmentIn))
        if row.outcome is EnrollOutcome.ALREADY:
            return Response(row.enrollment)
        location = f"/api/v1/enrollments/{row.enrollment['id']}"
        return Response(row.enrollment, status=201, headers={"Location": location})

    @extend_schema(request=BulkEnrollmentIn, responses=BulkEnrollmentOut)
    @action(detail=True, methods=["post"], url_path="enrollments/bulk")
    def enroll_many(self, request: Request, pk: uuid.UUID) -> Response:
        """Enrol up to 1,000 members, with a result for each."""
        rows = enroll_members(actor=self.actor, run_id=pk, **self.parsed(BulkEnrollmentIn))
        return Response({"results": [row_result(row) for row in rows]})


class EnrollmentViewSet(DomainViewSet):
    """Enrollments."""

    policies = {
        "retrieve": "runs.view",
        "partial_update": "runs.enrol",
        "withdraw": "runs.enrol",
        "suspend": "runs.enrol",
        "reactivate": "runs.enrol",
    }

    @extend_schema(responses=EnrollmentDetailOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one enrollment."""
        return self._answer(pk)

    @extend_schema(request=EnrollmentChangeIn, responses=EnrollmentDetailOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Set when access ends."""
        set_enrollment_expiry(actor=self.actor, enrollment_id=pk, **self.parsed(EnrollmentChangeIn))
        return self._answer(pk)

    @extend_schema(request=None, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: uuid.UUID) -> Response:
        """Take the person out of the run."""
        withdraw_enrollment(actor=self.actor, enrollment_id=pk)
        return self._answer(pk)

    @extend_schema(request=None, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: uuid.UUID) -> Response:
        """Stop the person's access."""
        suspend_enrollment(actor=self.actor, enrollment_id=pk)
        return self._answer(pk)

    @extend_schema(request=None, responses=EnrollmentDetailOut)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, pk: uuid.UUID) -> Response:
        """Give access back."""
        reactivate_enrollment(actor=self.actor, enrollment_id=pk)
        return self._answer(pk)

    def _answer(self, enrollment_id: uuid.UUID) -> Response:
        return self.answer(EnrollmentDetailOut, get_enrollment(actor=self.actor, enrollment_id=enrollment_id))


def row_result(row: EnrollRow) -> dict[str, Any]:
    """Return one row of a bulk answer, shaped as `EnrollRowOut`."""
    return {
        "member_id": row.member_id,
        "outcome": row.outcome,
        "enrollment_id": row.enrollment.get("id"),
        "code": row.refusal.code if row.refusal else None,
        "facts": row.refusal.facts if row.refusal else {},
    }
