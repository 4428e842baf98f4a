from django.apps import AppConfig


class MediaConfig(AppConfig):
    name = "tenant_apps.media"
    label = "media"
    verbose_name = "Media"

    def ready(self) -> None:
        """Tell the meter of use what the stored files weigh; imported here since models load first."""
        from shared_apps.usage.types import register_file_meter
        from tenant_apps.media.selectors.files import sum_bytes

        register_file_meter(sum_bytes)
