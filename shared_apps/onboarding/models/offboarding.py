"""The end of an organization: how far it is, and the receipt of its deletion."""

from django.db import models

from shared_apps.core.models import Record


class Offboarding(Record):
    """One decision to give an organization up, from the request to the receipt or to "keep it after all".

    `steps` says which steps of the deletion are done and when, so that whoever comes after a killed worker
    goes on behind the last of them. `before` and `after` are the counts that the receipt is made of; the
    first is taken before anything is removed and cannot be taken again.
    """

    organization_id = models.UUIDField()
    # As they were when the request came; deleting takes them from the organization's row.
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=200)
    asked_by = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)
    delete_after = models.DateTimeField()
    # What the organization goes back to when it is kept.
    previous = models.JSONField(default=dict)
    # The export that must be finished first, or who said that none is needed, and why.
    export_asked_at = models.DateTimeField(null=True, blank=True)
    export = models.JSONField(default=dict, blank=True)
    waived_by = models.CharField(max_length=254, blank=True)
    waiver = models.CharField(max_length=500, blank=True)
    # Why it does not go on, a stable code; empty while it does.
    problem = models.CharField(max_length=60, blank=True)
    steps = models.JSONField(default=dict, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two operators who delete at once would otherwise leave two, with two ends.
            models.UniqueConstraint(
                fields=["organization_id"],
                condition=models.Q(kept_at__isnull=True, deleted_at__isnull=True),
                name="one_open_offboarding",
            )
        ]

    def __str__(self) -> str:
        return f"end of {self.slug}"


class DeletionReceipt(Record):
    """What was deleted, what was kept and why, signed: the exact bytes that the signature is of are kept."""

    organization_id = models.UUIDField(unique=True)
    slug = models.CharField(max_length=63)
    statement = models.TextField()
    signature = models.CharField(max_length=120)
    public_key = models.CharField(max_length=60)
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"receipt of {self.slug}"
