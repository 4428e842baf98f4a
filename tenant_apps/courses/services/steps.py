"""Steps that the services of courses share: finding under lock, refusing, auditing."""

import uuid
from typing import Any

from django.db import connection

from billing.entitlements import COURSES
from billing.selectors.entitlements import entitlements_of, refuse_over_limit
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound, StaleVersion
from shared_apps.core.policies import Rule, require
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.enums import BARRED, COURSE_MOVES, CourseState, VersionState
from tenant_apps.courses.errors import (
    CourseArchived,
    CourseMoveRefused,
    InstructorBarred,
    RevisionMissing,
    VersionFrozen,
)
from tenant_apps.courses.locks import course_to_change, version_to_change
from tenant_apps.courses.models import Course, CourseVersion, InstructorProfile
from tenant_apps.courses.policies import NEED_STANDING, RIGHT_HOLDERS, visible_courses, visible_versions
from tenant_apps.courses.selectors.catalog import count_courses
from tenants.context import current_organization


def do_lock_course(*, actor: Actor, course_id: uuid.UUID, rule: Rule) -> Course:
    """Lock a course that the actor sees and may do this to.

    Raises:
        NotFound: no such course, or none the actor may know of.
        Forbidden: the actor sees it but lacks the right.
        InstructorBarred: the act puts something before learners, and the actor was rejected or suspended.
    """
    require_transaction()
    course = course_to_change(course_id).filter(pk__in=visible_courses(actor).values("pk")).first()
    if course is None:
        raise NotFound
    refuse_barred(actor=actor, rule=rule)
    require(actor, rule, course_id)
    return course


def refuse_barred(*, actor: Actor, rule: Rule) -> None:
    """Raise InstructorBarred when the rule needs good standing and the actor was rejected or suspended."""
    if rule.name not in NEED_STANDING or actor.role not in RIGHT_HOLDERS:
        return
    profile = InstructorProfile.objects.filter(member_id=actor.membership_id, state__in=BARRED).first()
    if profile is not None:
        raise InstructorBarred(state=profile.state, reason=profile.state_reason)


def do_lock_draft(*, actor: Actor, version_id: uuid.UUID, revision: str, rule: Rule) -> CourseVersion:
    """Lock a draft in the state the caller has read.

    Args:
        actor: who acts.
        version_id: the draft.
        revision: what the caller read, the ETag without quotes; "*" for any.
        rule: what the actor must be allowed on its course.

    Raises:
        NotFound: no such version, or a draft the actor may not know of.
        Forbidden: the actor sees it but lacks the right.
        VersionFrozen: it is published.
        CourseArchived: its course is archived.
        RevisionMissing: `revision` is empty.
        StaleVersion: somebody changed it since.
    """
    require_transaction()
    version = (
        version_to_change(version_id)
        .filter(pk__in=visible_versions(actor).values("pk"))
        .select_related("course")
        .first()
    )
    if version is None:
        raise NotFound
    require(actor, rule, version.course_id)
    if version.state != VersionState.DRAFT:
        raise VersionFrozen(state=version.state)
    refuse_archived(version.course)
    require_revision(version, revision)
    # Written with the edit, by `do_count_edit`.
    if actor.membership_id is not None:
        version.editor_ids = sorted({*version.editor_ids, str(actor.membership_id)})
    return version


def require_revision(version: CourseVersion, revision: str) -> None:
    """Raise RevisionMissing for an empty revision, StaleVersion for another than the version's."""
    if not revision:
        raise RevisionMissing
    if revision not in ("*", str(version.revision)):
        raise StaleVersion(revision=version.revision)


def refuse_archived(course: Course) -> None:
    """Raise CourseArchived when the course is in the archive."""
    if course.state == CourseState.ARCHIVED:
        raise CourseArchived


def do_count_edit(version: CourseVersion) -> int:
    """Count one edit of a draft from `do_lock_draft`, note whose it is, and return the new revision."""
    require_transaction()
    version.revision += 1
    version.save_fields("revision", "editor_ids")
    return version.revision


def do_move_course(course: Course, wanted: CourseState, *, reason: str = "") -> str:
    """Move a locked course to another state, with reason and time, and return the state before. A course that
    is there already stays as it is, reason and time included.

    Raises:
        CourseMoveRefused: `COURSE_MOVES` has no such move.
    """
    require_transaction()
    before = CourseState(course.state)
    if before == wanted:
        return before
    if wanted not in COURSE_MOVES[before]:
        raise CourseMoveRefused(state=before, allowed=sorted(COURSE_MOVES[before]))
    course.archived_from = before if wanted is CourseState.ARCHIVED else ""
    course.state, course.state_reason, course.state_changed_at = wanted, reason, clock.now()
    course.save_fields("state", "state_reason", "state_changed_at", "archived_from")
    return before


def do_audit(*, actor: Actor, action: str, target: Any, **changes: Any) -> None:
    """Record the act for the current organization."""
    do_record(
        actor=actor,
        action=action,
        organization_id=current_organization().id,
        target=target,
        changes=changes,
    )


def do_keep_within_plan() -> None:
    """Refuse one course more than the organization's plan allows, before it is written. Where there is a
    limit, whoever adds courses waits for each other until their transactions end.

    Raises:
        PlanLimitReached: see `refuse_over_limit`.
    """
    require_transaction()
    organization_id = current_organization().id
    if entitlements_of(organization_id).limit(COURSES) is None:
        return
    with connection.cursor() as cursor:
        key = f"courses:{organization_id.hex}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    refuse_over_limit(organization_id, COURSES, used=count_courses())
