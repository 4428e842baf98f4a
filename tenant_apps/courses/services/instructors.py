"""Who makes a course: parts and shares, set as one list, and the rights that come with a part.

Rights on the course stay the one source of truth: a part writes them when it is given, changed or taken, and
nothing reads parts to decide what somebody may do, but for reviews, which no instructor of a course decides.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from guardian.shortcuts import assign_perm, remove_perm

from shared_apps.accounts.models import User
from shared_apps.core.actors import STAFF, Actor
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import InstructorRole
from tenant_apps.courses.errors import (
    InstructorRepeated,
    MemberCannotAuthor,
    PrimaryMissing,
    SharesUneven,
    UnknownMember,
)
from tenant_apps.courses.models import Course, CourseInstructor, CourseRight
from tenant_apps.courses.policies import CODENAME, EDIT_RIGHT, PUBLISH_RIGHT, SET_INSTRUCTORS
from tenant_apps.courses.selectors.authors import Author, find_authors
from tenant_apps.courses.services.steps import do_audit, do_lock_course

RIGHTS_OF: Final[Mapping[InstructorRole, frozenset[str]]] = {
    InstructorRole.PRIMARY: frozenset({EDIT_RIGHT, PUBLISH_RIGHT}),
    InstructorRole.CO_INSTRUCTOR: frozenset({EDIT_RIGHT, PUBLISH_RIGHT}),
    InstructorRole.ASSISTANT: frozenset({EDIT_RIGHT}),
}
WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody is in the making of a course; `share_percent` has two places."""

    member_id: uuid.UUID
    role: InstructorRole
    share_percent: Decimal


def set_instructors(*, actor: Actor, course_id: uuid.UUID, parts: Sequence[Part]) -> None:
    """Make these the course's instructors, in this order; an empty list ends all parts. Whoever gets another
    part gets its rights, whoever loses theirs loses them; other rights stay as they were given.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        InstructorRepeated: a member is named twice.
        PrimaryMissing: not exactly one primary instructor.
        SharesUneven: the shares do not sum to 100.
        UnknownMember: no such active member.
        MemberCannotAuthor: a member's role makes no courses.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=SET_INSTRUCTORS)
        _check(parts)
        authors = _authors_of(parts)
        before = {each.member_id: each for each in CourseInstructor.objects.filter(course_id=course_id)}
        if _told(before.values()) == _told(parts):
            return
        gone = find_authors([key for key in before if key not in authors], active_only=False)
        for author in gone.values():
            do_set_rights(course, author.user_id, frozenset())
        for part in parts:
            if part.member_id not in before or before[part.member_id].role != part.role:
                do_set_rights(course, authors[part.member_id].user_id, RIGHTS_OF[part.role])
        do_write_parts(course, parts)
        do_audit(
            actor=actor,
            action=SET_INSTRUCTORS.name,
            target=course,
            instructors=[_told(before.values()), _told(parts)],
        )


def do_write_parts(course: Course, parts: Iterable[Part]) -> None:
    """Write the list of a locked course anew: a row moved from one part to another would trip the one primary
    on its way."""
    require_transaction()
    CourseInstructor.objects.filter(course_id=course.id).delete()
    CourseInstructor.objects.bulk_create(
        CourseInstructor(
            course=course,
            member_id=part.member_id,
            role=part.role,
            share_percent=part.share_percent,
            position=position,
        )
        for position, part in enumerate(parts)
    )


def do_set_rights(course: Course, user_id: uuid.UUID, wanted: frozenset[str]) -> frozenset[str]:
    """Make these the user's rights on a locked course and return those before."""
    require_transaction()
    user = User(id=user_id)
    rows = CourseRight.objects.filter(content_object_id=course.id, user_id=user_id)
    held = frozenset(rows.values_list(CODENAME, flat=True))
    for right in sorted(wanted - held):
        assign_perm(right, user, course)
    for right in sorted(held - wanted):
        remove_perm(right, user, course)
    return held


def _check(parts: Sequence[Part]) -> None:
    repeated = [str(key) for key, times in Counter(part.member_id for part in parts).items() if times > 1]
    if repeated:
        raise InstructorRepeated(field="instructors", members=repeated)
    if not parts:
        return
    primaries = sum(part.role is InstructorRole.PRIMARY for part in parts)
    if primaries != 1:
        raise PrimaryMissing(field="instructors", primaries=primaries)
    total = sum((part.share_percent for part in parts), Decimal())
    if total != WHOLE:
        raise SharesUneven(field="instructors", total=str(total))


def _authors_of(parts: Sequence[Part]) -> dict[uuid.UUID, Author]:
    authors = find_authors([part.member_id for part in parts])
    for part in parts:
        author = authors.get(part.member_id)
        if author is None:
            raise UnknownMember(field="instructors", member_id=str(part.member_id))
        if author.role not in STAFF:
            raise MemberCannotAuthor(role=author.role, member_id=str(part.member_id))
    return authors


def _told(parts: Iterable[Part | CourseInstructor]) -> list[dict[str, str]]:
    return [
        {
            "member_id": str(part.member_id),
            "role": str(part.role),
            "share_percent": f"{part.share_percent:.2f}",
        }
        for part in parts
    ]
