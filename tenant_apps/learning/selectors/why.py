"""Why somebody can, or cannot, do something now: the chain that decided, link by link.

It reads the same facts with the same words as the routes it explains, and asks the same function; so it
cannot say anything else than they do.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from billing.enums import AccessLevel
from billing.policies import BILLING_MANAGE
from billing.selectors.access import explain_access
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.policies import all_rules, may, require
from tenant_apps.courses.content.switches import is_on
from tenant_apps.courses.policies import visible_courses
from tenant_apps.learning.errors import UnknownAct
from tenant_apps.learning.policies import LEARN, Decision, Facts, decide, decide_outside
from tenant_apps.learning.policies.facts import DONE, FACTS, FACTS_WIDTH
from tenant_apps.learning.policies.links import Link, utc_text
from tenant_apps.learning.policies.refusals import REFUSALS
from tenant_apps.learning.policies.timing import local
from tenant_apps.learning.selectors.outlines import find_lesson, get_outline
from tenant_apps.learning.types import Outline
from tenant_apps.people.selectors.zones import MEMBER_ZONE
from tenant_apps.runs.errors import EnrollmentWindowClosed
from tenant_apps.runs.policies import visible_enrollments, visible_runs
from tenant_apps.runs.services.joining import check_joining
from tenants.context import current_organization
from tenants.enums import Suspension
from tenants.postgresql.prepared import prepared_cursor


class Act(StrEnum):
    """What a learner wants to do. Whoever does something for others names the policy of that act instead."""

    OPEN = "open"
    COMPLETE = "complete"
    REPORT = "report"
    MARK = "mark"
    MARKS = "marks"
    JOIN = "join"


_ACTS = frozenset(Act)
_WRITES = frozenset({Act.COMPLETE, Act.REPORT, Act.MARK, Act.JOIN})
# What is the learner's own is looked up whether the course is open or not.
_OUTSIDE = frozenset({Act.MARKS, Act.JOIN})
_SWITCH_OF: Mapping[str, str] = {Act.MARK: "notes", Act.MARKS: "notes"}
# Policies whose target is a run, or that need none.
_STAFF_ACTS = ("runs.", "learning.")

_WHY = f"""
SELECT {FACTS}, {DONE}, e.id, r.id, r.version_id, r.course_id,
       (SELECT c.switches FROM courses_course c WHERE c.id = r.course_id),
       (SELECT s.status FROM accounts_membership s
         WHERE s.id = e.member_id AND s.organization_id = %(organization)s),
       (SELECT jsonb_agg(jsonb_build_object('source', g.source, 'starts_at', g.starts_at,
                                            'ends_at', g.ends_at, 'revoked_at', g.revoked_at)
               ORDER BY g.starts_at)
          FROM runs_accessgrant g WHERE g.enrollment_id = e.id)
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
"""  # noqa: S608  our own text

# Somebody who is in none of it: the zone and the membership are still theirs.
_STRANGER = f"""
SELECT {MEMBER_ZONE}, s.status
  FROM accounts_membership s
  LEFT JOIN people_member m ON m.id = s.id
  LEFT JOIN accounts_user u ON u.id = s.user_id
 WHERE s.id = %(member)s AND s.organization_id = %(organization)s
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class _Place:
    """An enrollment as the chain needs it."""

    facts: Facts
    enrollment_id: uuid.UUID
    run_id: uuid.UUID
    version_id: uuid.UUID
    course_id: uuid.UUID
    switches: Mapping[str, Any]


def why_my_course(
    *, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID | None = None, act: str = Act.OPEN
) -> dict[str, Any]:
    """Explain one of the actor's own courses, or one of its lessons. At most seven statements.

    Args:
        actor: the learner.
        enrollment_id: the learner's own.
        lesson_id: a lesson or topic of the run's version; None for the course.
        act: one of `Act`.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
    """
    require(actor, LEARN)
    place = _read_place(enrollment_id, actor.member_id)
    return _explained(actor, place, lesson_id, act, is_own=True)


