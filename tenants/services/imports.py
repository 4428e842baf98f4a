"""Steps that take in an organization that was made elsewhere."""

import uuid
from typing import Any

from django.db import connection

from shared_apps.core.transactions import require_transaction
from tenants.models import Organization, TenantSchema
from tenants.names import check_name, schema_name_for
from tenants.services.organizations import do_forget_hosts, do_insert_with_host, do_refuse_taken
from tenants.services.schemas import do_build_schema


def is_free(identifier: uuid.UUID) -> bool:
    """Tell whether no organization and no schema has, or had, the id."""
    if (
        TenantSchema.objects.filter(id=identifier).exists()
        or Organization.objects.filter(id=identifier).exists()
    ):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema_name_for(identifier.hex)])
        return cursor.fetchone() is None


def do_take_in(*, identifier: uuid.UUID, slug: str, facts: dict[str, Any]) -> Organization:
    """Make the organization with an empty schema of its own and its subdomain, in one transaction.

    Args:
        identifier: a free id; schema and role are spelled from it.
        slug: its subdomain here.
        facts: values of its row besides.

    Raises:
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
    """
    require_transaction()
    slug = check_name(slug)
    do_refuse_taken(slug, owner_id=None)
    do_build_schema(identifier)
    organization = Organization(
        id=identifier, schema_name=schema_name_for(identifier.hex), slug=slug, **facts
    )
    do_insert_with_host(organization)
    do_forget_hosts()
    return organization
