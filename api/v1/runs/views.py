"""Runs, their staff and their dates over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.runs.serializers import (
    AlwaysOpenOut,
    RunChangeIn,
    RunIn,
    RunOut,
    RunPageOut,
    RunQuery,
    StaffIn,
    StaffOut,
)
from api.v1.runs.serializers_dates import RunDatesIn, RunDatesOut
from tenant_apps.runs.selectors.dates import list_run_dates
from tenant_apps.runs.selectors.runs import get_run, get_run_page, list_runs, list_staff
from tenant_apps.runs.services.always_open import ensure_always_open_run
from tenant_apps.runs.services.dates import UnitDate, set_run_dates
from tenant_apps.runs.services.runs import cancel_run, close_run, create_run, reopen_run, update_run
from tenant_apps.runs.services.staff import set_run_rights

_ORDERS: dict[str, tuple[str, ...]] = {
    "newest": ("-id",),
    "oldest": ("id",),
    "starts": ("by_start", "id"),
    "-starts": ("-by_start", "-id"),
    "title": ("by_title", "id"),
    "-title": ("-by_title", "-id"),
}


class RunViewSet(DomainViewSet):
    """Runs."""

    policies = {
        "list": "runs.view",
        "retrieve": "runs.view",
        "create": "runs.create",
        "partial_update": "runs.edit",
        "close": "runs.edit",
        "reopen": "runs.edit",
        "cancel": "runs.edit",
        "staff": "runs.staff",
        "set_staff": "runs.staff",
        "dates": "runs.roster",
        "set_dates": "runs.dates",
    }

    @extend_schema(parameters=[RunQuery], responses=RunOut(many=True))
    def list(self, request: Request) -> Response:
        """List the runs you may see, with what you can do to each."""
        query = self.parsed_query(RunQuery)
        sort = query.pop("sort")
        return self.page(RunOut, list_runs(actor=self.actor, **query), ordering=_ORDERS[sort])

    @extend_schema(responses=RunPageOut)
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one run with all that its screen shows: counts by state, staff, your place and your acts."""
        return self.answer(RunPageOut, get_run_page(actor=self.actor, run_id=pk))

    @extend_schema(request=RunIn, responses={201: RunOut})
    def create(self, request: Request) -> Response:
        """Open a run of a published version."""
        run_id = create_run(actor=self.actor, **_facts(self.parsed(RunIn)))
        return self.answer(
            RunOut,
            get_run(actor=self.actor, run_id=run_id),
            status=201,
            headers={"Location": f"/api/v1/runs/{run_id}"},
        )

    @extend_schema(request=RunChangeIn, responses=RunOut)
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what a run says of itself. Another timezone keeps wall times and moves their instants."""
        update_run(actor=self.actor, run_id=pk, **_facts(self.parsed(RunChangeIn)))
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(request=None, responses=RunOut)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: uuid.UUID) -> Response:
        """Let nobody else in."""
        close_run(actor=self.actor, run_id=pk)
        return self.answer(RunOut, get_run(actor=self.actor, run_id=pk))

    @extend_schema(request=None, responses=RunOut)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: uuid.UUID) -> Response:
        """Let people in again, those who wait first."""
        reopen_run(actor=self.actor, run_id=pk)
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

    @extend_schema(responses=RunDatesOut)
    @action(detail=True, methods=["get"])
    def dates(self, request: Request, pk: uuid.UUID) -> Response:
        """Read the dates that modules and lessons have in this run alone."""
        return self.answer(RunDatesOut, list_run_dates(actor=self.actor, run_id=pk))

    @extend_schema(request=RunDatesIn, responses=RunDatesOut)
    @dates.mapping.put
    def set_dates(self, request: Request, pk: uuid.UUID) -> Response:
        """Replace the run's dates; what is left out goes by the version again."""
        asked = [UnitDate(**each) for each in self.parsed(RunDatesIn)["dates"]]
        set_run_dates(actor=self.actor, run_id=pk, dates=asked)
        return self.answer(RunDatesOut, list_run_dates(actor=self.actor, run_id=pk))


class CourseRunViewSet(DomainViewSet):
    """The run that stands in for a course without dates."""

    policies = {"always_open_run": "runs.create"}

    @extend_schema(request=None, responses={200: AlwaysOpenOut, 201: AlwaysOpenOut})
    @action(detail=True, methods=["post"], url_path="always-open-run")
    def always_open_run(self, request: Request, pk: uuid.UUID) -> Response:
        """Return the course's always-open run; made with 201 when nobody needed it before."""
        run_id, is_new = ensure_always_open_run(actor=self.actor, course_id=pk)
        location = {"Location": f"/api/v1/runs/{run_id}"}
        return Response({"run_id": run_id}, status=201 if is_new else 200, headers=location)


def _facts(parsed: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as the service takes them: a price as amount and currency."""
    if "price_override" in parsed:
        price = parsed.pop("price_override")
        parsed["price_minor"] = price["amount_minor"] if price else None
        parsed["currency"] = price["currency"].lower() if price else ""
    return parsed
