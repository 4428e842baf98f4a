from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "tenant_apps.runs"
    label = "runs"
    verbose_name = "Runs"
