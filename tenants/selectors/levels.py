"""The level of organizations' schemas, read together with the organization."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tenants.ddl import template_level
from tenants.errors import OrganizationBehind
from tenants.models import Organization, TenantSchema
from tenants.scope import OrganizationRef

RETRY_AFTER_SECONDS = 10


def level_of(organization_column: str) -> Any:
    """Return what the database reads as the schema's level of the organization a column names."""
    schema = TenantSchema.objects.filter(id=OuterRef(organization_column))
    return Coalesce(Subquery(schema.values("schema_level")[:1]), 0)


def with_level(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    """Return the organizations with their `schema_level`, in the same statement."""
    return organizations.annotate(schema_level=level_of("pk"))


def is_behind(organization: OrganizationRef) -> bool:
    """Tell whether the organization's schema lacks migrations that this code needs."""
    return organization.schema_level < template_level()


def check_level(organization: OrganizationRef) -> None:
    """Refuse an organization whose schema is behind.

    Raises:
        OrganizationBehind: it is.
    """
    if is_behind(organization):
        raise OrganizationBehind(retry_after_seconds=RETRY_AFTER_SECONDS)
