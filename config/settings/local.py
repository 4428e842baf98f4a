"""A developer's machine: with no DATABASE_URL or REDIS_URL the embedded servers start by themselves."""

import os

from config import env
from config.embedded import ensure_servers
from config.logging import logging_settings
from config.settings.base import *  # noqa: F403  settings modules build on each other
from config.settings.base import DATA_DIR, LOG_LEVEL, cached, pooled

if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
    _database_url, _redis_url = env.text("DATABASE_URL"), env.text("REDIS_URL")
else:
    _servers = ensure_servers(DATA_DIR)
    _database_url = env.text("DATABASE_URL", _servers.database_url)
    _redis_url = env.text("REDIS_URL", _servers.redis_url)

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "local-only-secret-key-never-used-in-production-0123456789")
SIGNING_KEY = env.text("SIGNING_KEY", "local-only-signing-key-never-used-in-production")
PUBLIC_URL_SCHEME = env.text("PUBLIC_URL_SCHEME", "http")
PUBLIC_URL_PORT = env.text("PUBLIC_URL_PORT", "8000")
DATABASES = {"default": pooled(_database_url)}
CACHES = {"default": cached(_redis_url)}
CELERY_BROKER_URL = FAIR_QUEUE_URL = _redis_url
LOG_FORMAT = env.text("LOG_FORMAT", "console")
logging_settings(LOG_LEVEL, LOG_FORMAT)
CSRF_TRUSTED_ORIGINS: list[str] = []
