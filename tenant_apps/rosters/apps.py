from django.apps import AppConfig


class RostersConfig(AppConfig):
    name = "tenant_apps.rosters"
    label = "rosters"
    verbose_name = "Rosters"
