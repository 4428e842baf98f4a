from django.apps import AppConfig


class CohortsConfig(AppConfig):
    name = "tenant_apps.cohorts"
    label = "cohorts"
    verbose_name = "Cohorts"
