"""The ledger of seats from the side of code: saying why, and looking every night whether it is right.

The database posts (billing.0008); nothing here writes an entry.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection

from billing.models import Drift
from billing.selectors.ledger import LedgerFault, audit_ledger
from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction, require_transaction

log = structlog.get_logger(__name__)

_FACT = "ledger_"


@contextmanager
def because(
    what: str, identifier: uuid.UUID | None = None, *, actor_id: uuid.UUID | None = None
) -> Iterator[None]:
    """Have the entries of what happens inside say what led to it. Needs an open transaction.

    Args:
        what: a word of up to 20 letters: `change`, `message`, `comp`.
        identifier: which change, event or act.
        actor_id: who, where the rows do not say it themselves.
    """
    require_transaction()
    _say(f"{what}|{identifier or ''}|{actor_id or ''}")
    yield
    # After an error the transaction takes it back itself.
    _say("")


def audit_seats() -> list[LedgerFault]:
    """Hold all ledgers against the seats, and keep each fault as a drift from when it was seen to when it was
    gone. Nothing is corrected: somebody has to say which of the two is right."""
    faults = audit_ledger(organization_id=None)
    now = clock.now()
    open_facts = set()
    with entry_transaction():
        for fault in faults:
            subject, fact = str(fault.subscription_id), f"{_FACT}{fault.fact}"
            open_facts.add((subject, fact))
            Drift.objects.update_or_create(
                subject=subject,
                fact=fact,
                resolved_at=None,
                defaults={
                    "organization_id": fault.organization_id,
                    "ours": str(fault.rows),
                    "theirs": str(fault.ledger),
                    "last_seen_at": now,
                    "updated_at": now,
                },
            )
        for drift in Drift.objects.filter(fact__startswith=_FACT, resolved_at=None):
            if (drift.subject, drift.fact) not in open_facts:
                drift.resolved_at = now
                drift.save_fields("resolved_at")
    for fault in faults:
        log.error(
            "seat_ledger_broken",
            organization=str(fault.organization_id),
            subscription=str(fault.subscription_id),
            fact=fault.fact,
            ledger=fault.ledger,
            rows=fault.rows,
        )
    return faults


def _say(cause: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('palaestra.cause', %s, true)", [cause])
