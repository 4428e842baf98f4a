"""The audit log: who did what to what, append-only by a trigger."""

from django.db import models

from shared_apps.core import clock
from shared_apps.core.ids import new_id


class AuditEvent(models.Model):
    """One act of an admin, operator or job; refusals too. Rows are never changed (a trigger refuses).

    `organization_id` is the organization the act concerns: an operator's act on a tenant appears in the
    tenant's log as well as in the platform's.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.UUIDField(null=True, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=80)
    target_kind = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=10, default="done")
    changes = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="audit_by_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.target_kind}:{self.target_id}"
