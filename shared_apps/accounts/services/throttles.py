"""Counting attempts on one account and from one address, over all hosts: users are shared between them.

allauth's rate limits were looked at and left: they need its adapter and an HTTP request, read all their
limits from one setting, and their cache keys would be counted per organization, so each further host would
be worth another round of guesses.
"""

import hashlib
import ipaddress
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from shared_apps.accounts.errors import TooManyAttempts
from tenants.cache import PLATFORM_PREFIX

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 300


def count_attempt(act: str, *, account: str, address: str | None) -> None:
    """Count before the attempt is made, so that parallel attempts cannot all slip under the limit.

    With Valkey away attempts pass: an outage of the cache must not lock everybody out, and each still costs
    a slow hash.

    Args:
        act: "sign_in", "mail"; each has counters of its own.
        account: normalised e-mail address, whether or not an account has it.

    Raises:
        TooManyAttempts: a limit is reached, with the seconds until the window ends.
    """
    keys = [_account_key(act, account)]
    limits = [settings.RATE_LIMITS["login_account"]]
    if address:
        keys.append(_address_key(act, address))
        limits.append(settings.RATE_LIMITS["login_address"])
    try:
        with _client().pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.incr(key)
                pipeline.expire(key, WINDOW_SECONDS, nx=True)
                pipeline.ttl(key)
            answers = pipeline.execute()
    except (RedisError, OSError) as error:
        log.warning("attempts_uncounted", error=str(error))
        return
    for position, limit in enumerate(limits):
        count, _, seconds_left = answers[position * 3 : position * 3 + 3]
        if count > limit:
            log.warning("attempts_refused", act=act, by="address" if position else "account")
            raise TooManyAttempts(retry_after_seconds=max(1, int(seconds_left)))


def forget_attempts(act: str, *, account: str, address: str | None) -> None:
    """Clear the account's counter after a success, and take this one attempt off the address's."""
    try:
        with _client().pipeline(transaction=False) as pipeline:
            pipeline.delete(_account_key(act, account))
            if address:
                pipeline.decr(_address_key(act, address))
                pipeline.expire(_address_key(act, address), WINDOW_SECONDS, nx=True)
            pipeline.execute()
    except (RedisError, OSError) as error:
        log.warning("attempts_uncounted", error=str(error))


def account_mark(account: str) -> str:
    """Return a short mark for logs that tells accounts apart without naming them."""
    return hashlib.sha256(account.encode()).hexdigest()[:12]


def _account_key(act: str, account: str) -> str:
    digest = hashlib.sha256(account.encode()).hexdigest()
    return cache.make_key(f"{PLATFORM_PREFIX}attempts:{act}:account:{digest}")


def _address_key(act: str, address: str) -> str:
    return cache.make_key(f"{PLATFORM_PREFIX}attempts:{act}:address:{_network(address)}")


def _network(address: str) -> str:
    """Return the address, of IPv6 the /64 network: one subscriber has 2^64 addresses to guess from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _client() -> Any:
    """Return redis-py's client from behind Django's cache."""
    return cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
