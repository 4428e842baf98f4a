from datetime import timedelta

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shared_apps.accounts"
    label = "accounts"
    verbose_name = "People and sign-in"

    def ready(self) -> None:
        """Look once a night, spread over five hours, for references to people that lead nowhere."""
        from tenants.timers import Timer, register_timer

        night = timedelta(hours=5)
        register_timer(
            Timer("accounts.count_orphans", timedelta(days=1), starts=timedelta(hours=1), window=night)
        )
