"""The Celery application. Tasks are found in each app's tasks.py and run through tenants.task_base."""

import os
import threading
import time

import structlog
from celery import Celery
from celery.signals import celeryd_after_setup, heartbeat_sent, worker_shutting_down
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
_LIFE_SECONDS = 2.0


def _know_worker(sender: str, instance: object, **_: object) -> None:
    """Remember name and slots of the worker that starts, unless it leaves organizations' tasks to others."""
    if settings.TENANT_QUEUE in app.amqp.queues.consume_from:
        _worker[worker_name(sender)] = int(getattr(instance, "concurrency", 0) or 1)


def _tell_that_it_lives(**_: object) -> None:
    """Every two seconds. What a silent worker had taken is given to others."""
    for name, slots in _worker.items():
        _tell(name, slots)


def _tell(name: str, slots: int) -> None:
    try:
        fair_queue().beat(name, slots=slots)
    except RedisError as error:
        log.warning("worker_sign_of_life_lost", error=str(error))


def _go_on_telling(**_: object) -> None:
    """A worker that was asked to stop finishes what it has, but Celery ends its signs of life at once:
    without these its long tasks would be run a second time beside it. It has no slots for more."""

    def tell() -> None:
        while True:
            for name in _worker:
                _tell(name, 0)
            time.sleep(_LIFE_SECONDS)

    threading.Thread(target=tell, daemon=True).start()


celeryd_after_setup.connect(_know_worker, weak=False)
heartbeat_sent.connect(_tell_that_it_lives, weak=False)
worker_shutting_down.connect(_go_on_telling, weak=False)
