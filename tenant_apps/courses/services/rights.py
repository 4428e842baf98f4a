"""Give and take rights on single courses."""

import uuid
from collections.abc import Collection

from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import InstructorRole
from tenant_apps.courses.errors import AssistantCannotPublish, MemberCannotAuthor, UnknownMember
from tenant_apps.courses.models import CourseInstructor
from tenant_apps.courses.policies import GRANT, PUBLISH_RIGHT, RIGHT_HOLDERS, RIGHTS
from tenant_apps.courses.selectors.authors import find_author
from tenant_apps.courses.services.instructors import do_set_rights
from tenant_apps.courses.services.steps import do_audit, do_lock_course


def set_course_rights(
    *, actor: Actor, course_id: uuid.UUID, member_id: uuid.UUID, rights: Collection[str]
) -> None:
    """Make these the member's rights on the course: none takes all away. Repeating changes nothing.

    Args:
        actor: who acts.
        course_id: the course.
        member_id: who is to hold the rights.
        rights: from `RIGHTS`, "edit_course" and "publish_course".

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        UnknownMember: no such active member.
        MemberCannotAuthor: rights are given to somebody whose role can hold none.
        AssistantCannotPublish: the right to publish is given to an assistant of the course.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=GRANT)
        member = find_author(member_id=member_id)
        if member is None:
            raise UnknownMember(field="member_id")
        wanted = frozenset(rights) & frozenset(RIGHTS)
        if wanted and member.role not in RIGHT_HOLDERS:
            raise MemberCannotAuthor(role=member.role)
        parts = CourseInstructor.objects.filter(course_id=course_id, member_id=member_id)
        if PUBLISH_RIGHT in wanted and parts.filter(role=InstructorRole.ASSISTANT).exists():
            raise AssistantCannotPublish
        held = do_set_rights(course, member.user_id, wanted)
        if held != wanted:
            do_audit(
                actor=actor,
                action=GRANT.name,
                target=course,
                member_id=str(member_id),
                rights=[sorted(held), sorted(wanted)],
            )
