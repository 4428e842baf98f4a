"""What every table shares. Abstract only: this package owns no table."""

from django.db import models

from shared_apps.core import clock
from shared_apps.core.ids import new_id


class Record(models.Model):
    """A row with a UUIDv7 key made in Python and the two instants every row carries (UTC).

    Bulk updates go round `auto_now`-style hooks, so `updated_at` is set by the database statement that
    changes the row: services pass it in `update_fields`, `touch()` does it for one instance.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True

    def save_fields(self, *names: str) -> None:
        """Write the named fields and `updated_at` of an existing row, nothing else."""
        self.updated_at = clock.now()
        self.save(update_fields=[*names, "updated_at"])
