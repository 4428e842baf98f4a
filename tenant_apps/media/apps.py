from django.apps import AppConfig


class MediaConfig(AppConfig):
    name = "tenant_apps.media"
    label = "media"
    verbose_name = "Media"
