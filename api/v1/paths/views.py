"""Learning paths for those who make them and put people on them."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.pagination import PageByCursor
from api.core.viewsets import DomainViewSet
from api.v1.paths.serializers import (
    DecisionIn,
    MyPathDetailOut,
    PathChangeIn,
    PathDetailOut,
    PathIn,
    PathManagerIn,
    PathManagerOut,
    PathMembersIn,
    PathOut,
    PathPlaceOut,
    PathQuery,
    PathRowOut,
    PathRowsOut,
    PlaceQuery,
    StepsIn,
)
from tenant_apps.paths.selectors.paths import describe_paths, get_path, list_paths
from tenant_apps.paths.selectors.places import get_place, list_places
from tenant_apps.paths.selectors.staff import list_path_managers
from tenant_apps.paths.services.enrolling import (
    PathRow,
    enroll_on_path,
    join_path,
    pause_path,
    resume_path,
    withdraw_from_path,
)
from tenant_apps.paths.services.paths import (
    archive_path,
    create_path,
    delete_path,
    publish_path,
    set_steps,
    update_path,
)
from tenant_apps.paths.services.staff import set_path_manager
from tenant_apps.paths.services.steps import decide_step

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the path as read, such as "3"; * for whatever it is.',
)


class PathViewSet(DomainViewSet):
    """Learning paths: everybody sees the published ones, those who manage one its draft."""

    policies: ClassVar[dict[str, str]] = {
        "list": "paths.view",
        "retrieve": "paths.view",
        "create": "paths.create",
        "partial_update": "paths.manage",
        "destroy": "paths.manage",
        "steps": "paths.manage",
        "publish": "paths.manage",
        "archive": "paths.manage",
        "enrollments": "paths.manage",
        "enroll": "paths.manage",
        "join": "paths.follow",
        "managers": "paths.staff",
        "set_manager": "paths.staff",
    }

    @extend_schema(parameters=[PathQuery], responses={200: PathOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the paths one may see, by title, with what the caller can do to each."""
        paginator = PageByCursor()
        paginator.ordering = ("title", "id")
        rows = list_paths(actor=self.actor, **self.parsed_query(PathQuery))
        found = paginator.paginate_queryset(rows, request, view=self)
        shaped = PathOut(describe_paths(self.actor, found or []), many=True)
        return paginator.get_paginated_response(shaped.data)

    @extend_schema(responses={200: PathDetailOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a path with its steps; the ETag is what changes send as If-Match."""
        return self._detail(pk)

    @extend_schema(request=PathIn, responses={201: PathDetailOut})
    def create(self, request: Request) -> Response:
        """Make an empty draft of a path."""
        path_id = create_path(actor=self.actor, **self.parsed(PathIn))
        return self._detail(path_id, status=201, headers={"Location": f"/api/v1/paths/{path_id}"})

    @extend_schema(parameters=[IF_MATCH], request=PathChangeIn, responses={200: PathDetailOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what a path says of itself."""
        update_path(
            actor=self.actor, path_id=pk, revision=self.claimed_if_match(), **self.parsed(PathChangeIn)
        )
        return self._detail(pk)

    @extend_schema(responses={204: OpenApiResponse(description="The path is hidden from everybody.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete a path; what people did in its courses stays."""
        delete_path(actor=self.actor, path_id=pk)
        return Response(status=204)

    @extend_schema(parameters=[IF_MATCH], request=StepsIn, responses={200: PathDetailOut})
    @action(detail=True, methods=["put"])
    def steps(self, request: Request, pk: uuid.UUID) -> Response:
        """Set all steps of the path, in order, at once; everybody on it is counted anew."""
        wanted: Any = self.parsed(StepsIn)["steps"]
        set_steps(actor=self.actor, path_id=pk, revision=self.claimed_if_match(), steps=wanted)
        return self._detail(pk)

    @extend_schema(request=None, responses={200: PathDetailOut})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: uuid.UUID) -> Response:
        """Let people be put on the path."""
        publish_path(actor=self.actor, path_id=pk)
        return self._detail(pk)

    @extend_schema(request=None, responses={200: PathDetailOut})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: uuid.UUID) -> Response:
        """Take nobody else; who is on the path goes on."""
        archive_path(actor=self.actor, path_id=pk)
        return self._detail(pk)

    @extend_schema(parameters=[PlaceQuery], responses={200: PathPlaceOut(many=True)})
    @action(detail=True, methods=["get"])
    def enrollments(self, request: Request, pk: uuid.UUID) -> Response:
        """List who is on the path and how far."""
        rows = list_places(actor=self.actor, path_id=pk, **self.parsed_query(PlaceQuery))
        return self.page(PathPlaceOut, rows)

    @extend_schema(request=PathMembersIn, responses={200: PathRowsOut})
    @enrollments.mapping.post
    def enroll(self, request: Request, pk: uuid.UUID) -> Response:
        """Put up to 1,000 members on the path, with a result for each."""
        rows = enroll_on_path(actor=self.actor, path_id=pk, **self.parsed(PathMembersIn))
        return self.answer(PathRowsOut, {"results": [_result(row) for row in rows]})

    @extend_schema(request=None, responses={200: PathRowOut})
    @action(detail=True, methods=["post"])
    def join(self, request: Request, pk: uuid.UUID) -> Response:
        """Begin a path by yourself."""
        return self.answer(PathRowOut, _result(join_path(actor=self.actor, path_id=pk)))

    @extend_schema(responses={200: PathManagerOut(many=True)})
    @action(detail=True, methods=["get"], pagination_class=None)
    def managers(self, request: Request, pk: uuid.UUID) -> Response:
        """List who may manage the path."""
        return self.answer(PathManagerOut, list_path_managers(actor=self.actor, path_id=pk), many=True)

    @extend_schema(request=PathManagerIn, responses={200: PathManagerOut(many=True)})
    @managers.mapping.put
    def set_manager(self, request: Request, pk: uuid.UUID) -> Response:
        """Give or take the right to manage the path; it counts for instructors and managers."""
        set_path_manager(actor=self.actor, path_id=pk, **self.parsed(PathManagerIn))
        return self.answer(PathManagerOut, list_path_managers(actor=self.actor, path_id=pk), many=True)

    def _detail(
        self, path_id: uuid.UUID, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        path = get_path(actor=self.actor, path_id=path_id)
        tagged = {"ETag": f'"{path["revision"]}"', **(headers or {})}
        return self.answer(PathDetailOut, path, status=status, headers=tagged)


class PathEnrollmentViewSet(DomainViewSet):
    """Places on paths, for those who manage the path."""

    policies: ClassVar[dict[str, str]] = {
        "retrieve": "paths.manage",
        "pause": "paths.manage",
        "resume": "paths.manage",
        "withdraw": "paths.manage",
        "decide": "paths.manage",
    }

    @extend_schema(responses={200: MyPathDetailOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show somebody's place with its steps, what was handed in, and what is in the way."""
        return self._place(pk)

    @extend_schema(request=None, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: uuid.UUID) -> Response:
        """Let the place rest; its deadlines stop."""
        pause_path(actor=self.actor, enrollment_id=pk)
        return self._place(pk)

    @extend_schema(request=None, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: uuid.UUID) -> Response:
        """Go on after a pause."""
        resume_path(actor=self.actor, enrollment_id=pk)
        return self._place(pk)

    @extend_schema(request=None, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: uuid.UUID) -> Response:
        """End the place; what was done is kept."""
        withdraw_from_path(actor=self.actor, enrollment_id=pk)
        return self._place(pk)

    @extend_schema(request=DecisionIn, responses={200: MyPathDetailOut})
    @action(detail=True, methods=["post"], url_path="steps/<uuid:step_id>/decide")
    def decide(self, request: Request, pk: uuid.UUID, step_id: uuid.UUID) -> Response:
        """Say what became of a project, a quiz or a milestone that is confirmed by hand."""
        decide_step(actor=self.actor, enrollment_id=pk, step_id=step_id, **self.parsed(DecisionIn))
        return self._place(pk)

    def _place(self, enrollment_id: uuid.UUID) -> Response:
        return self.answer(MyPathDetailOut, get_place(actor=self.actor, enrollment_id=enrollment_id))


def _result(row: PathRow) -> dict[str, Any]:
    return {
        "member_id": row.member_id,
        "outcome": row.outcome,
        "enrollment_id": row.enrollment_id,
        "code": row.refusal.code if row.refusal else None,
        "facts": row.refusal.facts if row.refusal else {},
    }
