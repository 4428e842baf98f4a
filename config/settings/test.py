"""Tests: real servers of their own, cheap password hashing, switching tenant inside a test's transaction."""

import os
from pathlib import Path

from config import env
from config.embedded import FAST_SETTINGS, ensure_servers
from config.settings.base import *  # noqa: F403  settings modules build on each other
from config.settings.base import (
    BASE_DIR,
    DATABASES,
    REST_FRAMEWORK,
    STORAGES,
    cached,
    pooled,
    queues,
    routes,
)

_data_dir = Path(os.environ.get("PALAESTRA_TEST_DATA_DIR") or BASE_DIR / ".palaestra" / "test")
if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
    _database_url, _redis_url = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
else:
    _servers = ensure_servers(_data_dir, postgres_settings=FAST_SETTINGS, cache_on_disk=False)
    _database_url, _redis_url = _servers.database_url, _servers.redis_url

# Each xdist worker of each run keeps its own key space, as it keeps its own database.
_worker = f"{env.text('PALAESTRA_TEST_SLOT', 'run')}-{env.text('PYTEST_XDIST_WORKER', 'main')}"

SECRET_KEY = "test-only-secret-key-0123456789-0123456789-0123456789"  # noqa: S105  guards nothing
SIGNING_KEY = "test-only-signing-key-0123456789-0123456789"
PLATFORM_BASE_DOMAIN = "palaestra.test"
PLATFORM_HOST = "app.palaestra.test"
PUBLIC_URL_SCHEME = "http"
TENANT_SWITCH_IN_TRANSACTION = True
HOST_CACHE_CHECK_SECONDS = 0.0
BACKGROUND_REST_PERCENT = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": {**DATABASES["default"], **env.database(_database_url)}}
# A server process that a test starts pools its connections as in production; the test's own threads don't.
if env.boolean("PALAESTRA_TEST_POOLED", False):
    DATABASES = {"default": pooled(_database_url)}
CACHES = {"default": cached(_redis_url, KEY_PREFIX=f"test-{_worker}")}
CELERY_BROKER_URL = _redis_url
PLATFORM_QUEUE = CELERY_TASK_DEFAULT_QUEUE = f"test-{_worker}"
WEBHOOK_QUEUE = f"test-{_worker}-webhooks"
TENANT_QUEUE = f"test-{_worker}-tenants"
CELERY_TASK_QUEUES = queues(PLATFORM_QUEUE, WEBHOOK_QUEUE, TENANT_QUEUE)
CELERY_TASK_ROUTES = routes(WEBHOOK_QUEUE)
# How long a worker waits for word of a process that is gone, before it gives its task back.
CELERY_WORKER_LOST_WAIT = 1.0
FAIR_QUEUE_URL = _redis_url
FAIR_QUEUE_PREFIX = f"test-{_worker}:{{fair}}:"
MEDIA_ROOT = _data_dir / f"media-{_worker}"
STORAGES = {
    **STORAGES,
    "archives": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(_data_dir / f"archives-{_worker}")},
    },
}
WHITENOISE_AUTOREFRESH = True
RATE_LIMITS = {
    "caller": 1_000_000,
    "organization": 1_000_000,
    "anonymous": 1_000_000,
    "login_account": 10,
    "login_address": 1_000_000,
}
REST_FRAMEWORK = {**REST_FRAMEWORK}
LOG_FORMAT = "json"
