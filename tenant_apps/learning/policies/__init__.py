"""Who may learn what, and when: one function decides and explains itself (`decide`)."""

from shared_apps.core.actors import ADMINS, EVERYONE, Role
from shared_apps.core.policies import Rule, declare
from tenant_apps.learning.policies.deciding import Decision, decide, decide_course, decide_outside, unit_links
from tenant_apps.learning.policies.facts import FACTS, FACTS_WIDTH, SEAT_MISSING, Facts
from tenant_apps.learning.policies.links import Access, Link, LinkName
from tenant_apps.runs.policies import TEACH, runs_with_right

__all__ = [
    "FACTS",
    "FACTS_WIDTH",
    "LEARN",
    "SEAT_MISSING",
    "TEACH_LEARNER",
    "Access",
    "Decision",
    "Facts",
    "Link",
    "LinkName",
    "decide",
    "decide_course",
    "decide_outside",
    "unit_links",
]

LEARN = declare(Rule("learning.learn", roles=EVERYONE))

# Acts for one learner: complete the course by hand, begin another attempt. The target is the run.
TEACH_LEARNER = declare(
    Rule(
        "learning.teach",
        roles=ADMINS,
        object_roles=frozenset({Role.INSTRUCTOR, Role.MANAGER}),
        holds=lambda actor, run_id: runs_with_right(actor, TEACH).filter(pk=run_id).exists(),
    )
)
