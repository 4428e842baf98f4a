"""Tables of the registry: organizations, their host names, their schemas, the runs that migrate them."""

from tenants.models.domain import Domain, ReleasedName
from tenants.models.domain_claim import DomainClaim
from tenants.models.migration_run import MigrationRun
from tenants.models.organization import Organization
from tenants.models.tenant_schema import TenantSchema

__all__ = ["Domain", "DomainClaim", "MigrationRun", "Organization", "ReleasedName", "TenantSchema"]
