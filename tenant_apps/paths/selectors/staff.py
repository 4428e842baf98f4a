"""Who holds the right to manage a path."""

import uuid
from typing import Any

from django.db import connection

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.paths.policies import STAFF, visible_paths


def list_path_managers(*, actor: Actor, path_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return who holds the right to manage the path: dicts of member_id, name and email.

    Raises:
        Forbidden: the actor may not say who manages paths.
        NotFound: no such path, or none the actor sees.
    """
    require(actor, STAFF)
    if not visible_paths(actor).filter(pk=path_id).exists():
        raise NotFound
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')), m.email
              FROM paths_pathright r JOIN people_member m ON m.user_id = r.user_id
             WHERE r.content_object_id = %s
             ORDER BY m.last_name, m.first_name, m.id
            """,
            [path_id],
        )
        return [dict(zip(("member_id", "name", "email"), row, strict=True)) for row in cursor.fetchall()]
