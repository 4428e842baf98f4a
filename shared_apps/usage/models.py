"""What each organization used on each day (UTC), and what its counting needs to be exact."""

from django.db import models

from shared_apps.core import clock


class DailyUsage(models.Model):
    """One organization's day. Counts grow while it lasts; what is stored is as last measured that day."""

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    tasks = models.PositiveBigIntegerField(default=0)
    mails = models.PositiveBigIntegerField(default=0)
    # Empty on a day without a measurement.
    database_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    file_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    # As the database estimates them: counting every row would cost more than knowing is worth.
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    # References between its tables and the shared ones that lead nowhere; empty where nobody looked.
    orphans = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-day", "-id")
        verbose_name = "usage of a day"
        verbose_name_plural = "usage"
        constraints = [models.UniqueConstraint(fields=["organization_id", "day"], name="usage_once_a_day")]
        indexes = [models.Index(fields=["day"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day}"


class Flush(models.Model):
    """A batch of counts that was written down: a batch met again after a kill is not added twice."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return str(self.id)


class TimerState(models.Model):
    """Up to when a timer's organizations were called."""

    name = models.CharField(primary_key=True, max_length=80)
    done_until = models.DateTimeField()
    # Two ticks at once: the second finds it taken, until the first must be dead.
    taken_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name
