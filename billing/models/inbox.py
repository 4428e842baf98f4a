"""The inbox of gateways' messages, and how far each of their objects was followed."""

from django.db import models

from billing.enums import EventState
from shared_apps.core.models import Record


class GatewayEvent(Record):
    """One message, once, however often it is delivered. It says that an object changed and nothing else: what
    the object is now is asked of the gateway, so late, doubled and shuffled messages do no harm."""

    gateway = models.CharField(max_length=20)
    event_key = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    object_ref = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=EventState.choices, default=EventState.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    # A stable word for why it failed or was parked.
    problem = models.CharField(max_length=200, blank=True)
    # Found by asking for what was missed, not delivered.
    was_missed = models.BooleanField(default=False)

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["gateway", "event_key"], name="one_row_a_message")]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state__in=("received", "failed")),
                name="gateway_event_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_ref}"


class ObjectSync(Record):
    """Tickets of one object at the gateway. A ticket is drawn before the gateway is asked; what was seen is
    applied only if no later ticket was applied before, so a slow answer never undoes a newer one."""

    gateway = models.CharField(max_length=20)
    object_ref = models.CharField(max_length=120)
    issued = models.BigIntegerField(default=0)
    applied = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["gateway", "object_ref"], name="one_count_an_object")]

    def __str__(self) -> str:
        return f"{self.object_ref} {self.applied}/{self.issued}"
