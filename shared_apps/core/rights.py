"""Base of the per-app tables of object rights (guardian's direct foreign-key models).

Guardian's own tables point into `public` with database keys; one such key per tenant makes deleting a user
take 23 s at 1,000 tenants. Here the keys to user and permission carry no constraint, and the table lives in
the tenant's schema, so a right on an object of one tenant cannot hold for another's.
"""

from django.conf import settings
from django.db import models
from guardian.models.models import UserObjectPermissionBase

from shared_apps.core import clock
from shared_apps.core.ids import new_id


class ObjectRight(UserObjectPermissionBase):
    """One right of one user on one object. Subclasses add `content_object`, a real foreign key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    permission = models.ForeignKey(
        "auth.Permission", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
