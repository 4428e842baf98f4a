"""Settings of the bare reference: the same database server and pool, no middleware, no sign-in, no log."""

import os

from config import env

SECRET_KEY = "bare-reference-only"  # noqa: S105  signs nothing
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "rest_framework", "benchmarks.bare"]
ROOT_URLCONF = "benchmarks.bare.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_parsed = env.database(os.environ["DATABASE_URL"])
_options = _parsed.pop("OPTIONS")
assert isinstance(_options, dict)  # noqa: S101  env.database makes it
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **_parsed,
        "OPTIONS": {
            **_options,
            "options": "-c search_path=bare",
            "pool": {"min_size": 1, "max_size": 8, "timeout": 10},
        },
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
