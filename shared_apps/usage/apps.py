from datetime import timedelta

from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "shared_apps.usage"
    label = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        """Measure every organization once a night, spread over five hours from one o'clock."""
        from tenants.timers import Timer, register_timer

        register_timer(
            Timer("usage.measure", timedelta(days=1), starts=timedelta(hours=1), window=timedelta(hours=5))
        )
