"""How long one relay works, and how many work at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from shared_apps.outbox.services.delivery import relay
from tenants.cache import PLATFORM_PREFIX

log = structlog.get_logger(__name__)

# Every send wakes a relay and beat adds one each 5 s: a long queue of mail must not fill every worker.
_SLOTS = 2
_SLOT_SECONDS = 180
_LONGEST_RUN_SECONDS = 120.0


def relay_until_empty() -> int:
    """Deliver until nothing is due, for 120 s at most, unless enough relays are at it; return how many.

    The slots only save work: with the cache away every relay runs, which the messages' leases allow.
    """
    taken = 0
    with _slot() as free:
        ends = time.monotonic() + _LONGEST_RUN_SECONDS
        while free and time.monotonic() < ends:
            count = relay()
            if count == 0:
                break
            taken += count
    return taken


@contextmanager
def _slot() -> Iterator[bool]:
    name = None
    try:
        for number in range(_SLOTS):
            candidate = f"{PLATFORM_PREFIX}outbox-relay-{number}"
            if cache.add(candidate, "1", timeout=_SLOT_SECONDS):
                name = candidate
                break
        else:
            yield False
            return
    except (RedisError, OSError) as error:
        log.warning("relay_slot_unknown", error=str(error))
    try:
        yield True
    finally:
        if name is not None:
            _free(name)


def _free(name: str) -> None:
    try:
        cache.delete(name)
    except (RedisError, OSError) as error:
        log.warning("relay_slot_kept", error=str(error))
