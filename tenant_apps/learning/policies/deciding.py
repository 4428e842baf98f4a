"""The one function that decides whether a learner may open something now, and says why or why not.

Every learner route asks it, the tree's flags come from it, and `why` shows what it found. It is pure: facts
go in, a chain of links comes out, and the first closed one is the cause of the refusal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core.errors import DomainError
from tenant_apps.learning.policies.facts import Facts
from tenant_apps.learning.policies.links import Access, Link, LinkName, utc_text
from tenant_apps.learning.policies.refusals import REFUSALS
from tenant_apps.learning.policies.timing import ancestry, is_done, local, opens_at
from tenant_apps.learning.types import LESSON, TOPIC, Outline, Unit

# A finished course stays open until its run ends; a pending enrollment becomes active by the first step.
LEARNING_STATES = frozenset({"pending", "active", "completed"})


@dataclass(frozen=True, slots=True)
class Decision:
    """The chain, as far as it was walked.

    Attributes:
        links: in order.
        closing: the first closed one; None when everything is open.
    """

    links: tuple[Link, ...]
    closing: Link | None

    @property
    def access(self) -> Access:
        """What the course's `access` says."""
        return self.closing.access if self.closing else Access.OPEN

    @property
    def code(self) -> str:
        """Return "open", or the code of the refusal."""
        return self.closing.code if self.closing else "open"

    def require_open(self) -> None:
        """Raise the refusal that belongs to the closing link.

        Raises:
            DomainError: of the class in `REFUSALS` with the link's code, with its facts.
        """
        if self.closing is not None:
            raise self.refusal(self.closing)

    @staticmethod
    def refusal(link: Link) -> DomainError:
        """Return the error of a closed link."""
        return REFUSALS[link.code](**link.facts)


def decide(facts: Facts, outline: Outline | None, unit: Unit | None, at: datetime) -> Decision:
    """Walk the whole chain for a course, or for one of its units.

    Args:
        facts: of the learner in the run.
        outline: of the run's version; None where only the course is asked for.
        unit: what is to be opened; None for the course.
        at: the instant asked for; a window's end no longer belongs to it.
    """
    links = list(_course_links(facts, at))
    if outline is not None and unit is not None:
        links += unit_links(facts, outline, unit, at)
    return _decided([*links, *_switch(facts)])


def decide_course(facts: Facts, at: datetime) -> Decision:
    """Walk the chain of the course up to the first closed link."""
    for link in _course_links(facts, at):
        if not link.is_open:
            return Decision((link,), link)
    return Decision((), None)


def decide_outside(facts: Facts) -> Decision:
    """Walk the chain of what needs no open course: joining, looking up own notes, acts of staff."""
    links = [_membership(facts), _role(facts), _subscription(facts)]
    if facts.offer_code is not None:
        links.append(Link(LinkName.OFFER, facts.offer_code, facts.offer_facts, facts.offer_from))
    return _decided([*links, *_switch(facts)])


def _decided(links: list[Link]) -> Decision:
    return Decision(tuple(links), next((link for link in links if not link.is_open), None))


def unit_links(facts: Facts, outline: Outline, unit: Unit, at: datetime) -> list[Link]:
    """Return the links of one lesson, topic or module in an open course: its release, what it requires.

    What a learner has completed stays open to be looked up again.
    """
    if unit.lineage in facts.done:
        return [Link(LinkName.LESSON), Link(LinkName.RELEASE), Link(LinkName.PREREQUISITE)]
    return [Link(LinkName.LESSON), _release(facts, outline, unit, at), _prerequisite(facts, outline, unit)]


def _course_links(facts: Facts, at: datetime) -> Iterator[Link]:
    yield _membership(facts)
    yield _role(facts)
    yield _subscription(facts)
    yield _enrollment(facts)
    yield _grant(facts, at)
    yield _run(facts, at)
    yield _seat(facts)


def _membership(facts: Facts) -> Link:
    if facts.membership == "active":
        return Link(LinkName.MEMBERSHIP)
    about = {"status": facts.membership}
    return Link(LinkName.MEMBERSHIP, "membership_not_active", about, None, Access.NOT_ACTIVE)


def _role(facts: Facts) -> Link:
    return Link(LinkName.ROLE, facts.role_code, facts.role_facts)


def _subscription(facts: Facts) -> Link:
    """Of the organization: over, it closes everything; read only, it lets people read."""
    code = ""
    if facts.billing == "closed":
        code = "organization_closed"
    elif facts.billing == "read_only" and facts.writes:
        code = "organization_read_only"
    return Link(LinkName.SUBSCRIPTION, code, facts.billing_facts, facts.billing_until, Access.OPEN)


def _switch(facts: Facts) -> list[Link]:
    if not facts.switched_off:
        return []
    return [Link(LinkName.SWITCH, "switched_off", {"switch": facts.switched_off})]


