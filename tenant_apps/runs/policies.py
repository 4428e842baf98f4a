"""Who may do what with runs, and which runs and enrollments an actor sees.

Administrators may do everything. An instructor holds rights on single runs (teach, enrol). A manager sees all
runs and acts for the people who report to them. Everybody sees the runs they are enrolled in or wait for, and
those that members may join.
"""

import uuid

from django.db.models import Q, QuerySet
from guardian.shortcuts import get_objects_for_user

from shared_apps.accounts.models import User
from shared_apps.core.actors import ADMINS, EVERYONE, Actor, ActorKind, Role
from shared_apps.core.policies import Rule, declare
from tenant_apps.courses.enums import CourseState
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment, WaitingPlace

TEACH = "teach_run"
ENROL = "enrol_run"
RIGHTS = (TEACH, ENROL)

_RIGHT_HOLDERS = frozenset({Role.INSTRUCTOR, Role.MANAGER})


def runs_with_right(actor: Actor, *rights: str) -> QuerySet[CourseRun]:
    """Return the runs the actor holds one of the rights on; rows of the right table alone count.

    The user object is bare, and superusers, groups and global permissions are switched off: what somebody
    may do on the platform gives nothing inside an organization.
    """
    if actor.user_id is None or actor.role is None:
        return CourseRun.objects.none()
    found: QuerySet[CourseRun] = get_objects_for_user(
        User(id=actor.user_id),
        [f"runs.{right}" for right in rights],
        klass=CourseRun,
        use_groups=False,
        any_perm=True,
        with_superuser=False,
        accept_global_perms=False,
    )
    return found


def _may_enrol(actor: Actor, run_id: uuid.UUID) -> bool:
    # A manager may, for own reports; the service checks each person.
    return actor.role is Role.MANAGER or runs_with_right(actor, ENROL).filter(pk=run_id).exists()


def _may_see_roster(actor: Actor, run_id: uuid.UUID) -> bool:
    return actor.role is Role.MANAGER or runs_with_right(actor, *RIGHTS).filter(pk=run_id).exists()


def _teaches(actor: Actor, run_id: uuid.UUID) -> bool:
    return runs_with_right(actor, TEACH).filter(pk=run_id).exists()


VIEW = declare(Rule("runs.view", roles=EVERYONE))
CREATE = declare(Rule("runs.create", roles=ADMINS))
EDIT = declare(Rule("runs.edit", roles=ADMINS))
STAFF = declare(Rule("runs.staff", roles=ADMINS))
ENROL_MEMBERS = declare(Rule("runs.enrol", roles=ADMINS, object_roles=_RIGHT_HOLDERS, holds=_may_enrol))
DATES = declare(Rule("runs.dates", roles=ADMINS, object_roles=_RIGHT_HOLDERS, holds=_teaches))
JOIN = declare(Rule("runs.join", roles=EVERYONE))
ROSTER = declare(Rule("runs.roster", roles=ADMINS, object_roles=_RIGHT_HOLDERS, holds=_may_see_roster))


def only_reports_of(actor: Actor, run_id: uuid.UUID) -> uuid.UUID | None:
    """Return the member whose reports alone the actor may enrol in the run; None when it may be anybody."""
    if actor.role is not Role.MANAGER or runs_with_right(actor, ENROL).filter(pk=run_id).exists():
        return None
    return actor.member_id


def sees_everything(actor: Actor) -> bool:
    """Tell whether no row of this app is hidden from the actor."""
    return actor.kind is ActorKind.SYSTEM or actor.role in ADMINS


def visible_runs(actor: Actor) -> QuerySet[CourseRun]:
    """Return the runs the actor may know of."""
    if sees_everything(actor) or actor.role is Role.MANAGER:
        return CourseRun.objects.all()
    own = Enrollment.objects.filter(member_id=actor.membership_id).exclude(state=EnrollmentState.WITHDRAWN)
    seen = (
        Q(pk__in=own.values("run_id"))
        | Q(pk__in=WaitingPlace.objects.filter(member_id=actor.membership_id).order_by().values("run_id"))
        | Q(
            is_open_to_members=True,
            state=RunState.OPEN,
            course__state=CourseState.PUBLISHED,
            course__deleted_at=None,
        )
    )
    if actor.role is Role.INSTRUCTOR:
        seen |= Q(pk__in=runs_with_right(actor, *RIGHTS).values("pk"))
    return CourseRun.objects.filter(seen)


def visible_enrollments(actor: Actor) -> QuerySet[Enrollment]:
    """Return the enrollments the actor may know of: all, those of own reports, of runs with a right, own."""
    if sees_everything(actor):
        return Enrollment.objects.all()
    seen = Q(member_id=actor.membership_id)
    if actor.role is Role.MANAGER:
        seen |= Q(member__manager_id=actor.membership_id)
    if actor.role in _RIGHT_HOLDERS:
        seen |= Q(run_id__in=runs_with_right(actor, *RIGHTS).values("pk"))
    return Enrollment.objects.filter(seen)
