"""Which organization answers at a host: cached in the process, refreshed when the registry says so."""

import threading
import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from shared_apps.core.ids import new_id
from tenants.cache import PLATFORM_PREFIX
from tenants.context import in_public
from tenants.models import Domain, Organization
from tenants.scope import OrganizationRef
from tenants.selectors.levels import level_of

log = structlog.get_logger(__name__)

HOSTS_VERSION_KEY = f"{PLATFORM_PREFIX}hosts-version"
_MOST_ENTRIES = 20_000


@dataclass(slots=True)
class _HostCache:
    """host -> (found until, organization or None). A change of the registry's version empties it."""

    entries: dict[str, tuple[float, OrganizationRef | None]] = field(default_factory=dict)
    version: object = None
    checked_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_cache = _HostCache()


def find_organization(host: str) -> OrganizationRef | None:
    """Return the organization that answers at `host` (lower case, no port), or None; absence is cached too.

    A hit costs no query. An entry lives HOST_CACHE_SECONDS; a bump of the version (a domain moved, an
    organization was suspended) is seen within HOST_CACHE_CHECK_SECONDS by every process.
    """
    now = time.monotonic()
    _drop_when_outdated(now)
    entry = _cache.entries.get(host)
    if entry is not None and entry[0] > now:
        return entry[1]
    organization = _read(host)
    if len(_cache.entries) >= _MOST_ENTRIES:  # somebody asks for random names; start over rather than grow
        _cache.entries.clear()
    _cache.entries[host] = (now + settings.HOST_CACHE_SECONDS, organization)
    return organization


def forget_cached_hosts() -> None:
    """Empty this process's cache; other processes hear of changes through the registry's version."""
    _cache.entries.clear()
    _cache.version = None


def announce_changed_hosts() -> None:
    """Make every process drop its cached look-ups. Called after the commit, so it never fails: with the cache
    away this process forgets at once, and in the others the entries' own lifetime bounds how long they stay.
    """
    forget_cached_hosts()
    try:
        cache.set(HOSTS_VERSION_KEY, new_id().hex, timeout=None)
    except (RedisError, OSError) as error:
        log.warning("hosts_version_unwritten", error=str(error))


def _drop_when_outdated(now: float) -> None:
    if now - _cache.checked_at < settings.HOST_CACHE_CHECK_SECONDS:
        return
    with _cache.lock:
        _cache.checked_at = now
        try:
            version = cache.get(HOSTS_VERSION_KEY)
        except (RedisError, OSError) as error:
            # Without the version the entries' own lifetime bounds how stale an answer can be.
            log.warning("hosts_version_unreadable", error=str(error))
            return
        if version != _cache.version:
            _cache.entries.clear()
            _cache.version = version


def _read(host: str) -> OrganizationRef | None:
    with in_public():
        domain = (
            Domain.objects.select_related("tenant")
            .annotate(level=level_of("tenant_id"))
            .filter(domain=host, verified_at__isnull=False)
            .first()
        )
    if domain is None:
        return None
    organization: Organization = domain.tenant
    organization.schema_level = domain.level  # as `with_level` annotates it
    return organization.ref()
