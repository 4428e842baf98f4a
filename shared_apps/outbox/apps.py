from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "shared_apps.outbox"
    label = "outbox"
    verbose_name = "Outbox"

    def ready(self) -> None:
        """Register the handler of mail; imported here since models are not loaded before."""
        from shared_apps.outbox.services.mail import MAIL_TOPIC, open_mail
        from shared_apps.outbox.types import register_opener

        register_opener(MAIL_TOPIC, open_mail, in_tenant=False)
