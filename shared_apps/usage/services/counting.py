"""Write down what was counted in Valkey, exactly once, and what can be counted from tables."""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from django.core.cache import cache
from django.db import connection, transaction
from redis import Redis

from shared_apps.core import clock
from shared_apps.core.fair_queue import fair_queue
from shared_apps.core.ids import new_id
from shared_apps.outbox.selectors.counts import count_delivered_mails
from shared_apps.usage.models import DailyUsage, Flush
from shared_apps.usage.types import REQUESTS, TASKS, USAGE_KEY

log = structlog.get_logger(__name__)

_KINDS = (REQUESTS, TASKS)
# Ends only the batch that was written: another process may have taken a new one by then.
_END = """
if redis.call('HGET', KEYS[1], 'batch') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

Count = tuple[uuid.UUID, date, int]


def flush_counts() -> int:
    """Move the counts of requests and tasks into the table; return how many figures were written.

    The counts are set aside under a name of their own together with the id of a batch, written with that id
    in one transaction, and dropped. Whoever is killed in between leaves the batch for the next flush, which
    sees by the id whether it was written.
    """
    queue = fair_queue()
    written = _flush(cache._cache.get_client(None, write=True), cache.make_key(USAGE_KEY))  # type: ignore[attr-defined]
    return written + _flush(queue.client, queue.key("usage"))


def count_mails() -> int:
    """Set the mails of yesterday and today by the outbox's own rows; return how many figures were written."""
    since = clock.now().date() - timedelta(days=1)
    counts = count_delivered_mails(since=datetime.combine(since, time.min, UTC))
    _write("mails", counts, replace=True)
    return len(counts)


def forget_flushes(*, before: datetime) -> int:
    """Delete the ids of old batches; return how many."""
    count, _ = Flush.objects.filter(created_at__lt=before).delete()
    return count


def do_note_storage(*, organization_id: uuid.UUID, database_bytes: int, file_bytes: int, rows: int) -> None:
    """Note what an organization stores today."""
    figures = {"database_bytes": database_bytes, "file_bytes": file_bytes, "rows": rows}
    DailyUsage.objects.update_or_create(
        organization_id=organization_id,
        day=clock.now().date(),
        defaults={**figures, "updated_at": clock.now()},
    )


def do_note_orphans(*, organization_id: uuid.UUID, orphans: int) -> None:
    """Note how many of an organization's references lead nowhere today."""
    DailyUsage.objects.update_or_create(
        organization_id=organization_id,
        day=clock.now().date(),
        defaults={"orphans": orphans, "updated_at": clock.now()},
    )


def _flush(client: Redis, key: str) -> int:
    taken = f"{key}:taken"
    if not client.exists(taken):
        if not client.exists(key):
            return 0
        # Fails when another flush has taken them first; its batch is then found below.
        client.renamenx(key, taken)
    client.hsetnx(taken, "batch", str(new_id()))
    found: Any = client.hgetall(taken)
    facts = {_text(name): _text(value) for name, value in found.items()}
    batch = facts.pop("batch")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO usage_flush (id, created_at, updated_at) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [batch, clock.now(), clock.now()],
            )
            is_first = cursor.rowcount == 1
        if is_first:
            for kind in _KINDS:
                _write(kind, _counts(facts, kind), replace=False)
    client.eval(_END, 1, taken, batch)
    return len(facts) if is_first else 0


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _counts(facts: dict[str, str], kind: str) -> list[Count]:
    counts = []
    for name, value in facts.items():
        try:
            day, owner, what = name.split("/")
            if what == kind:
                counts.append((uuid.UUID(owner), date.fromisoformat(day), int(value)))
        except ValueError:
            log.error("usage_figure_unreadable", name=name)
    return counts


def _write(column: str, counts: Iterable[Count], *, replace: bool) -> None:
    """Add to the day's figure, or replace it. In the order of the rows, so that two writers never wait for
    each other in a circle."""
    rows, now = sorted(counts), clock.now()
    if not rows:
        return
    value = f"excluded.{column}" if replace else f"usage_dailyusage.{column} + excluded.{column}"
    others = [name for name in ("requests", "tasks", "mails") if name != column]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO usage_dailyusage
                   (organization_id, day, {column}, {", ".join(others)}, created_at, updated_at)
            SELECT owner, day, number, 0, 0, %s, %s
              FROM unnest(%s::uuid[], %s::date[], %s::bigint[]) AS counted (owner, day, number)
            ON CONFLICT (organization_id, day)
               DO UPDATE SET {column} = {value}, updated_at = excluded.updated_at
            """,  # noqa: S608  names of columns from this module
            [now, now, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
        )
