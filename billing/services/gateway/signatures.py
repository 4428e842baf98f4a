"""How many messages came with a signature that is not the gateway's. Nothing else is kept of them."""

from datetime import date, timedelta

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from shared_apps.core import clock
from tenants.cache import PLATFORM_PREFIX

log = structlog.get_logger(__name__)

_KEPT_DAYS = 7
_KEPT_SECONDS = (_KEPT_DAYS + 1) * 86_400


def note_refused_signature() -> None:
    """Count one more, today. A cache that is away costs the count, never the answer."""
    log.warning("gateway_signature_refused", gateway="stripe")
    key = _key(clock.now().date())
    try:
        cache.add(key, 0, _KEPT_SECONDS)
        cache.incr(key)
    except (RedisError, OSError, ValueError) as error:
        log.warning("gateway_signature_not_counted", error=str(error))


def count_refused_signatures() -> tuple[int, int]:
    """Return how many were refused today and in the last seven days (UTC); zeros where the cache is away."""
    today = clock.now().date()
    keys = [_key(today - timedelta(days=back)) for back in range(_KEPT_DAYS)]
    try:
        found = cache.get_many(keys)
    except (RedisError, OSError):
        return 0, 0
    return int(found.get(keys[0], 0)), sum(int(value) for value in found.values())


def _key(day: date) -> str:
    return f"{PLATFORM_PREFIX}gateway-signatures-refused:{day.isoformat()}"
