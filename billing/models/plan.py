"""The plan catalogue."""

from django.db import models

from shared_apps.core.models import Record


class Plan(Record):
    """What an organization can subscribe to. Prices come with the payment gateway."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    features = models.JSONField(default=dict, blank=True)
    min_seats = models.PositiveIntegerField(default=1)
    max_seats = models.PositiveIntegerField(default=100_000)
    trial_days = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

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
