from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "tenant_apps.runs"
    label = "runs"
    verbose_name = "Runs"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from shared_apps.outbox.types import register_handler
        from tenant_apps.runs.services.departures import MEMBER_REMOVED, withdraw_departed

        register_handler(MEMBER_REMOVED, withdraw_departed)
