"""What becomes of the rights of somebody who left the organization."""

import uuid
from typing import Any

from tenant_apps.courses.models import CourseRight


def end_rights_of_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """Take a removed member's rights on courses away: whoever is invited again starts without them."""
    ended, _ = CourseRight.objects.filter(user_id=user_id).delete()
    return {"rights": ended}
