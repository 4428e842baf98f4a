"""Reads on the registry of organizations."""

import uuid
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from tenants.enums import OPEN_STATES, OrganizationState, SchemaState
from tenants.models import Domain, Organization, TenantSchema


def get_setting(*, organization_id: uuid.UUID, name: str, default: Any) -> Any:
    """Return one setting of the organization, the default when it was never set."""
    return get_settings(organization_id=organization_id).get(name, default)


def get_settings(*, organization_id: uuid.UUID) -> dict[str, Any]:
    """Return all settings of the organization that were ever set."""
    found = Organization.objects.values_list("settings", flat=True).filter(id=organization_id).first()
    return found or {}


def find_by_creation_key(key: str) -> Organization | None:
    """Return the organization that the key created, or None."""
    return Organization.objects.filter(creation_key=key).first()


def ids_in_state(state: OrganizationState) -> list[uuid.UUID]:
    """Return the organizations in a state, those waiting longest first."""
    rows = Organization.objects.filter(state=state).order_by("state_changed_at", "id")
    return list(rows.values_list("id", flat=True))


def organizations_with_schema() -> QuerySet[Organization]:
    """Return all organizations, each with `schema_state`, `schema_version` and `host` of its first domain."""
    schema = TenantSchema.objects.filter(id=OuterRef("id"))
    domain = Domain.objects.filter(tenant=OuterRef("pk"), is_primary=True)
    return Organization.objects.annotate(
        schema_state=Subquery(schema.values("state")[:1]),
        schema_version=Subquery(schema.values("schema_version")[:1]),
        host=Subquery(domain.values("domain")[:1]),
    )


def count_ready_schemas() -> int:
    """Return how many schemas wait to be claimed."""
    return TenantSchema.objects.filter(state=SchemaState.READY).count()


def count_by_state() -> dict[str, int]:
    """Return the number of organizations in each state that has any."""
    rows = Organization.objects.order_by().values_list("state").annotate(number=Count("id"))
    return dict(rows)


def names_of_open_organizations() -> list[tuple[str, str]]:
    """Return id and name of each open organization, by name, for a choice in the console."""
    rows = Organization.objects.filter(state__in=OPEN_STATES).order_by("name")
    return [(str(identifier), name) for identifier, name in rows.values_list("id", "name")]


def queue_weights() -> dict[uuid.UUID, int]:
    """Return the organizations whose share of the workers is not the usual one, with it."""
    rows = Organization.objects.filter(queue_weight__gt=1, state__in=OPEN_STATES)
    return dict(rows.order_by().values_list("id", "queue_weight"))


def open_organization_ids() -> list[uuid.UUID]:
    """Return the organizations that work now."""
    return list(Organization.objects.filter(state__in=OPEN_STATES).order_by().values_list("id", flat=True))
