"""Moving a run to another version of its course over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.learning.serializers_moves import (
    MoveApplyIn,
    MoveDetailOut,
    MoveDryRunIn,
    MoveDryRunOut,
    MoveLearnerOut,
    MoveLearnerRowOut,
    MoveOut,
)
from tenant_apps.learning.selectors.moves import (
    dry_run_learner,
    get_move,
    list_move_learners,
    list_moves,
    read_keys,
)
from tenant_apps.learning.services.moves import apply_move, dry_run_move, undo_move


class RunMoveViewSet(DomainViewSet):
    """Moves of a run."""

    policies = {
        "list": "runs.edit",
        "retrieve": "runs.edit",
        "create": "runs.edit",
        "dry_run": "runs.edit",
        "undo": "runs.edit",
        "learners": "runs.edit",
    }

    @extend_schema(responses=MoveOut(many=True))
    def list(self, request: Request, run_id: uuid.UUID) -> Response:
        """List the run's moves, newest first."""
        return self.page(MoveOut, list_moves(actor=self.actor, run_id=run_id))

    @extend_schema(responses=MoveDetailOut)
    def retrieve(self, request: Request, run_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Read one move: its mapping, and what it did to lessons and dates."""
        return self._answer(run_id, pk)

    @extend_schema(request=MoveApplyIn, responses={201: MoveDetailOut})
    def create(self, request: Request, run_id: uuid.UUID) -> Response:
        """Move the run as its dry run showed."""
        move_id = apply_move(actor=self.actor, run_id=run_id, **self.parsed(MoveApplyIn))
        return self._answer(
            run_id, move_id, status=201, headers={"Location": f"/api/v1/runs/{run_id}/moves/{move_id}"}
        )

    @extend_schema(request=MoveDryRunIn, responses=MoveDryRunOut)
    @action(detail=False, methods=["post"], url_path="dry-run")
    def dry_run(self, request: Request, run_id: uuid.UUID) -> Response:
        """Look at what a move would do to everybody in the run; nothing is written."""
        found = dry_run_move(actor=self.actor, run_id=run_id, **self.parsed(MoveDryRunIn))
        reckoning = found.reckoning
        shown = {
            "fingerprint": found.fingerprint,
            "counts": reckoning.summary(),
            "lessons": reckoning.lessons(),
            "date_rules": [rule.plain() for rule in reckoning.rules],
            "dates_without_unit": reckoning.vanished,
            "learners": [dry_run_learner(reckoning, effect) for effect in found.learners],
            "next_after": found.next_after,
        }
        return self.answer(MoveDryRunOut, shown)

    @extend_schema(request=None, responses=MoveDetailOut)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, run_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """Undo the run's last move, but for what people did since; possible for thirty days."""
        undo_move(actor=self.actor, run_id=run_id, move_id=pk)
        return self._answer(run_id, pk)

    @extend_schema(responses=MoveLearnerOut(many=True))
    @action(detail=True, methods=["get"])
    def learners(self, request: Request, run_id: uuid.UUID, pk: uuid.UUID) -> Response:
        """List what the move did to each learner."""
        rows = list_move_learners(actor=self.actor, run_id=run_id, move_id=pk)
        self.move_keys = read_keys(move_id=pk)
        return self.page(MoveLearnerRowOut, rows)

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the context, with what places in the rows of a move stand for."""
        return {**super().get_serializer_context(), "move_keys": getattr(self, "move_keys", None)}

    def _answer(self, run_id: uuid.UUID, move_id: uuid.UUID, **options: Any) -> Response:
        found = get_move(actor=self.actor, run_id=run_id, move_id=move_id)
        return self.answer(MoveDetailOut, found, **options)
