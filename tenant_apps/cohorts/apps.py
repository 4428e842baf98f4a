from django.apps import AppConfig


class CohortsConfig(AppConfig):
    name = "tenant_apps.cohorts"
    label = "cohorts"
    verbose_name = "Cohorts"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from shared_apps.outbox.types import register_handler
        from tenant_apps.cohorts.services.departures import MEMBER_REMOVED, leave_departed

        register_handler(MEMBER_REMOVED, leave_departed)
