"""Keep what differs between us and the gateway: one open line for each subject and fact."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog
from django.db.models import Q

from billing.models import Drift
from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that stands otherwise there.

    Attributes:
        organization_id: whose; None where nobody here is the customer.
        subject: what it is about, by its name at the gateway.
        fact: which of its facts: "quantity", "status" and so on.
    """

    organization_id: uuid.UUID | None
    subject: str
    fact: str
    ours: str
    theirs: str


def do_note_differences(differences: Iterable[Difference]) -> int:
    """Open a line for each new one, bring the open ones up to date; return how many are new."""
    require_transaction()
    now, new = clock.now(), 0
    for each in differences:
        row, made = Drift.objects.get_or_create(
            subject=each.subject[:120],
            fact=each.fact,
            resolved_at=None,
            defaults={
                "organization_id": each.organization_id,
                "ours": each.ours[:200],
                "theirs": each.theirs[:200],
                "last_seen_at": now,
            },
        )
        if made:
            new += 1
            log.error(
                "billing_drift",
                organization=str(each.organization_id),
                subject=each.subject,
                fact=each.fact,
                ours=each.ours,
                theirs=each.theirs,
            )
        else:
            row.ours, row.theirs, row.last_seen_at = each.ours[:200], each.theirs[:200], now
            row.save_fields("ours", "theirs", "last_seen_at")
    return new


def do_resolve_differences(facts: Collection[str], *, but: Iterable[Difference] = (), of: str = "") -> int:
    """Close the open lines of these facts that were not found again; return how many.

    Args:
        but: those that were found.
        of: only the lines about this subject; empty for all.
    """
    require_transaction()
    still = Q(pk__in=[])
    for each in but:
        still |= Q(subject=each.subject[:120], fact=each.fact)
    rows = Drift.objects.filter(resolved_at=None, fact__in=facts).exclude(still)
    if of:
        rows = rows.filter(subject=of[:120])
    now = clock.now()
    return rows.update(resolved_at=now, updated_at=now)