def _enrollment(facts: Facts) -> Link:
    if facts.enrollment_state in LEARNING_STATES:
        return Link(LinkName.ENROLLMENT)
    if facts.enrollment_state is None:
        return Link(LinkName.ENROLLMENT, "not_enrolled", {}, None, Access.NOT_ACTIVE)
    if facts.enrollment_state == "expired":
        return _expired(facts, LinkName.ENROLLMENT)
    return Link(
        LinkName.ENROLLMENT,
        "enrollment_not_active",
        {"state": facts.enrollment_state},
        None,
        Access.NOT_ACTIVE,
    )


def _expired(facts: Facts, name: LinkName) -> Link:
    about = {
        "expired_at": utc_text(facts.expires_at),
        "expired_local": local(facts.expires_at, facts),
        "timezone": facts.timezone,
    }
    return Link(name, "enrollment_expired", about | _grants(facts), None, Access.EXPIRED)


def _grants(facts: Facts) -> dict[str, Any]:
    return {} if facts.grants is None else {"grants": list(facts.grants)}


def _grant(facts: Facts, at: datetime) -> Link:
    if facts.expires_at is not None and at >= facts.expires_at:
        return _expired(facts, LinkName.GRANT)
    if facts.granted_from is not None and at < facts.granted_from:
        about = {
            "opens_at": utc_text(facts.granted_from),
            "opens_local": local(facts.granted_from, facts),
            **_grants(facts),
        }
        return Link(LinkName.GRANT, "access_not_begun", about, facts.granted_from, Access.NOT_STARTED)
    return Link(LinkName.GRANT, "", _grants(facts), facts.expires_at)


def _run(facts: Facts, at: datetime) -> Link:
    if facts.run_state == "cancelled":
        return _run_closed(facts, Access.CANCELLED, None)
    if facts.starts_at is not None and at < facts.starts_at:
        return _run_closed(facts, Access.NOT_STARTED, facts.starts_at)
    if facts.ends_at is not None and at >= facts.ends_at:
        return _run_closed(facts, Access.ENDED, None)
    return Link(LinkName.RUN, changes_at=facts.ends_at)


def _run_closed(facts: Facts, access: Access, changes_at: datetime | None) -> Link:
    about = {
        "reason": access,
        "opens_at": utc_text(facts.starts_at),
        "closes_at": utc_text(facts.ends_at),
        "timezone": facts.timezone,
    }
    return Link(LinkName.RUN, "run_not_open", about, changes_at, access)


def _seat(facts: Facts) -> Link:
    # The last of the course: whoever gets a seat after this answer finds the lessons open.
    if facts.seat_missing:
        return Link(LinkName.SEAT, "seat_needed", {}, None, Access.SEAT_NEEDED)
    return Link(LinkName.SEAT)


def _release(facts: Facts, outline: Outline, unit: Unit, at: datetime) -> Link:
    latest: datetime | None = None
    for each in ancestry(outline, unit):
        opens, waits_for = opens_at(facts, outline, each)
        if waits_for is not None:
            about = {
                "opens_at": None,
                "opens_local": None,
                "waits_for": _named([waits_for]),
                "timezone": facts.zone,
            }
            return Link(LinkName.RELEASE, "lesson_not_released", about)
        if opens is not None and (latest is None or opens > latest):
            latest = opens
    if latest is None or at >= latest:
        return Link(LinkName.RELEASE)
    about = {
        "opens_at": utc_text(latest),
        "opens_local": local(latest, facts),
        "waits_for": [],
        "timezone": facts.zone,
    }
    return Link(LinkName.RELEASE, "lesson_not_released", about, latest)


def _prerequisite(facts: Facts, outline: Outline, unit: Unit) -> Link:
    missing: dict[str, Unit] = {}
    for each in ancestry(outline, unit):
        for lineage in each.requires:
            needed = outline.units.get(lineage)  # what is not published cannot be asked for
            if needed is not None and not is_done(needed, facts.done):
                missing[lineage] = needed
        if outline.rules.sequential and each.level in (LESSON, TOPIC):
            before = _first_undone_before(facts, outline, each)
            if before is not None:
                missing[before.lineage] = before
    if not missing:
        return Link(LinkName.PREREQUISITE)
    return Link(LinkName.PREREQUISITE, "lesson_locked", {"requires": _named(list(missing.values()))})


def _first_undone_before(facts: Facts, outline: Outline, unit: Unit) -> Unit | None:
    """Return the first required lesson (or topic of the same lesson) in order before it that is not done."""
    if unit.level == TOPIC:
        before = outline.units[unit.parent].takes
        earlier = (outline.units[each] for each in before if outline.units[each].place < unit.place)
        return next((each for each in earlier if not is_done(each, facts.done)), None)
    for lineage in outline.order[: unit.place]:
        if lineage in outline.required and lineage not in facts.done:
            return outline.units[lineage]
    return None


def _named(units: list[Unit]) -> list[dict[str, str]]:
    return [
        {"id": each.id, "lineage": each.lineage, "title": each.title, "level": each.level} for each in units
    ]
