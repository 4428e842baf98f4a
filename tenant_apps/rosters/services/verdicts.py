"""What planning and applying hand around."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared_apps.core.actors import Role
from tenant_apps.rosters.enums import RowAction


@dataclass(frozen=True, slots=True)
class RosterOptions:
    """What the uploader chooses.

    Attributes:
        create_cohorts: cohorts that the file names and nobody made yet are made; else their rows are refused.
        default_role: of new people whose row names no role.
        run_id: a run to enrol everybody of the list in, besides the runs of their cohorts.
    """

    create_cohorts: bool = False
    default_role: Role = Role.LEARNER
    run_id: uuid.UUID | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form kept with the import."""
        return {
            "create_cohorts": self.create_cohorts,
            "default_role": str(self.default_role),
            "run_id": str(self.run_id) if self.run_id else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "RosterOptions":
        """Return the options kept with an import."""
        run_id = kept.get("run_id")
        return cls(
            bool(kept["create_cohorts"]), Role(kept["default_role"]), uuid.UUID(run_id) if run_id else None
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the organization's state does not let a row in, in the words of a row issue."""

    column: str
    code: str
    value: str
    advice: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row means for the organization as it is.

    Attributes:
        changes: by column, [old, new] in their JSON forms; for a change only. "seat", "cohort" and "run"
            stand for what the person would get.
        member_id: the member the row is about, None for somebody new.
        needs_seat: the person holds none yet.
        gets_place: the cohort place is missing.
        run_ids: runs the person would be enrolled in.
    """

    action: RowAction
    changes: dict[str, list[Any]] = field(default_factory=dict)
    refusal: Refusal | None = None
    member_id: uuid.UUID | None = None
    needs_seat: bool = False
    gets_place: bool = False
    run_ids: tuple[uuid.UUID, ...] = ()
