from datetime import timedelta

from django.apps import AppConfig

from tenants.timers import Timer, register_timer


class RunsConfig(AppConfig):
    name = "tenant_apps.runs"
    label = "runs"
    verbose_name = "Runs"

    def ready(self) -> None:
        """Hear of people who left, and end access in time; imported here: models are not loaded before."""
        from tenant_apps.people.services.departures import register_departure
        from tenant_apps.runs.services.departures import withdraw_departed

        register_departure("runs.withdraw_departed", withdraw_departed)
        # Access itself ends at its instant; states and places follow within a quarter of an hour.
        quarter = timedelta(minutes=15)
        register_timer(Timer("runs.expire", period=quarter, starts=timedelta(0), window=quarter))
