from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "tenant_apps.learning"
    label = "learning"
    verbose_name = "Learning"
