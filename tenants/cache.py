"""Cache keys carry the organization's id, so no construct above the cache can mix two of them."""

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
