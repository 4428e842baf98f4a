from django.apps import AppConfig


class CohortsConfig(AppConfig):
    name = "tenant_apps.cohorts"
    label = "cohorts"
    verbose_name = "Cohorts"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from tenant_apps.cohorts.services.departures import leave_departed
        from tenant_apps.people.services.departures import register_departure

        register_departure("cohorts.leave_departed", leave_departed)
