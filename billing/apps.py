from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    label = "billing"
    verbose_name = "Plans and seats"

    def ready(self) -> None:
        """Hear of newcomers who wait for a seat to be bought; imported here since models are not loaded
        before."""
        from billing.services.seats.growth import on_newcomer
        from billing.services.seats.seats import GROW_TOPIC
        from shared_apps.outbox.types import register_handler

        register_handler(GROW_TOPIC, on_newcomer, in_tenant=False)
