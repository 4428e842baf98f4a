"""States of a roster import and of its rows."""

from django.db import models


class ImportState(models.TextChoices):
    """Life of an import: a plan first, applied when somebody says so."""

    PLANNED = "planned", "Planned"
    APPLYING = "applying", "Applying"
    APPLIED = "applied", "Applied"
    FAILED = "failed", "Failed"


class RowAction(models.TextChoices):
    """What the plan would do with a row."""

    ADD = "add", "Add"
    CHANGE = "change", "Change"
    SKIP = "skip", "Skip"
    REFUSE = "refuse", "Refuse"


class RowResult(models.TextChoices):
    """What applying did with a row."""

    PENDING = "pending", "Pending"
    DONE = "done", "Done"
    UNCHANGED = "unchanged", "Unchanged"
    REFUSED = "refused", "Refused"
