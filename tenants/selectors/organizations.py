"""Reads on the registry of organizations."""

import uuid
from typing import Any

from tenants.models import Organization


def get_setting(*, organization_id: uuid.UUID, name: str, default: Any) -> Any:
    """Return one setting of the organization, the default when it was never set."""
    found = Organization.objects.values_list("settings", flat=True).filter(id=organization_id).first()
    return (found or {}).get(name, default)
