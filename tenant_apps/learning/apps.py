from datetime import timedelta

from django.apps import AppConfig

from tenants.timers import Timer, register_timer


class LearningConfig(AppConfig):
    name = "tenant_apps.learning"
    label = "learning"
    verbose_name = "Learning"

    def ready(self) -> None:
        """Look over the counters of progress once a night."""
        night = timedelta(hours=3)
        register_timer(
            Timer("learning.recount", period=timedelta(days=1), starts=timedelta(hours=1), window=night)
        )
