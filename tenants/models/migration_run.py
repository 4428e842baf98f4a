"""One run of the wave migrator over the tenants that are behind."""

from django.db import models

from shared_apps.core.models import Record
from tenants.enums import RunDirection, RunState


class MigrationRun(Record):
    """What was to be done, how far it is and who does it; the state of each tenant stands in its own row.

    A run whose heartbeat is old lost its process: the next `migrate_tenants` takes it over.
    """

    direction = models.CharField(max_length=8, choices=RunDirection.choices, default=RunDirection.FORWARD)
    target_level = models.PositiveIntegerField()
    target_version = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.RUNNING)
    started_by = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    # Who works on it now, new at each start and take-over: a process that slept and was replaced finds
    # another's id here and stops.
    holder = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    workers = models.PositiveSmallIntegerField(default=1)
    # What the command was told (tenants.services.migrating.options); a resumed run goes on with it.
    options = models.JSONField(default=dict, blank=True)
    # {"name", "size", "done", "failed"} of each wave, canaries first; and the one that runs, from 0.
    waves = models.JSONField(default=list)
    wave = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    # The run stops when more than this share of a wave's tenants failed, in percent.
    most_failures_percent = models.PositiveSmallIntegerField(default=10)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(state__in=("running", "stopping")),
                name="one_migration_run",
            )
        ]

    def __str__(self) -> str:
        return f"to level {self.target_level}, {self.started_at:%Y-%m-%d %H:%M}"
