"""Tables of the registry: organizations, their host names, their schemas."""

from tenants.models.domain import Domain, ReleasedName
from tenants.models.organization import Organization
from tenants.models.tenant_schema import TenantSchema

__all__ = ["Domain", "Organization", "ReleasedName", "TenantSchema"]