def why_enrollment(
    *, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID | None = None, act: str = Act.OPEN
) -> dict[str, Any]:
    """Explain somebody's enrollment to those who see it: admins, who teaches the run, the person's manager.
    At most eight statements.

    Args:
        actor: who asks.
        enrollment_id: whose.
        lesson_id: a lesson or topic of the run's version; None for the course.
        act: one of `Act`, for the learner; or the policy of an act of the actor's own, such as
            "learning.teach".

    Raises:
        NotFound: no such enrollment, or none the actor sees; or no such published lesson.
    """
    require(actor, LEARN)
    seen = visible_enrollments(actor).filter(pk=enrollment_id).order_by().values_list("member_id", flat=True)
    member_id = seen.first()
    if member_id is None:
        raise NotFound
    is_own = member_id == actor.membership_id
    return _explained(actor, _read_place(enrollment_id, member_id), lesson_id, act, is_own=is_own)


def why_run(*, actor: Actor, run_id: uuid.UUID, act: str = Act.OPEN) -> dict[str, Any]:
    """Explain why the actor can learn in a run, or why not; with `Act.JOIN` why they could not come in; with
    the name of a policy why they may not do that here.

    Raises:
        NotFound: no such run, or none the actor sees.
    """
    require(actor, LEARN)
    found = visible_runs(actor).filter(pk=run_id).order_by().values_list("timezone", flat=True).first()
    if found is None:
        raise NotFound
    if act in (Act.OPEN, Act.COMPLETE):
        own = visible_enrollments(actor).filter(run_id=run_id, member_id=actor.member_id).order_by()
        enrollment_id = own.values_list("id", flat=True).first()
        if enrollment_id is not None:
            return why_my_course(actor=actor, enrollment_id=enrollment_id, act=act)
    return _outside(actor, run_id, found, act)


def why_course(*, actor: Actor, course_id: uuid.UUID) -> dict[str, Any]:
    """Explain why the actor can learn a course, by their newest enrollment in it, or that they have none.

    Raises:
        NotFound: no such course, or none the actor sees.
    """
    require(actor, LEARN)
    own = visible_enrollments(actor).filter(run__course_id=course_id, member_id=actor.member_id)
    enrollment_id = own.order_by("-id").values_list("id", flat=True).first()
    if enrollment_id is not None:
        return why_my_course(actor=actor, enrollment_id=enrollment_id)
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    return _outside(actor, None, "UTC", Act.OPEN)


def _read_place(enrollment_id: uuid.UUID, member_id: uuid.UUID) -> _Place:
    names = {"enrollment": enrollment_id, "member": member_id, "organization": current_organization().id}
    with prepared_cursor() as cursor:
        cursor.execute(_WHY, names)
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    found_id, run_id, version_id, course_id, switches, membership, grants = row[FACTS_WIDTH + 1 :]
    facts = Facts.read(
        row, row[FACTS_WIDTH], membership=membership, grants=json.loads(grants) if grants else []
    )
    return _Place(facts, found_id, run_id, version_id, course_id, json.loads(switches or "{}"))


def _explained(
    actor: Actor, place: _Place, lesson_id: uuid.UUID | None, act: str, *, is_own: bool
) -> dict[str, Any]:
    now = clock.now()
    outline: Outline | None = None
    unit = None
    if lesson_id is not None:
        outline = get_outline(place.version_id)
        lesson = find_lesson(outline, lesson_id, place.course_id)
        if lesson is None:
            raise NotFound
        unit = outline.units[lesson["lineage"]]
    facts = _with_caller(place.facts, actor, act, place.run_id, is_own=is_own)
    switch = _SWITCH_OF.get(act)
    if switch is not None and not is_on(place.switches, switch):
        facts = replace(facts, switched_off=switch)
    if act in _OUTSIDE or act not in _ACTS:
        decision = decide_outside(facts)
    else:
        decision = decide(facts, outline, unit, now)
    about = {
        "enrollment_id": place.enrollment_id,
        "run_id": place.run_id,
        "course_id": place.course_id,
        "lesson_id": lesson_id,
    }
    return about | _shown(decision, facts, act, now)


