"""The Celery application. Tasks are found in each app's tasks.py and run through tenants.task_base."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("palaestra", task_cls="tenants.task_base:UnplacedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
