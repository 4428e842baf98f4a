from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "tenant_apps.runs"
    label = "runs"
    verbose_name = "Runs"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from tenant_apps.people.services.departures import register_departure
        from tenant_apps.runs.services.departures import withdraw_departed

        register_departure("runs.withdraw_departed", withdraw_departed)