def _outside(actor: Actor, run_id: uuid.UUID | None, timezone: str, act: str) -> dict[str, Any]:
    """Explain to somebody who is not enrolled, or who asks about an act that needs no enrollment."""
    now = clock.now()
    names = {"member": actor.member_id, "organization": current_organization().id}
    with prepared_cursor() as cursor:
        cursor.execute(_STRANGER, names)
        # An operator who looks in has no membership.
        zone, membership = cursor.fetchone() or ("UTC", "active")
    nowhere = (None, None, 1, None, None, "open", None, None, timezone, False, zone, None, None)
    facts = Facts.read(nowhere, membership=membership)
    facts = _with_caller(facts, actor, act, run_id, is_own=True)
    if act == Act.JOIN and run_id is not None:
        facts = _with_offer(facts, actor, run_id, now)
    is_outside = act in _OUTSIDE or act not in _ACTS
    decision = decide_outside(facts) if is_outside else decide(facts, None, None, now)
    if not is_outside:  # beyond the missing enrollment nothing is known that could be said
        decision = Decision(decision.links[: decision.links.index(_last(decision)) + 1], decision.closing)
    about = {"enrollment_id": None, "run_id": run_id, "course_id": None, "lesson_id": None}
    return about | _shown(decision, facts, act, now)


def _last(decision: Decision) -> Link:
    return next(link for link in decision.links if link.code == "not_enrolled")


def _with_offer(facts: Facts, actor: Actor, run_id: uuid.UUID, now: datetime) -> Facts:
    try:
        check_joining(actor=actor, run_id=run_id, at=now)
    except DomainError as refusal:
        opens = refusal.facts.get("opens_at") if isinstance(refusal, EnrollmentWindowClosed) else None
        opens_at = datetime.fromisoformat(opens) if opens else None
        begins = opens_at if opens_at is not None and opens_at > now else None
        return replace(facts, offer_code=refusal.code, offer_facts=refusal.facts, offer_from=begins)
    return replace(facts, offer_code="")


def _with_caller(facts: Facts, actor: Actor, act: str, run_id: uuid.UUID | None, *, is_own: bool) -> Facts:
    """Add what hangs on who asks, and on the organization: role, token, subscription."""
    organization = current_organization()
    access = explain_access(organization_id=organization.id)
    level = access.level if access.level in (AccessLevel.CLOSED, AccessLevel.READ_ONLY) else "full"
    if organization.suspension == Suspension.READ_ONLY and level == "full":
        level = AccessLevel.READ_ONLY
    told: dict[str, Any] = {"level": str(access.level), "since": utc_text(access.since)}
    if may(actor, BILLING_MANAGE):
        told |= {"reason": access.reason, "what_to_do": list(access.what_to_do)}
    writes = act in _WRITES
    code, about = "", dict[str, Any]()
    if act not in _ACTS:
        code, about = _right(actor, act, run_id)
    elif is_own and writes and actor.scopes and "write" not in actor.scopes:
        code, about = "token_scope", {"scopes": sorted(actor.scopes)}
    return replace(
        facts,
        billing=str(level),
        billing_facts=told,
        billing_until=access.until,
        writes=writes,
        role_code=code,
        role_facts=about,
    )


def _right(actor: Actor, name: str, run_id: uuid.UUID | None) -> tuple[str, dict[str, Any]]:
    """Return the refusal of an act by its policy, and who may do it."""
    rule = all_rules().get(name)
    if rule is None or not name.startswith(_STAFF_ACTS):
        raise UnknownAct(field="act", known=sorted(_ACTS))
    about = {
        "needed": name,
        "role": actor.role,
        "roles": sorted(rule.roles),
        "roles_with_right": sorted(rule.object_roles),
    }
    return ("" if may(actor, rule, run_id) else "forbidden"), about


def _shown(decision: Decision, facts: Facts, act: str, now: datetime) -> dict[str, Any]:
    closing = decision.closing
    return {
        "act": act,
        "is_open": closing is None,
        "code": closing.code if closing else None,
        "closing": None if closing is None else _link(closing, facts),
        "links": [_link(link, facts) for link in decision.links],
        "as_of": now,
        "timezone": facts.zone,
    }


def _link(link: Link, facts: Facts) -> dict[str, Any]:
    refusal = REFUSALS.get(link.code)
    return {
        "name": link.name,
        "is_open": link.is_open,
        "code": link.code or None,
        "title": refusal.title if refusal else "",
        "advice": refusal.advice if refusal else "",
        "facts": link.facts,
        "changes_at": utc_text(link.changes_at),
        "changes_local": local(link.changes_at, facts),
        "by_itself": link.by_itself,
    }
