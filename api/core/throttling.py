"""Rate limits per caller and per organization, counted in Valkey, told in standard headers."""

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.core.callers import caller_of
from shared_apps.core import clock
from shared_apps.usage.types import REQUESTS, USAGE_KEY, usage_field

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
# After a failure nobody asks the cache for so long: one that hangs would cost every request its time-out.
_PAUSE_SECONDS = 2.0

# One command and one answer for all counters of a request; the server keeps the script compiled. The budgets
# stand in order, and a request that one of them refuses spends none of those behind it: a caller who is past
# the own budget must not use up the organization's.
_COUNT = """
local counts = {}
for place = 1, #KEYS - 1 do
    local key = KEYS[place]
    counts[place] = redis.call('INCR', key)
    if counts[place] == 1 then redis.call('EXPIRE', key, ARGV[1]) end
    if counts[place] > tonumber(ARGV[place + 1]) then break end
end
-- The last key: the figures of use, kept for the day.
if ARGV[#KEYS + 1] ~= '' then redis.call('HINCRBY', KEYS[#KEYS], ARGV[#KEYS + 1], 1) end
return counts
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests allowed in a window.

    Attributes:
        policy: its name in the headers, "caller", "address" or "organization".
        key: of its counter.
        left: after this request; None when a budget before it refused the request, which then spent nothing.
    """

    policy: str
    key: str
    limit: int
    left: int | None = None


class CallerThrottle(BaseThrottle):
    """Fixed windows of 60 s: one budget for the caller (address when nobody is signed in), one for the
    organization, which the operator may set for each. Both counters move in one round trip. With Valkey away
    requests pass: limits protect speed, never correctness."""

    _paused_until: ClassVar[float] = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False when a budget is spent."""
        now = clock.now().timestamp()
        window = int(now // WINDOW_SECONDS)
        self.reset_seconds = WINDOW_SECONDS - int(now % WINDOW_SECONDS)
        budgets = self._budgets(request)
        organization = getattr(request._request, "organization", None)
        figure = "" if organization is None else usage_field(clock.now().date(), organization.id, REQUESTS)
        counts = self._count([f"rate:{window}:{budget.key}" for budget in budgets], budgets, figure)
        if counts is None:
            return True
        spent = [
            replace(budget, left=budget.limit - count) for budget, count in zip(budgets, counts, strict=False)
        ]
        untouched = budgets[len(spent) :]
        request._request.rate_limit = _headers(  # type: ignore[attr-defined]
            [*spent, *untouched], self.reset_seconds
        )
        return all(budget.left is not None and budget.left >= 0 for budget in spent)

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        return float(self.reset_seconds)

    def _budgets(self, request: Request) -> list[Budget]:
        actor = caller_of(request)
        limits = settings.RATE_LIMITS
        if actor.user_id is not None:
            budgets = [Budget("caller", f"caller:{actor.user_id.hex}", limits["caller"])]
        else:
            budgets = [Budget("address", f"address:{self.get_ident(request)}", limits["anonymous"])]
        organization = getattr(request._request, "organization", None)
        if organization is not None:
            limit = organization.request_budget
            budgets.append(
                Budget("organization", "organization", limits["organization"] if limit is None else limit)
            )
        return budgets

    @staticmethod
    def _count(names: list[str], budgets: list[Budget], figure: str) -> list[int] | None:
        if time.monotonic() < CallerThrottle._paused_until:
            return None
        keys = [cache.make_key(name) for name in [*names, USAGE_KEY]]
        limits = [budget.limit for budget in budgets]
        try:
            client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
            counts: list[int] = client.eval(_COUNT, len(keys), *keys, WINDOW_SECONDS * 2, *limits, figure)
            return counts
        except (RedisError, OSError) as error:
            CallerThrottle._paused_until = time.monotonic() + _PAUSE_SECONDS
            log.warning("rate_limit_uncounted", error=str(error))
            return None


def _headers(budgets: list[Budget], reset_seconds: int) -> dict[str, str]:
    """Return where one stands, in the three fields of version 1 (of the tightest budget) and in the two
    structured ones of the IETF's draft "RateLimit header fields for HTTP", which name every budget."""
    counted = [budget for budget in budgets if budget.left is not None]
    tightest = min(counted, key=lambda budget: budget.left or 0)
    return {
        "RateLimit-Limit": str(tightest.limit),
        "RateLimit-Remaining": str(max(0, tightest.left or 0)),
        "RateLimit-Reset": str(reset_seconds),
        "RateLimit-Policy": ", ".join(
            f'"{budget.policy}";q={budget.limit};w={WINDOW_SECONDS}' for budget in budgets
        ),
        "RateLimit": ", ".join(
            f'"{budget.policy}";r={max(0, budget.left or 0)};t={reset_seconds}' for budget in counted
        ),
    }
