from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ArchivesConfig(AppConfig):
    name = "shared_apps.archives"
    label = "archives"
    verbose_name = "Archives"

    def ready(self) -> None:
        """Hear from every app which of its shared rows belong to an organization."""
        autodiscover_modules("portable")
