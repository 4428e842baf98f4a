"""What an actor may do to courses and versions: asked for all rows in the statement that reads them.

An act is open when the actor has the right and the row's state allows it; `edit` and `publish` of a course
are the rights themselves. Services decide again, under lock.
"""

from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery

from shared_apps.core.actors import STAFF, Actor, ActorKind
from shared_apps.core.policies import Rule, get_rule, may
from tenant_apps.courses.enums import BARRED, CourseState, ReviewStanding, ReviewState, VersionState
from tenant_apps.courses.models import (
    Course,
    CourseInstructor,
    CourseVersion,
    InstructorProfile,
    VersionReview,
)
from tenant_apps.courses.policies import (
    CODENAME,
    CONTENT,
    DELETE,
    EDIT,
    EDIT_RIGHT,
    GRANT,
    OWN,
    PUBLISH,
    PUBLISH_RIGHT,
    RESTORE,
    REVIEW,
    RIGHT_HOLDERS,
    SET_INSTRUCTORS,
    held_rights,
)

_Row = TypeVar("_Row", bound=Model)

COURSE_ACTS = (
    "edit",
    "submit",
    "approve",
    "publish",
    "unpublish",
    "republish",
    "archive",
    "unarchive",
    "delete",
    "restore",
    "transfer",
    "grant",
    "manage_instructors",
    "create_draft",
    "create_run",
)
VERSION_ACTS = ("edit", "submit", "approve", "withdraw", "publish", "delete", "draft", "export")


def with_course_standing(actor: Actor, courses: QuerySet[Course]) -> QuerySet[Course]:
    """Return the courses with what `course_acts` needs of each."""
    return _with_standing(actor, courses, course="pk")


def course_acts(actor: Actor, course: Any) -> dict[str, bool]:
    """Return each of `COURSE_ACTS` with whether it is open to the actor, from a course of
    `with_course_standing`."""
    state, here = CourseState(course.state), course.deleted_at is None
    edit, publish = _has(actor, EDIT, EDIT_RIGHT, course), _has(actor, PUBLISH, PUBLISH_RIGHT, course)
    works, live = here and state is not CourseState.ARCHIVED, here and state is CourseState.PUBLISHED
    return {
        "edit": edit and here,
        "submit": edit and works and not _is_barred(course),
        "approve": _has(actor, REVIEW, PUBLISH_RIGHT, course) and works and not _has_part(course),
        "publish": publish and here,
        "unpublish": publish and live,
        "republish": publish and here and state is CourseState.UNPUBLISHED,
        "archive": publish and works,
        "unarchive": publish and here and not works,
        "delete": may(actor, DELETE) and here,
        "restore": may(actor, RESTORE) and not here,
        "transfer": may(actor, OWN) and here,
        "grant": may(actor, GRANT) and here,
        "manage_instructors": may(actor, SET_INSTRUCTORS) and here,
        "create_draft": edit and works,
        # By its name: runs stand above courses.
        "create_run": live and may(actor, get_rule("runs.create")),
    }


def with_version_standing(actor: Actor, versions: QuerySet[CourseVersion]) -> QuerySet[CourseVersion]:
    """Return the versions with what `version_acts` and `review_standing` need of each."""
    last = VersionReview.objects.filter(version_id=OuterRef("pk")).order_by("-id")
    found: QuerySet[CourseVersion] = versions.select_related("course").annotate(
        review=Subquery(last.values("state")[:1]),
        review_revision=Subquery(last.values("revision")[:1]),
        submitter_id=Subquery(last.values("submitted_by_id")[:1]),
    )
    return _with_standing(actor, found, course="course_id")


def review_standing(version: Any) -> ReviewStanding:
    """Return how far a version of `with_version_standing` has come with its reviewers."""
    if version.approved_revision == version.revision:
        return ReviewStanding.APPROVED
    match version.review:
        case ReviewState.PENDING:
            same = version.review_revision == version.revision
            return ReviewStanding.PENDING if same else ReviewStanding.OUTDATED
        case ReviewState.APPROVED:
            return ReviewStanding.OUTDATED
        case ReviewState.REJECTED:
            return ReviewStanding.REJECTED
        case _:
            return ReviewStanding.NONE


def version_acts(actor: Actor, version: Any, *, review_required: bool) -> dict[str, bool]:
    """Return each of `VERSION_ACTS` with whether it is open to the actor, from a version of
    `with_version_standing`."""
    standing, waits = review_standing(version), version.review == ReviewState.PENDING
    works = version.course.state != CourseState.ARCHIVED
    drafted = works and version.state == VersionState.DRAFT
    edit = _has(actor, EDIT, EDIT_RIGHT, version)
    approved = standing is ReviewStanding.APPROVED
    return {
        "edit": edit and drafted,
        "submit": edit
        and drafted
        and not _is_barred(version)
        and standing not in (ReviewStanding.PENDING, ReviewStanding.APPROVED),
        "approve": _has(actor, REVIEW, PUBLISH_RIGHT, version)
        and drafted
        and standing is ReviewStanding.PENDING
        and not is_own_work(actor, version, version.submitter_id),
        "withdraw": edit and drafted and waits,
        "publish": _has(actor, PUBLISH, PUBLISH_RIGHT, version)
        and drafted
        and (approved or not review_required),
        "delete": edit and drafted,
        "draft": edit and works,
        "export": may(actor, CONTENT),
    }


def is_own_work(actor: Actor, version: Any, submitter_id: Any) -> bool:
    """Tell whether the actor is part of a version of `with_version_standing`, and so decides nothing."""
    own = actor.membership_id
    return own is not None and (submitter_id == own or str(own) in version.editor_ids or _has_part(version))


def _with_standing(actor: Actor, rows: QuerySet[_Row], *, course: str) -> QuerySet[_Row]:
    if actor.role not in STAFF:
        return rows
    parts = CourseInstructor.objects.filter(course_id=OuterRef(course), member_id=actor.membership_id)
    known: Any = rows.annotate(has_part=Exists(parts))
    if actor.role in RIGHT_HOLDERS:
        held = held_rights(actor).filter(content_object_id=OuterRef(course)).order_by(CODENAME)
        barred = InstructorProfile.objects.filter(member_id=actor.membership_id, state__in=BARRED)
        known = known.annotate(held=ArraySubquery(held.values(CODENAME)), is_barred=Exists(barred))
    standing: QuerySet[_Row] = known
    return standing


def _has(actor: Actor, rule: Rule, right: str, row: Any) -> bool:
    held = getattr(row, "held", None) or ()
    return right in held or actor.role in rule.roles or actor.kind is ActorKind.SYSTEM


def _has_part(row: Any) -> bool:
    return bool(getattr(row, "has_part", False))


def _is_barred(row: Any) -> bool:
    return bool(getattr(row, "is_barred", False))
