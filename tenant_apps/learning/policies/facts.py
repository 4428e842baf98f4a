"""What access depends on, read with one statement and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tenant_apps.people.selectors.zones import MEMBER_ZONE, MEMBERS_WITH_ACCOUNTS

# Whether a seat is missing, for the statements that read facts; the names `organization` and `member` are
# theirs to give. An organization that never had a subscription tries the product without seats. A canceled
# one still counts, and its seats were revoked with it. Neither part looks at the row beside it, so each runs
# once for a statement, and the second only for whoever holds no seat.
SEAT_MISSING = """
       NOT EXISTS (SELECT 1 FROM billing_seatassignment seat
                    WHERE seat.membership_id = %(member)s AND seat.organization_id = %(organization)s
                      AND seat.state <> 'revoked')
       AND EXISTS (SELECT 1 FROM billing_subscription WHERE organization_id = %(organization)s)"""

# An attempt begins with its first day: that of a restart, of the activation, else of the enrollment. `e` is
# the enrollment, `r` its run.
_ZONE = f"(SELECT {MEMBER_ZONE} FROM {MEMBERS_WITH_ACCOUNTS} WHERE m.id = e.member_id)"  # noqa: S608  our own text

FACTS = f"""
       e.state, e.expires_at, e.attempt, COALESCE(e.started_at, e.activated_at, e.created_at),
       (SELECT min(g.starts_at) FROM runs_accessgrant g
         WHERE g.enrollment_id = e.id AND g.revoked_at IS NULL),
       r.state, r.starts_at, r.ends_at, r.timezone,{SEAT_MISSING}, {_ZONE},
       (SELECT c.switches ->> 'drip' FROM courses_course c WHERE c.id = r.course_id),
       (SELECT string_agg(d.lineage::text || ' ' || d.opens_local || ' ' || d.due_local, ',')
          FROM runs_rundate d WHERE d.run_id = r.id)"""  # noqa: S608  our own text
# The attributes that `FACTS` fills, in its order.
_COLUMNS = (
    "enrollment_state",
    "expires_at",
    "attempt",
    "begins_at",
    "granted_from",
    "run_state",
    "starts_at",
    "ends_at",
    "timezone",
    "seat_missing",
    "zone",
    "drip",
    "date_texts",
)
FACTS_WIDTH = len(_COLUMNS)

# What is completed in the attempt: "lineage microseconds" since 1970, joined by commas.
DONE = """
       (SELECT string_agg(done.lineage::text || ' '
                          || (extract(epoch FROM done.completed_at) * 1000000)::bigint::text, ',')
          FROM learning_lessonrecord done
         WHERE done.enrollment_id = e.id AND done.attempt = e.attempt AND done.completed_at IS NOT NULL)"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """What a learner completed in an attempt, by lineage."""

    by_lineage: Mapping[str, str]

    @classmethod
    def read(cls, text: str | None) -> "Done":
        """Return what a column made by `DONE` says."""
        return cls(dict(each.split(" ", 1) for each in text.split(",")) if text else {})

    def __contains__(self, lineage: object) -> bool:
        return lineage in self.by_lineage

    def at(self, lineage: str) -> datetime | None:
        """Return when it was completed; None when it is not."""
        found = self.by_lineage.get(lineage)
        return None if found is None else _EPOCH + timedelta(microseconds=int(found))

    def with_also(self, lineage: str, at: datetime) -> "Done":
        """Return the same with one more."""
        micros = (at - _EPOCH) // timedelta(microseconds=1)
        return Done({**self.by_lineage, lineage: str(micros)})


NOTHING_DONE = Done({})


@dataclass(frozen=True)
class Facts:
    """Everything that decides what somebody may learn in a run. Instants are aware; None is "no limit".

    The first thirteen stand in the order of `FACTS`. Somebody who is not enrolled has no `enrollment_state`.

    Attributes:
        expires_at: where the last live grant ends.
        begins_at: from when days of the attempt are counted.
        granted_from: where the first live grant begins; None without grants.
        seat_missing: learning takes a seat here, and the learner holds none; see `SEAT_MISSING`.
        zone: the learner's.
        drip: the course's switch as stored; None for its default, "on".
        date_texts: dates of the run for single units: "lineage opens due", joined by commas.
        membership: status of the membership; None for no member.
        billing: "full", "read_only" or "closed", by the organization's subscription.
        billing_facts, billing_until: what is told of it, and when less will be allowed; for `why`.
        writes: the act changes something, which an organization that is read only does not let it.
        role_code, role_facts: the refusal of the caller's role, token or right on the object; "" for none.
        offer_code, offer_facts: the refusal of a run that somebody would join; None where nobody joins.
        offer_from: when that run begins to take members, if it is yet to.
        switched_off: the switch of the course that the act needs and that is off; "" for none.
        grants: for `why`, what gives access; None where it was not read.
        done: what is completed in the attempt.
    """

    enrollment_state: str | None
    expires_at: datetime | None
    attempt: int
    begins_at: datetime | None
    granted_from: datetime | None
    run_state: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    seat_missing: bool
    zone: str
    drip: str | None
    date_texts: str | None
    membership: str | None = "active"
    billing: str = "full"
    billing_facts: Mapping[str, Any] = field(default_factory=dict)
    billing_until: datetime | None = None
    writes: bool = False
    role_code: str = ""
    role_facts: Mapping[str, Any] = field(default_factory=dict)
    offer_code: str | None = None
    offer_facts: Mapping[str, Any] = field(default_factory=dict)
    offer_from: datetime | None = None
    switched_off: str = ""
    grants: Sequence[Mapping[str, Any]] | None = None
    done: Done = NOTHING_DONE

    @classmethod
    def read(cls, columns: Sequence[Any], done: str | None = None, **more: Any) -> "Facts":
        """Return the facts that a statement's columns say.

        Args:
            columns: as `FACTS` names them.
            done: the column of `DONE`, where it was read.
            more: of the other attributes.
        """
        named: dict[str, Any] = dict(zip(_COLUMNS, columns, strict=False))
        return cls(**named, **more, done=Done.read(done))

    @property
    def has_drip(self) -> bool:
        """Whether the version's release rules hold."""
        return self.drip != "false"

    @cached_property
    def dates(self) -> dict[str, tuple[str, str]]:
        """Return (opens, due) as wall time of the run's zone, "" for none, by lineage."""
        if not self.date_texts:
            return {}
        parts = (each.split(" ", 2) for each in self.date_texts.split(","))
        return {lineage: (opens, due) for lineage, opens, due in parts}

    @cached_property
    def start(self) -> datetime | None:
        """From when days are counted: an attempt does not begin before its run."""
        if self.begins_at is None or self.starts_at is None:
            return self.begins_at or self.starts_at
        return max(self.begins_at, self.starts_at)
