"""Who may do what with courses, and which courses an actor sees.

Administrators do everything. Instructors make courses; they, and managers, work on the single courses they
hold rights on (edit, publish; whoever makes a course gets both). An instructor who was rejected or suspended
keeps editing and loses what the right to publish gives. The published catalogue is visible to every member of
the organization; drafts, unpublished and archived courses to those who may work on them; deleted ones to
nobody. Seeing a course in the catalogue does not open its lessons: learners reach those through an
enrollment.

Reviews: administrators and holders of the right to publish decide, but never about their own work
(`services.reviews`).
"""

import uuid

from django.db.models import Exists, Q, QuerySet
from guardian.shortcuts import get_objects_for_user

from shared_apps.accounts.models import User
from shared_apps.core.actors import ADMINS, EVERYONE, STAFF, Actor, ActorKind, Role
from shared_apps.core.policies import Rule, declare, may
from tenant_apps.courses.enums import BARRED, CourseState, VersionState
from tenant_apps.courses.models import Course, CourseRight, CourseVersion, InstructorProfile

EDIT_RIGHT = "edit_course"
PUBLISH_RIGHT = "publish_course"
RIGHTS = (EDIT_RIGHT, PUBLISH_RIGHT)
RIGHT_HOLDERS = frozenset({Role.INSTRUCTOR, Role.MANAGER})
CODENAME = "permission__codename"


def courses_with_right(actor: Actor, *rights: str) -> QuerySet[Course]:
    """Return the courses the actor holds one of the rights on.

    The user object is bare, and superusers, groups and global permissions are switched off: what somebody
    may do on the platform gives nothing inside an organization.
    """
    if actor.user_id is None or actor.role not in RIGHT_HOLDERS:
        return Course.objects.none()
    found: QuerySet[Course] = get_objects_for_user(
        User(id=actor.user_id),
        [f"courses.{right}" for right in rights],
        klass=Course,
        use_groups=False,
        any_perm=True,
        with_superuser=False,
        accept_global_perms=False,
    )
    return found


def rights_on(actor: Actor, course_id: uuid.UUID) -> frozenset[str]:
    """Return the rights the actor holds on one course, by rows of the right table alone; one query."""
    return frozenset(held_rights(actor).filter(content_object_id=course_id).values_list(CODENAME, flat=True))


def held_rights(actor: Actor) -> QuerySet[CourseRight]:
    """Return the rows of the rights that count for the actor: none for roles that hold none, and none to
    publish for an instructor who is barred."""
    if actor.user_id is None or actor.role not in RIGHT_HOLDERS:
        return CourseRight.objects.none()
    # Guardian's checker finds rows through reverse names, which right tables do not have (see core.rights).
    held = CourseRight.objects.filter(user_id=actor.user_id)
    barred = InstructorProfile.objects.filter(member_id=actor.membership_id, state__in=BARRED)
    return held.exclude(Q(Exists(barred)), permission__codename=PUBLISH_RIGHT)


def _may_edit(actor: Actor, course_id: uuid.UUID) -> bool:
    return EDIT_RIGHT in rights_on(actor, course_id)


def _may_publish(actor: Actor, course_id: uuid.UUID) -> bool:
    return PUBLISH_RIGHT in rights_on(actor, course_id)


VIEW = declare(Rule("courses.view", roles=EVERYONE))
CONTENT = declare(Rule("courses.content", roles=STAFF))
CREATE = declare(Rule("courses.create", roles=ADMINS | {Role.INSTRUCTOR}))
EDIT = declare(Rule("courses.edit", roles=ADMINS, object_roles=RIGHT_HOLDERS, holds=_may_edit))
PUBLISH = declare(Rule("courses.publish", roles=ADMINS, object_roles=RIGHT_HOLDERS, holds=_may_publish))
SUBMIT = declare(Rule("courses.submit", roles=ADMINS, object_roles=RIGHT_HOLDERS, holds=_may_edit))
REVIEW = declare(Rule("courses.review", roles=ADMINS, object_roles=RIGHT_HOLDERS, holds=_may_publish))
REVIEWS = declare(Rule("courses.reviews", roles=STAFF))
DELETE = declare(Rule("courses.delete", roles=ADMINS))
RESTORE = declare(Rule("courses.restore", roles=ADMINS))
OWN = declare(Rule("courses.transfer", roles=ADMINS))
GRANT = declare(Rule("courses.grant", roles=ADMINS))
SET_INSTRUCTORS = declare(Rule("courses.instructors", roles=ADMINS))
CARDS = declare(Rule("instructors.view", roles=EVERYONE))
OWN_CARD = declare(Rule("instructors.own", roles=STAFF))
DECIDE_INSTRUCTORS = declare(Rule("instructors.decide", roles=ADMINS))
# What a barred instructor is told of by name, instead of a missing right.
NEED_STANDING = frozenset({PUBLISH.name, SUBMIT.name, REVIEW.name})
# The tree of categories, and which courses are put forward.
CURATE = declare(Rule("courses.curate", roles=ADMINS))


def sees_everything(actor: Actor) -> bool:
    """Tell whether no live course is hidden from the actor."""
    return actor.kind is ActorKind.SYSTEM or (actor.kind is ActorKind.MEMBER and actor.role in ADMINS)


def visible_courses(actor: Actor) -> QuerySet[Course]:
    """Return the courses the actor may know of; deleted ones never."""
    live = Course.objects.filter(deleted_at__isnull=True)
    if sees_everything(actor):
        return live
    if actor.kind is not ActorKind.MEMBER:
        return live.none()
    seen = Q(state=CourseState.PUBLISHED)
    if actor.role in RIGHT_HOLDERS:
        seen |= Q(pk__in=courses_with_right(actor, *RIGHTS).values("pk"))
    return live.filter(seen)


def deleted_courses(actor: Actor) -> QuerySet[Course]:
    """Return the deleted courses, for those who may restore them."""
    gone = Course.objects.filter(deleted_at__isnull=False)
    return gone if may(actor, RESTORE) else gone.none()


def visible_versions(actor: Actor) -> QuerySet[CourseVersion]:
    """Return the versions the actor may know of: drafts only where they hold a right."""
    found = CourseVersion.objects.filter(course__in=visible_courses(actor).values("pk"))
    if sees_everything(actor):
        return found
    seen = Q(state=VersionState.PUBLISHED)
    if actor.role in RIGHT_HOLDERS:
        seen |= Q(course__in=courses_with_right(actor, *RIGHTS).values("pk"))
    return found.filter(seen)
