"""Which organization answers at a host: cached in the process, refreshed when the registry says so."""

import threading
import time
import uuid
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db.models import OuterRef, Q, Subquery
from redis.exceptions import RedisError

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from tenants.cache import PLATFORM_PREFIX
from tenants.context import in_public
from tenants.enums import ANSWERING_STATES, DomainKind
from tenants.models import Domain, Organization
from tenants.scope import OrganizationRef
from tenants.selectors.levels import level_of

log = structlog.get_logger(__name__)

HOSTS_VERSION_KEY = f"{PLATFORM_PREFIX}hosts-version"
_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one host until `until` (monotonic seconds)."""

    until: float
    organization: OrganizationRef | None
    moved_to: str = ""


@dataclass(slots=True)
class _HostCache:
    """Host -> what is known of it. A change of the registry's version empties it."""

    entries: dict[str, _Known] = field(default_factory=dict)
    version: object = None
    checked_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_cache = _HostCache()


def find_organization(host: str) -> OrganizationRef | None:
    """Return the organization that answers at `host` (lower case, no port), or None; absence is cached too.

    A hit costs no query. An entry lives HOST_CACHE_SECONDS; a bump of the version (a domain moved, an
    organization was suspended) is seen within HOST_CACHE_CHECK_SECONDS by every process.
    """
    return _known(host).organization


def find_new_host(host: str) -> str:
    """Return the host that the organization at `host` moved to; empty for the host it lives at, and for one
    that is nobody's. Asked right after `find_organization` it costs no query."""
    return _known(host).moved_to


def may_have_certificate(host: str) -> bool:
    """Tell whether a proxy should get a certificate for the host: the platform's, and those at which an
    organization answers, be it to say that it is suspended or closing. Costs no query for a known host."""
    if host == settings.PLATFORM_HOST:
        return True
    organization = find_organization(host)
    return organization is not None and organization.state in ANSWERING_STATES


def primary_host(organization_id: uuid.UUID) -> str:
    """Return the host that links to the organization name: its chosen one, else its subdomain.

    Raises:
        Domain.DoesNotExist: the organization is deleted.
    """
    return str(Domain.objects.get(tenant_id=organization_id, is_primary=True).domain)


def _known(host: str) -> _Known:
    now = time.monotonic()
    _drop_when_outdated(now)
    entry = _cache.entries.get(host)
    if entry is not None and entry.until > now:
        return entry
    entry = _read(host, now + settings.HOST_CACHE_SECONDS)
    if len(_cache.entries) >= _MOST_ENTRIES:  # somebody asks for random names; start over rather than grow
        _cache.entries.clear()
    _cache.entries[host] = entry
    return entry


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


def _read(host: str, until: float) -> _Known:
    primary = Domain.objects.filter(tenant=OuterRef("tenant"), is_primary=True)
    with in_public():
        domain = (
            Domain.objects.select_related("tenant")
            .annotate(level=level_of("tenant_id"), primary=Subquery(primary.values("domain")[:1]))
            .filter(
                Q(retires_at=None) | Q(retires_at__gt=clock.now()), domain=host, verified_at__isnull=False
            )
            .first()
        )
    if domain is None:
        return _Known(until, None)
    organization: Organization = domain.tenant
    organization.schema_level = domain.level  # as `with_level` annotates it
    is_former = domain.kind == DomainKind.SUBDOMAIN and domain.retires_at is not None
    return _Known(until, organization.ref(), (domain.primary or "") if is_former else "")
