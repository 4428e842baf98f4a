"""States of an archive."""

from django.db import models


class ArchiveState(models.TextChoices):
    """Life of one archive."""

    BUILDING = "building", "Building"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    REMOVED = "removed", "Removed"
