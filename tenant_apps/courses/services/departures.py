"""What becomes of courses when somebody leaves the organization."""

import uuid
from collections.abc import Sequence
from typing import Any

from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.enums import InstructorRole
from tenant_apps.courses.locks import courses_of_member
from tenant_apps.courses.models import Course, CourseInstructor, CourseRight
from tenant_apps.courses.policies import OWN
from tenant_apps.courses.selectors.authors import find_first_owner
from tenant_apps.courses.services.instructors import RIGHTS_OF, Part, do_set_rights, do_write_parts
from tenant_apps.courses.services.steps import do_audit
from tenants.context import current_organization


def end_rights_of_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """End what a removed member had in courses: whoever is invited again starts without it.

    Rights are taken away. Their part in a course ends and its share goes to the primary instructor; a primary
    one is followed by the first co-instructor, with the rights of the part. Assistants take over the share
    and nothing else: an administrator names the next primary one. Courses they own go to the primary
    instructor, or to the organization's longest-standing owner. The courses themselves stay as they are.
    """
    require_transaction()
    # Locked in one order, before anything is written.
    courses = list(courses_of_member(member_id))
    ended, _ = CourseRight.objects.filter(user_id=user_id).delete()
    parts = sum(_end_part(course, member_id) for course in courses)
    owned = sum(_hand_over(course, member_id) for course in courses)
    # Named only where there was something, as the audit log has known it.
    return {"rights": ended} | ({"parts": parts} if parts else {}) | ({"courses": owned} if owned else {})


def _end_part(course: Course, member_id: uuid.UUID) -> bool:
    rows = list(CourseInstructor.objects.filter(course_id=course.id).select_related("member"))
    left = [row for row in rows if row.member_id != member_id]
    if len(left) == len(rows):
        return False
    freed = next(row for row in rows if row.member_id == member_id)
    heir = _heir(left)
    parts = []
    for row in left:
        role, share = InstructorRole(row.role), row.share_percent
        if heir is not None and row.member_id == heir.member_id:
            share += freed.share_percent
            role = InstructorRole.PRIMARY if role is InstructorRole.CO_INSTRUCTOR else role
        parts.append(Part(row.member_id, role, share))
    do_write_parts(course, parts)
    if heir is not None and heir.role == InstructorRole.CO_INSTRUCTOR:
        do_set_rights(course, heir.member.user_id, RIGHTS_OF[InstructorRole.PRIMARY])
    return True


def _heir(left: Sequence[CourseInstructor]) -> CourseInstructor | None:
    """Return who gets the share: the primary instructor, else the first co-instructor, else the first
    assistant."""
    ranks = list(InstructorRole)
    return min(left, key=lambda row: (ranks.index(InstructorRole(row.role)), row.position), default=None)


def _hand_over(course: Course, member_id: uuid.UUID) -> bool:
    if course.owner_id != member_id:
        return False
    primary = CourseInstructor.objects.filter(course_id=course.id, role=InstructorRole.PRIMARY).first()
    owner = None if primary else find_first_owner()
    heir_id = primary.member_id if primary else owner.member_id if owner else None
    if heir_id is None or heir_id == member_id:
        return False
    course.owner_id = heir_id
    course.save_fields("owner")
    do_audit(
        actor=system_actor("courses.end_rights_of_departed", current_organization().id),
        action=OWN.name,
        target=course,
        owner_id=[str(member_id), str(heir_id)],
    )
    return True
