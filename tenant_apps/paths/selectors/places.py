"""How far people are along paths: the learner's own, and everybody's on one path."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Trim

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from shared_apps.core.walltime import local_text
from tenant_apps.paths.enums import PathEnrollmentState, StepState
from tenant_apps.paths.models import PathEnrollment, PathStep, StepRecord
from tenant_apps.paths.policies import (
    FOLLOW,
    MANAGE,
    PlaceFacts,
    StepFacts,
    due_at,
    refusal_of,
    visible_paths,
)
from tenant_apps.people.selectors.zones import zones_of


def list_places(
    *, actor: Actor, path_id: uuid.UUID, state: str = "", search: str = ""
) -> QuerySet[PathEnrollment, dict[str, Any]]:
    """Return who is on a path: dicts of the place with name, email and the title of the current step.

    Args:
        actor: who manages the path.
        path_id: the path.
        state: one state; empty means all.
        search: words that must each occur in name or address.

    Raises:
        NotFound: no such path, or none the actor sees.
        Forbidden: the actor may not manage it.
    """
    if not visible_paths(actor).filter(pk=path_id).exists():
        raise NotFound
    require(actor, MANAGE, path_id)
    found = PathEnrollment.objects.filter(path_id=path_id)
    if state:
        found = found.filter(state=state)
    named = found.annotate(
        member_name=Trim(Concat("member__first_name", Value(" "), "member__last_name")),
        member_email=F("member__email"),
        current_step_title=F("current_step__title"),
    )
    for word in search.split():
        named = named.filter(member_name__icontains=word) | named.filter(member_email__icontains=word)
    rows: QuerySet[PathEnrollment, dict[str, Any]] = named.values(
        *("id", "member_id", "member_name", "member_email", "state", "percent", "current_step_id"),
        *("current_step_title", "started_at", "completed_at", "paused_at", "created_at"),
    )
    return rows


def list_my_paths(*, actor: Actor) -> list[dict[str, Any]]:
    """Return the actor's places, newest first, each with its path and next deadline; three queries.

    Raises:
        Forbidden, Unauthenticated: not a member.
    """
    require(actor, FOLLOW)
    places = list(
        _own(actor).exclude(state=PathEnrollmentState.WITHDRAWN).select_related("path").order_by("-id")
    )
    return [shown for shown, _ in _shown(places)]


def get_my_path(*, actor: Actor, enrollment_id: uuid.UUID) -> dict[str, Any]:
    """Return one of the actor's places with its steps: state, whether open and why not, due when.

    Raises:
        NotFound: no such place, or somebody else's.
    """
    require(actor, FOLLOW)
    place = _own(actor).filter(pk=enrollment_id).select_related("path").first()
    if place is None:
        raise NotFound
    shown, steps = next(_shown([place]))
    return {**shown, "steps": steps}


def get_place(*, actor: Actor, enrollment_id: uuid.UUID) -> dict[str, Any]:
    """Return somebody's place with its steps, for whoever manages the path.

    Raises:
        NotFound: no such place, or somebody else's on a path the actor does not see or manage.
        Forbidden: it is the actor's own, on a path they do not manage.
    """
    require(actor, FOLLOW)
    seen = PathEnrollment.objects.filter(path__in=visible_paths(actor).values("pk"))
    place = seen.filter(pk=enrollment_id).select_related("path").first()
    if place is None:
        raise NotFound
    if place.member_id != actor.membership_id and not may(actor, MANAGE, place.path_id):
        raise NotFound
    require(actor, MANAGE, place.path_id)
    shown, steps = next(_shown([place]))
    return {**shown, "steps": steps}


def place_facts(place: PathEnrollment) -> PlaceFacts:
    """Return what the steps of a place depend on; its path must be joined. One query, for the zone."""
    return _facts(place, zones_of([place.member_id])[place.member_id])


def step_facts(step: PathStep) -> StepFacts:
    """Return what it depends on whether a step is open."""
    return StepFacts(step.pk, step.title, step.is_required, step.is_locked, step.due_days)


def _own(actor: Actor) -> QuerySet[PathEnrollment]:
    return PathEnrollment.objects.filter(
        member_id=actor.membership_id, path__in=visible_paths(actor).values("pk")
    )


def _facts(place: PathEnrollment, zone: str) -> PlaceFacts:
    return PlaceFacts(
        state=place.state,
        started_at=place.started_at,
        paused_at=place.paused_at,
        paused_seconds=place.paused_seconds,
        is_sequential=place.path.is_sequential,
        zone=zone,
    )


def _shown(places: Sequence[PathEnrollment]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    steps: dict[uuid.UUID, list[PathStep]] = defaultdict(list)
    live = PathStep.objects.filter(path__in={place.path_id for place in places}, removed_at__isnull=True)
    for step in live.select_related("course").order_by("position", "id"):
        steps[step.path_id].append(step)
    records: dict[uuid.UUID, dict[uuid.UUID, StepRecord]] = defaultdict(dict)
    for record in StepRecord.objects.filter(enrollment__in=[place.pk for place in places]):
        records[record.enrollment_id][record.step_id] = record
    zones = zones_of({place.member_id for place in places})
    for place in places:
        yield _place(place, steps[place.path_id], records[place.pk], zones[place.member_id])


def _place(
    place: PathEnrollment, steps: Sequence[PathStep], records: dict[uuid.UUID, StepRecord], zone: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    facts = _facts(place, zone)
    every = [step_facts(step) for step in steps]
    done = {key for key, record in records.items() if record.state == StepState.COMPLETED}
    rows = []
    deadlines: list[tuple[datetime, uuid.UUID]] = []
    for step, each in zip(steps, every, strict=True):
        refusal = refusal_of(facts, every, each, done)
        due = due_at(facts, each)
        if due is not None and step.pk not in done and place.state == PathEnrollmentState.ACTIVE:
            deadlines.append((due, step.pk))
        rows.append(_step(step, records.get(step.pk), refusal, due, zone))
    first = min(deadlines, default=None)
    is_live = place.state in {PathEnrollmentState.ACTIVE, PathEnrollmentState.PAUSED}
    return {
        "id": place.pk,
        "path": {"id": place.path_id, "title": place.path.title, "slug": place.path.slug},
        "member_id": place.member_id,
        "state": place.state,
        "percent": place.percent,
        "current_step_id": place.current_step_id,
        "next_due": None
        if first is None
        else {"step_id": first[1], "at": first[0], "local": local_text(first[0], zone)},
        "started_at": place.started_at,
        "completed_at": place.completed_at,
        "paused_at": place.paused_at,
        "timezone": zone,
        "can": {
            "pause": place.state == PathEnrollmentState.ACTIVE,
            "resume": place.state == PathEnrollmentState.PAUSED,
            "withdraw": is_live,
        },
    }, rows


def _step(
    step: PathStep, record: StepRecord | None, refusal: Any, due: datetime | None, zone: str
) -> dict[str, Any]:
    return {
        "id": step.pk,
        "kind": step.kind,
        "title": step.title,
        "summary": step.summary,
        "position": step.position,
        "is_required": step.is_required,
        "course": None if step.course is None else {"id": step.course.pk, "title": step.course.title},
        "pass_percent": step.pass_percent,
        "state": record.state if record else None,
        "completed_at": record.completed_at if record else None,
        "course_enrollment_id": record.course_enrollment_id if record else None,
        "submission": record.submission if record else "",
        "submission_url": record.submission_url if record else "",
        "submitted_at": record.submitted_at if record else None,
        "score_percent": record.score_percent if record else None,
        "reason": record.reason if record else "",
        "access": refusal.code if refusal else "open",
        "access_facts": refusal.facts if refusal else {},
        "due_at": due,
        "due_local": local_text(due, zone),
    }
