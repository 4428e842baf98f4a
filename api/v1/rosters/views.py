"""Bring in people by list: upload, look at the plan, apply it."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.parsers import JSONParser
from api.core.polling import POLL_SECONDS
from api.core.viewsets import DomainViewSet
from api.v1.rosters.serializers import (
    ApplyRosterIn,
    RosterOut,
    RosterRowFilter,
    RosterRowOut,
    RosterUploadIn,
    StartedJobOut,
)
from shared_apps.core.actors import Role
from tenant_apps.rosters.selectors.rosters import get_roster, list_rosters, list_rows
from tenant_apps.rosters.services.applying import start_applying
from tenant_apps.rosters.services.planning import plan_roster, read_upload
from tenant_apps.rosters.services.verdicts import RosterOptions


class RosterViewSet(DomainViewSet):
    """Roster imports. Uploading shows what would happen; applying lets it happen, as a job."""

    policies: ClassVar[dict[str, str]] = {
        "list": "rosters.view",
        "create": "rosters.import",
        "retrieve": "rosters.view",
        "rows": "rosters.view",
        "apply": "rosters.import",
    }

    def get_parsers(self) -> list[BaseParser]:
        """Take a form where a file is uploaded, JSON everywhere else."""
        uploads = getattr(self, "action_map", None) and self.action_map.get("post") == "create"
        return [MultiPartParser()] if uploads else [JSONParser()]

    @extend_schema(responses={200: RosterOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the imports, newest first."""
        return self.page(RosterOut, list_rosters(self.actor))

    @extend_schema(request={"multipart/form-data": RosterUploadIn}, responses={201: RosterOut})
    def create(self, request: Request) -> Response:
        """Upload a list and get its plan. Nothing else is written."""
        wanted = self.parsed(RosterUploadIn)
        upload = wanted["file"]
        roster = plan_roster(
            actor=self.actor,
            content=read_upload(upload, size=upload.size),
            file_name=upload.name,
            options=RosterOptions(
                create_cohorts=wanted["create_cohorts"],
                default_role=Role(wanted["default_role"]),
                run_id=wanted["run_id"],
            ),
        )
        return self.answer(
            RosterOut, roster, status=201, headers={"Location": f"/api/v1/rosters/{roster.id}"}
        )

    @extend_schema(responses={200: RosterOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one import with the summary of its plan."""
        return self.answer(RosterOut, get_roster(self.actor, pk))

    @extend_schema(parameters=[RosterRowFilter], responses={200: RosterRowOut(many=True)})
    @action(detail=True, methods=["get"])
    def rows(self, request: Request, pk: uuid.UUID) -> Response:
        """List the rows in the order of the file: what the plan says, and what applying did."""
        wanted = self.parsed_query(RosterRowFilter)
        rows = list_rows(
            self.actor,
            pk,
            action=wanted.get("action", ""),
            code=wanted.get("code", ""),
            result=wanted.get("result", ""),
        )
        return self.page(RosterRowOut, rows, ordering="number")

    @extend_schema(
        request=ApplyRosterIn,
        responses={
            202: OpenApiResponse(
                StartedJobOut,
                description="Started; Location names the job, Retry-After says how often to ask for it.",
            )
        },
    )
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: uuid.UUID) -> Response:
        """Apply the plan. Asked again it answers the same job."""
        wanted = self.parsed(ApplyRosterIn)
        job = start_applying(actor=self.actor, roster_id=pk, partial=wanted["partial"])
        headers = {"Location": f"/api/v1/jobs/{job.id}", "Retry-After": POLL_SECONDS}
        return self.answer(StartedJobOut, job, status=202, headers=headers)
