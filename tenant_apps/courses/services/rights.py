"""Give and take rights on single courses."""

import uuid
from collections.abc import Collection

from guardian.shortcuts import assign_perm, remove_perm

from shared_apps.accounts.models import User
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import MemberCannotAuthor, UnknownMember
from tenant_apps.courses.models import CourseRight
from tenant_apps.courses.policies import GRANT, RIGHT_HOLDERS, RIGHTS
from tenant_apps.courses.selectors.authors import find_author
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
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=GRANT)
        member = find_author(member_id=member_id)
        if member is None:
            raise UnknownMember(field="member_id")
        wanted = set(rights) & set(RIGHTS)
        if wanted and member.role not in RIGHT_HOLDERS:
            raise MemberCannotAuthor(role=member.role)
        user = User(id=member.user_id)
        held = set(
            CourseRight.objects.filter(content_object_id=course_id, user_id=member.user_id).values_list(
                "permission__codename", flat=True
            )
        )
        for right in sorted(wanted - held):
            assign_perm(right, user, course)
        for right in sorted(held - wanted):
            remove_perm(right, user, course)
        if held != wanted:
            do_audit(
                actor=actor,
                action=GRANT.name,
                target=course,
                member_id=str(member_id),
                rights=[sorted(held), sorted(wanted)],
            )
