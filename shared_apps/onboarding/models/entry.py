"""An operator's entry into an organization."""

from django.db import models

from shared_apps.core.models import Record


class SupportEntry(Record):
    """One look of one operator into one organization, with the reason; over when `ends_at` has come.

    The token that goes with it belongs to the sign-in and cannot be renewed.
    """

    organization_id = models.UUIDField()
    operator_id = models.UUIDField()
    operator_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=500)
    sign_in_id = models.UUIDField(unique=True)
    ends_at = models.DateTimeField()
    # Ended before its time, and by whom.
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["organization_id", "-id"], name="entry_by_organization")]

    def __str__(self) -> str:
        return f"{self.operator_label} in {self.organization_id}"
