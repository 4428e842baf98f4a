"""Paths and their steps, with what the actor can do to them."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.paths.enums import PathEnrollmentState, PathState
from tenant_apps.paths.models import LearningPath, PathEnrollment, PathStep
from tenant_apps.paths.policies import VIEW, paths_with_right, sees_everything, visible_paths


def list_paths(*, actor: Actor, state: str = "", level: str = "", search: str = "") -> QuerySet[LearningPath]:
    """Return the paths the actor sees; `search` words must each occur in title or slug.

    Raises:
        Forbidden, Unauthenticated: not a member.
    """
    require(actor, VIEW)
    found = visible_paths(actor)
    if state:
        found = found.filter(state=state)
    if level:
        found = found.filter(level=level)
    for word in search.split():
        found = found.filter(Q(title__icontains=word) | Q(slug__icontains=word))
    return found


def describe_paths(actor: Actor, paths: Sequence[LearningPath]) -> list[dict[str, Any]]:
    """Return the paths as dicts with counts, the actor's own place and `can`; four queries for any number."""
    ids = [path.pk for path in paths]
    live = PathStep.objects.filter(path__in=ids, removed_at__isnull=True).order_by()
    steps = dict(live.values("path_id").annotate(number=Count("*")).values_list("path_id", "number"))
    taking = (
        PathEnrollment.objects.filter(path__in=ids).exclude(state=PathEnrollmentState.WITHDRAWN).order_by()
    )
    people = dict(taking.values("path_id").annotate(number=Count("*")).values_list("path_id", "number"))
    own = {place.path_id: place for place in taking.filter(member_id=actor.membership_id)}
    managed: set[uuid.UUID] = set()
    if not sees_everything(actor):
        managed = set(paths_with_right(actor).filter(pk__in=ids).order_by().values_list("pk", flat=True))
    return [
        _described(
            path,
            steps=steps.get(path.pk, 0),
            people=people.get(path.pk, 0),
            own=own.get(path.pk),
            manages=sees_everything(actor) or path.pk in managed,
            names_managers=sees_everything(actor),
        )
        for path in paths
    ]


def get_path(*, actor: Actor, path_id: uuid.UUID) -> dict[str, Any]:
    """Return one path as in the list, with its steps.

    Raises:
        NotFound: no such path, a deleted one, or none the actor may know of.
    """
    require(actor, VIEW)
    path = visible_paths(actor).filter(pk=path_id).first()
    if path is None:
        raise NotFound
    steps = PathStep.objects.filter(path=path, removed_at__isnull=True).order_by("position", "id")
    names = [field.attname for field in PathStep._meta.concrete_fields]
    rows = list(steps.values(*names, course_title=F("course__title"), run_title=F("run__title")))
    return {**describe_paths(actor, [path])[0], "steps": rows}


def _described(
    path: LearningPath,
    *,
    steps: int,
    people: int,
    own: PathEnrollment | None,
    manages: bool,
    names_managers: bool,
) -> dict[str, Any]:
    is_live = path.state != PathState.ARCHIVED
    is_free = path.price_minor is None
    return {
        **{
            name: getattr(path, name)
            for name in (
                *("id", "slug", "title", "summary", "level", "hours", "outcomes", "is_sequential"),
                *("is_open_to_members", "price_type", "state", "revision", "owner_id"),
                *("created_at", "updated_at"),
            )
        },
        "price": None
        if path.price_minor is None
        else {"amount_minor": path.price_minor, "currency": path.currency.upper()},
        "step_count": steps,
        "enrolled_count": people,
        "my_enrollment": None if own is None else {"id": own.pk, "state": own.state, "percent": own.percent},
        "can": {
            "edit": manages,
            "publish": manages and path.state != PathState.PUBLISHED,
            "archive": manages and is_live,
            "delete": manages,
            "enroll": manages and path.state == PathState.PUBLISHED,
            "join": own is None and path.state == PathState.PUBLISHED and path.is_open_to_members and is_free,
            "set_managers": names_managers,
        },
    }
