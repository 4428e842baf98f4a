"""The Celery application. Tasks are found in each app's tasks.py and run through tenants.task_base."""

import os

import structlog
from celery import Celery
from celery.signals import celeryd_after_setup, heartbeat_sent
from django.conf import settings
from redis.exceptions import RedisError

from shared_apps.core.fair_queue import fair_queue, worker_name

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

log = structlog.get_logger(__name__)

app = Celery("palaestra", task_cls="tenants.task_base:UnplacedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tenants"], related_name="tickets")

# What this process says of itself while it is a worker that takes organizations' tasks.
_worker: dict[str, int] = {}


def _know_worker(sender: str, instance: object, **_: object) -> None:
    """Remember name and slots of the worker that starts, unless it leaves organizations' tasks to others."""
    if settings.TENANT_QUEUE in app.amqp.queues.consume_from:
        _worker[worker_name(sender)] = int(getattr(instance, "concurrency", 0) or 1)


def _tell_that_it_lives(**_: object) -> None:
    """Every two seconds. What a silent worker had taken is given to others."""
    for name, slots in _worker.items():
        try:
            fair_queue().beat(name, slots=slots)
        except RedisError as error:
            log.warning("worker_sign_of_life_lost", error=str(error))


celeryd_after_setup.connect(_know_worker, weak=False)
heartbeat_sent.connect(_tell_that_it_lives, weak=False)
