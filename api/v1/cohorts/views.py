"""Cohorts over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.cohorts.serializers import (
    CohortChangeIn,
    CohortIn,
    CohortManagerIn,
    CohortManagerOut,
    CohortOut,
    PlaceOut,
    PlacesIn,
    PlacesOut,
)
from tenant_apps.cohorts.selectors.cohorts import get_cohort, list_cohorts, list_managers, list_places
from tenant_apps.cohorts.services.cohorts import (
    create_cohort,
    delete_cohort,
    set_cohort_manager,
    update_cohort,
)
from tenant_apps.cohorts.services.places import PlaceRow, join_cohort, leave_cohort


class CohortViewSet(DomainViewSet):
    """Cohorts."""

    policies = {
        "list": "cohorts.view",
        "retrieve": "cohorts.view",
        "create": "cohorts.create",
        "partial_update": "cohorts.edit",
        "destroy": "cohorts.edit",
        "members": "cohorts.view",
        "join": "cohorts.edit",
        "leave": "cohorts.edit",
        "managers": "cohorts.staff",
        "set_manager": "cohorts.staff",
    }

    @extend_schema(responses=CohortOut(many=True))
    def list(self, request: Request) -> Response:
        """List the cohorts you may see, by name."""
        return self.page(CohortOut, list_cohorts(actor=self.actor), ordering="name")

    @extend_schema(responses=CohortOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one cohort."""
        return self.answer(CohortOut, get_cohort(actor=self.actor, cohort_id=pk))

    @extend_schema(request=CohortIn, responses={201: CohortOut})
    def create(self, request: Request) -> Response:
        """Make a cohort."""
        cohort_id = create_cohort(actor=self.actor, **self.parsed(CohortIn))
        return self.answer(
            CohortOut,
            get_cohort(actor=self.actor, cohort_id=cohort_id),
            status=201,
            headers={"Location": f"/api/v1/cohorts/{cohort_id}"},
        )

    @extend_schema(request=CohortChangeIn, responses=CohortOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change a cohort; a new run enrols everybody who is in the cohort."""
        update_cohort(actor=self.actor, cohort_id=pk, **self.parsed(CohortChangeIn))
        return self.answer(CohortOut, get_cohort(actor=self.actor, cohort_id=pk))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Remove the cohort; enrollments stay."""
        delete_cohort(actor=self.actor, cohort_id=pk)
        return Response(status=204)

    @extend_schema(responses=PlaceOut(many=True))
    @action(detail=True, methods=["get"])
    def members(self, request: Request, pk: uuid.UUID) -> Response:
        """List who is in the cohort."""
        return self.page(PlaceOut, list_places(actor=self.actor, cohort_id=pk))

    @extend_schema(request=PlacesIn, responses=PlacesOut)
    @members.mapping.post
    def join(self, request: Request, pk: uuid.UUID) -> Response:
        """Put up to 1,000 members into the cohort and its run, with a result for each."""
        rows = join_cohort(actor=self.actor, cohort_id=pk, **self.parsed(PlacesIn))
        return Response({"results": [_result(row) for row in rows]})

    @extend_schema(request=PlacesIn, responses=PlacesOut)
    @action(detail=True, methods=["post"], url_path="members/leave")
    def leave(self, request: Request, pk: uuid.UUID) -> Response:
        """Take up to 1,000 members out of the cohort; its rule says what becomes of their enrollments."""
        rows = leave_cohort(actor=self.actor, cohort_id=pk, **self.parsed(PlacesIn))
        return Response({"results": [_result(row) for row in rows]})

    @extend_schema(responses=CohortManagerOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def managers(self, request: Request, pk: uuid.UUID) -> Response:
        """List who may manage the cohort."""
        return self.answer(CohortManagerOut, list_managers(actor=self.actor, cohort_id=pk), many=True)

    @extend_schema(request=CohortManagerIn, responses=CohortManagerOut(many=True))
    @managers.mapping.put
    def set_manager(self, request: Request, pk: uuid.UUID) -> Response:
        """Give or take the right to manage the cohort."""
        set_cohort_manager(actor=self.actor, cohort_id=pk, **self.parsed(CohortManagerIn))
        return self.answer(CohortManagerOut, list_managers(actor=self.actor, cohort_id=pk), many=True)


def _result(row: PlaceRow) -> dict[str, Any]:
    return {
        "member_id": row.member_id,
        "outcome": row.outcome,
        "enrollment": row.enrollment,
        "enrollment_id": row.enrollment_id,
        "code": row.refusal.code if row.refusal else None,
        "facts": row.refusal.facts if row.refusal else {},
    }
