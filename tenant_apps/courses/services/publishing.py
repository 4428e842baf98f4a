"""Publish a draft: check it, seal it with its content hash, make it the course's current version."""

import uuid

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.errors import VersionNotPublishable
from tenant_apps.courses.locks import version_to_change
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import PUBLISH, visible_versions
from tenant_apps.courses.selectors.counts import counts_of
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services.checks import version_problems
from tenant_apps.courses.services.review_steps import do_withdraw_pending, require_approval
from tenant_apps.courses.services.steps import (
    do_audit,
    do_lock_course,
    do_move_course,
    refuse_archived,
    require_revision,
)
from tenant_apps.courses.types import VersionOutline


def publish_version(*, actor: Actor, version_id: uuid.UUID, revision: str) -> None:
    """Publish a draft in the state the caller has read. Publishing a published version changes nothing.

    Args:
        actor: who acts.
        version_id: the draft.
        revision: what the caller read, the ETag without quotes; "*" for any.

    Raises:
        NotFound: no such version, or a draft the actor may not know of.
        Forbidden, InstructorBarred: the actor may not publish this course.
        CourseArchived: its course is archived.
        RevisionMissing, StaleVersion: no revision, or somebody changed it since.
        ApprovalMissing, VersionNotPublishable: see `do_publish`.
    """
    course_id = visible_versions(actor).filter(pk=version_id).values_list("course_id", flat=True).first()
    if course_id is None:
        raise NotFound
    with entry_transaction():
        # The course first: two drafts published at once must agree on which one is current.
        course = do_lock_course(actor=actor, course_id=course_id, rule=PUBLISH)
        version = version_to_change(version_id).first()
        if version is None:
            raise NotFound
        if version.state == VersionState.PUBLISHED:
            return
        refuse_archived(course)
        require_revision(version, revision)
        do_publish(actor=actor, course=course, version=version)


def do_publish(*, actor: Actor, course: Course, version: CourseVersion) -> None:
    """Publish a locked draft of a locked course. A submission that still waits is withdrawn.

    Raises:
        ApprovalMissing: the organization reviews courses, and nobody approved the draft as it stands.
        VersionNotPublishable: lessons are missing or incomplete.
    """
    require_transaction()
    require_approval(version)
    outline = get_outline(version.id)
    refuse_unready(outline)
    do_withdraw_pending(version, by=actor.membership_id)
    counts = counts_of(outline)
    version.state = VersionState.PUBLISHED
    version.content_hash = digest_of(outline)
    for name, count in counts.items():
        setattr(version, name, count)
    version.published_at = clock.now()
    version.published_by_id = actor.membership_id
    version.save_fields("state", "content_hash", *counts, "published_at", "published_by_id")
    course.current_version = version
    course.save_fields("current_version")
    do_move_course(course, CourseState.PUBLISHED)
    do_audit(
        actor=actor,
        action=PUBLISH.name,
        target=version,
        course_id=str(course.id),
        number=version.number,
        content_hash=version.content_hash,
    )


def refuse_unready(outline: VersionOutline) -> None:
    """Raise VersionNotPublishable when something in the version would not work for learners."""
    problems = version_problems(outline)
    if problems:
        raise VersionNotPublishable(problems=problems)
