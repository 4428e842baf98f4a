"""Who may do what with paths, which paths an actor sees, and when a step is open.

Administrators do everything. Instructors and managers make paths, and work on those they hold the right on
(whoever makes one gets it). Everybody sees published paths, and those they are on.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from guardian.shortcuts import get_objects_for_user

from shared_apps.accounts.models import User
from shared_apps.core.actors import ADMINS, EVERYONE, Actor, ActorKind, Role
from shared_apps.core.errors import DomainError
from shared_apps.core.policies import Rule, declare
from shared_apps.core.walltime import add_days
from tenant_apps.paths.enums import PathEnrollmentState, PathState
from tenant_apps.paths.errors import PathNotActive, PathPaused, StepLocked, StepNotReached
from tenant_apps.paths.models import LearningPath, PathEnrollment

MANAGE_RIGHT = "manage_path"
RIGHT_HOLDERS = frozenset({Role.INSTRUCTOR, Role.MANAGER})


def paths_with_right(actor: Actor) -> QuerySet[LearningPath]:
    """Return the paths the actor holds the right on; nothing on the platform (superuser, group) counts."""
    if actor.user_id is None or actor.role not in RIGHT_HOLDERS:
        return LearningPath.objects.none()
    found: QuerySet[LearningPath] = get_objects_for_user(
        User(id=actor.user_id),
        [f"paths.{MANAGE_RIGHT}"],
        klass=LearningPath,
        use_groups=False,
        with_superuser=False,
        accept_global_perms=False,
    )
    return found


def _manages(actor: Actor, path_id: uuid.UUID) -> bool:
    return paths_with_right(actor).filter(pk=path_id).exists()


VIEW = declare(Rule("paths.view", roles=EVERYONE))
CREATE = declare(Rule("paths.create", roles=ADMINS | RIGHT_HOLDERS))
MANAGE = declare(Rule("paths.manage", roles=ADMINS, object_roles=RIGHT_HOLDERS, holds=_manages))
STAFF = declare(Rule("paths.staff", roles=ADMINS))
FOLLOW = declare(Rule("paths.follow", roles=EVERYONE))


def sees_everything(actor: Actor) -> bool:
    """Tell whether no live path is hidden from the actor."""
    return actor.kind is ActorKind.SYSTEM or actor.role in ADMINS


def visible_paths(actor: Actor) -> QuerySet[LearningPath]:
    """Return the paths the actor may know of; deleted ones never."""
    live = LearningPath.objects.filter(deleted_at__isnull=True)
    if sees_everything(actor):
        return live
    if actor.kind is not ActorKind.MEMBER:
        return live.none()
    own = PathEnrollment.objects.filter(member_id=actor.membership_id).exclude(
        state=PathEnrollmentState.WITHDRAWN
    )
    seen = Q(state=PathState.PUBLISHED) | Q(pk__in=own.values("path_id"))
    if actor.role in RIGHT_HOLDERS:
        seen |= Q(pk__in=paths_with_right(actor).values("pk"))
    return live.filter(seen)


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What it depends on whether a step is open, and by when it is due."""

    id: uuid.UUID
    title: str
    is_required: bool
    is_locked: bool
    due_days: int | None


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What of a place on a path its steps depend on. Instants are aware; `zone` is the learner's."""

    state: str
    started_at: datetime
    paused_at: datetime | None
    paused_seconds: int
    is_sequential: bool
    zone: str


def refusal_of(
    place: PlaceFacts, steps: Sequence[StepFacts], step: StepFacts, done: Collection[uuid.UUID]
) -> DomainError | None:
    """Return why a step cannot be worked on now, None when it can.

    Args:
        place: the learner's place.
        steps: all steps of the path, in order.
        step: the one asked about.
        done: ids of the steps completed.
    """
    if place.state == PathEnrollmentState.WITHDRAWN:
        return PathNotActive(state=place.state)
    if place.state == PathEnrollmentState.PAUSED:
        return PathPaused(paused_at=place.paused_at.isoformat() if place.paused_at else None)
    if step.is_locked:
        return StepLocked(step_id=str(step.id))
    if not place.is_sequential or step.id in done:
        return None
    before = steps[: [each.id for each in steps].index(step.id)]
    missing = [each for each in before if each.is_required and each.id not in done]
    if missing:
        return StepNotReached(missing=[{"id": str(each.id), "title": each.title} for each in missing])
    return None


def due_at(place: PlaceFacts, step: StepFacts) -> datetime | None:
    """Return the instant by which a step is due, None without a deadline or while the path is paused.

    Days are counted in the learner's zone from the start, at the same wall time; ended pauses move it on.
    """
    if step.due_days is None or place.state == PathEnrollmentState.PAUSED:
        return None
    return add_days(place.started_at, step.due_days, place.zone) + timedelta(seconds=place.paused_seconds)
