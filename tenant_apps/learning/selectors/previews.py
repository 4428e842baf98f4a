"""A version seen with a learner's eyes, for those who make it: what would be closed on a day, and why."""

import uuid
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.walltime import add_days, known_zone
from tenant_apps.courses.selectors.outline import read_version_head
from tenant_apps.learning.policies import Facts, unit_links
from tenant_apps.learning.policies.facts import NOTHING_DONE
from tenant_apps.learning.selectors.outlines import read_outline
from tenant_apps.learning.selectors.trees import tree
from tenant_apps.learning.types import Outline


def preview_version(
    *, actor: Actor, version_id: uuid.UUID, day: int = 0, timezone: str = "UTC", done: str = ""
) -> dict[str, Any]:
    """Return the tree of a version as a learner would see it whose attempt began now, so many days later.

    The same function decides as for learners themselves. A run may set dates of its own; there is none here.

    Args:
        actor: who asks, one who may read the version.
        version_id: a draft or a published version.
        day: days since the attempt began, in the learner's zone.
        timezone: the learner's, an IANA name.
        done: lineages of completed lessons and topics, joined by commas; completed when the attempt began.

    Raises:
        NotFound, Forbidden: no such version, or none the actor may read.
        NoSuchZone: `timezone`.
    """
    head = read_version_head(actor=actor, version_id=version_id)
    known_zone(timezone)
    outline = read_outline(version_id)
    start = clock.now()
    at = add_days(start, day, timezone)
    completed = NOTHING_DONE
    for lineage in filter(None, (each.strip() for each in done.split(","))):
        completed = completed.with_also(lineage, start)
    facts = Facts(
        enrollment_state="active",
        expires_at=None,
        attempt=1,
        begins_at=start,
        granted_from=None,
        run_state="open",
        starts_at=None,
        ends_at=None,
        timezone=timezone,
        seat_missing=False,
        zone=timezone,
        drip=head.drip,
        date_texts=None,
        done=completed,
    )
    modules = tree(facts, outline, at, language="", course_code="open")
    for module in modules:
        for lesson in module["lessons"]:
            for line in (lesson, *lesson["topics"]):
                line["why"] = _why(facts, outline, line["lineage"], at)
    return {
        "version_id": version_id,
        "revision": head.revision,
        "day": day,
        "at": at,
        "timezone": timezone,
        "modules": modules,
    }


def _why(facts: Facts, outline: Outline, lineage: str, at: datetime) -> dict[str, Any] | None:
    links = unit_links(facts, outline, outline.units[lineage], at)
    closed = next((link for link in links if not link.is_open), None)
    return None if closed is None else {"code": closed.code, "facts": dict(closed.facts)}
