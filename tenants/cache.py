"""Cache keys carry the organization's id, so no construct above the cache can mix two of them."""

import uuid

from django.conf import settings
from django.core.cache import cache

from tenants.context import NoOrganization
from tenants.scope import current_scope

# Keys of the platform itself (host registry version, sign-in throttles across hosts) say so by name.
PLATFORM_PREFIX = "platform/"


def organization_key(key: str, key_prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: prefix, then "platform" or the organization's UUID, then version and key.

    Raises:
        NoOrganization: outside every scope, for a key that is not the platform's.
    """
    scope = current_scope.get()
    if scope.organization is not None and not key.startswith(PLATFORM_PREFIX):
        owner = scope.organization.id.hex
    elif scope.schema_name == "public" or key.startswith(PLATFORM_PREFIX):
        owner = "platform"
    else:
        raise NoOrganization(f"the cache key {key!r} was used outside any scope")
    return f"{key_prefix}:{owner}:{version}:{key}"


def cached_keys(organization_id: uuid.UUID) -> list[bytes]:
    """Return the keys that the cache holds of an organization; walks the whole cache, so only for its end.

    Raises:
        redis.RedisError, OSError: the cache is away.
    """
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]  # Django's own has no scan
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")
    return list(client.scan_iter(match=f"{prefix}:{organization_id.hex}:*", count=1000))


def forget_cached(organization_id: uuid.UUID) -> int:
    """Delete all that the cache holds of an organization; return how many keys.

    Raises:
        redis.RedisError, OSError: the cache is away.
    """
    keys = cached_keys(organization_id)
    if keys:
        client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]  # as above
        client.delete(*keys)
    return len(keys)
