"""Single versions, found by what people call them."""

import uuid

from shared_apps.core.actors import Actor
from tenant_apps.courses.policies import visible_versions


def find_version(actor: Actor, *, slug: str, number: int | None = None) -> uuid.UUID | None:
    """Return the id of a version of the course of that slug: of that number, or the newest the actor sees."""
    found = visible_versions(actor).filter(course__slug=slug).order_by("-number")
    if number is not None:
        found = found.filter(number=number)
    return found.values_list("id", flat=True).first()
