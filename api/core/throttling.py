"""Rate limits per caller and per organization, counted in Valkey, told in standard headers."""

import time
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.core.callers import caller_of
from shared_apps.core import clock

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
# After a failure nobody asks the cache for so long: one that hangs would cost every request its time-out.
_PAUSE_SECONDS = 2.0

# One command and one answer for all counters of a request; the server keeps the script compiled.
_COUNT = """
local counts = {}
for place, key in ipairs(KEYS) do
    counts[place] = redis.call('INCR', key)
    if counts[place] == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
return counts
"""


class CallerThrottle(BaseThrottle):
    """Fixed windows of 60 s: one budget for the caller (address when nobody is signed in), one for the
    organization. Both counters move in one round trip. With Valkey away requests pass: limits protect
    speed, never correctness."""

    _paused_until: ClassVar[float] = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False when a budget is spent."""
        actor = caller_of(request)
        organization = getattr(request._request, "organization", None)
        if actor.user_id is not None:
            limits = [(f"caller:{actor.user_id.hex}", settings.RATE_LIMITS["caller"])]
        else:
            limits = [(f"address:{self.get_ident(request)}", settings.RATE_LIMITS["anonymous"])]
        if organization is not None:
            limits.append(("organization", settings.RATE_LIMITS["organization"]))
        now = clock.now().timestamp()
        window = int(now // WINDOW_SECONDS)
        self.reset_seconds = WINDOW_SECONDS - int(now % WINDOW_SECONDS)
        counts = self._count([f"rate:{window}:{name}" for name, _ in limits])
        if counts is None:
            return True
        left = min(limit - count for (_, limit), count in zip(limits, counts, strict=True))
        tightest = min(zip(limits, counts, strict=True), key=lambda pair: pair[0][1] - pair[1])[0][1]
        request._request.rate_limit = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(tightest),
            "RateLimit-Remaining": str(max(0, left)),
            "RateLimit-Reset": str(self.reset_seconds),
        }
        return left >= 0

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        return float(self.reset_seconds)

    @staticmethod
    def _count(names: list[str]) -> list[int] | None:
        if time.monotonic() < CallerThrottle._paused_until:
            return None
        keys = [cache.make_key(name) for name in names]
        try:
            client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
            counts: list[int] = client.eval(_COUNT, len(keys), *keys, WINDOW_SECONDS * 2)
            return counts
        except (RedisError, OSError) as error:
            CallerThrottle._paused_until = time.monotonic() + _PAUSE_SECONDS
            log.warning("rate_limit_uncounted", error=str(error))
            return None
