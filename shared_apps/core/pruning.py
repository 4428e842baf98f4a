"""Delete what is past its time in bounded batches, so that no delete holds rows or the log for long."""

from typing import Any

from django.db.models import QuerySet

BATCH = 1000
# What is left over waits for the next hour.
MOST_BATCHES = 100


def delete_in_batches(
    outdated: QuerySet[Any], *, batch: int = BATCH, most_batches: int = MOST_BATCHES
) -> int:
    """Delete rows, each batch in a transaction of its own, and return how many of the model were deleted.

    Args:
        outdated: rows to delete, of one model; rows that hang on them go with them.
        batch: rows in one transaction.
        most_batches: after which the rest is left for the next run.
    """
    model = outdated.model
    deleted = 0
    for _ in range(most_batches):
        keys = list(outdated.order_by("pk").values_list("pk", flat=True)[:batch])
        if not keys:
            break
        _, by_model = model._default_manager.filter(pk__in=keys).delete()
        deleted += by_model.get(model._meta.label, 0)
        if len(keys) < batch:
            break
    return deleted
