"""The plan catalogue."""

from django.db import models

from billing.enums import Overuse
from shared_apps.core.models import Record


class Plan(Record):
    """What an organization can subscribe to: seats with limits and features, at its prices."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    features = models.JSONField(default=dict, blank=True)
    min_seats = models.PositiveIntegerField(default=1)
    max_seats = models.PositiveIntegerField(default=100_000)
    trial_days = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    # Where it stands in a price list.
    position = models.SmallIntegerField(default=0, db_default=0)
    # --- How freely seats move between people. A move takes a seat from somebody who uses it.
    # Hours somebody holds a seat at least before it moves on; 0 for none.
    cooling_hours = models.IntegerField(default=0, db_default=0)
    # Moves in a year for each hundred seats bought; None for any number.
    moves_percent = models.IntegerField(null=True, blank=True)
    overuse = models.CharField(
        max_length=8, choices=Overuse.choices, default=Overuse.BLOCK, db_default=Overuse.BLOCK.value
    )

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                name="plan_seats_in_order",
                condition=models.Q(min_seats__gte=1) & models.Q(max_seats__gte=models.F("min_seats")),
            )
        ]

    def __str__(self) -> str:
        return self.name
