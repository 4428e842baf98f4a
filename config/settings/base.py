"""What every environment shares. Values that differ by place are read from the environment here, typed."""

import re
from datetime import timedelta
from pathlib import Path

from celery.schedules import crontab
from kombu import Exchange, Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import env
from config.apps import INSTALLED_APPS as INSTALLED_APPS
from config.apps import SHARED_APPS as SHARED_APPS
from config.apps import TENANT_APPS as TENANT_APPS
from config.logging import logging_settings
from config.settings.billing import *  # noqa: F403  all of them settings
from config.settings.console import UNFOLD as UNFOLD
from config.settings.documents import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.text("PALAESTRA_DATA_DIR", str(BASE_DIR / ".palaestra")))

DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

# --- Hosts -----------------------------------------------------------------------------------
# The platform host serves operators and sign-up; every organization gets <slug>.<base domain>.
PLATFORM_BASE_DOMAIN = env.text("PLATFORM_BASE_DOMAIN", "localhost")
PLATFORM_HOST = env.text("PLATFORM_HOST", f"app.{PLATFORM_BASE_DOMAIN}")
PUBLIC_URL_SCHEME = env.text("PUBLIC_URL_SCHEME", "https")
PUBLIC_URL_PORT = env.text("PUBLIC_URL_PORT", "0")  # 0: the scheme's own port, left out of links
# Host names are checked against the registry of domains by tenants.middleware, which answers 404 to
# any other; Django's own list cannot know customers' domains.
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False

ROOT_URLCONF = "api.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "api.urls_public"
WSGI_APPLICATION = "config.wsgi.application"

# The slug of the one organization of an installation that serves a single company or creator at its base
# domain itself; empty for the platform with a subdomain for each. The code is the same in both.
SINGLE_ORGANIZATION = env.text("SINGLE_ORGANIZATION", "")

# --- Tenancy ---------------------------------------------------------------------------------
TENANT_MODEL = "tenants.Organization"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
# The role every tenant role inherits the shared tables' rights from.
TENANT_GROUP_ROLE = env.text("TENANT_GROUP_ROLE", "palaestra_tenant")
# The database is a Citus cluster: organizations' schemas stand on its nodes (docs/operators/citus.md).
DATABASE_CITUS = env.boolean("DATABASE_CITUS", False)
# Switching tenant inside an open transaction is refused; only the test settings, whose tests run in
# a transaction that is rolled back, allow it.
TENANT_SWITCH_IN_TRANSACTION = False
HOST_CACHE_SECONDS = env.integer("HOST_CACHE_SECONDS", 30)
HOST_CACHE_CHECK_SECONDS = 1.0
# Ready schemas at least and at most; how many there are in between follows demand (tenants.selectors.pool).
READY_SCHEMAS_TARGET = env.integer("READY_SCHEMAS_TARGET", 5)
# How long building and migrating rest after each schema, in percent of the time it took.
BACKGROUND_REST_PERCENT = env.integer("BACKGROUND_REST_PERCENT", 100)
MIGRATION_WORKERS = env.integer("MIGRATION_WORKERS", 2)
MIGRATION_CANARIES = env.words("MIGRATION_CANARIES", "")
READY_SCHEMAS_MOST = env.integer("READY_SCHEMAS_MOST", 50)
# Workers that build for the pool at once, however many there are.
READY_SCHEMAS_BUILDERS = env.integer("READY_SCHEMAS_BUILDERS", 2)
# Signs what must be checked outside the platform: archives, receipts, evidence.
SIGNING_KEY = env.text("SIGNING_KEY", "")
# Public keys of other installations whose archives may be imported here, besides our own.
ARCHIVE_TRUSTED_KEYS = env.words("ARCHIVE_TRUSTED_KEYS", "")
ARCHIVE_LIFETIME = timedelta(days=env.integer("ARCHIVE_LIFETIME_DAYS", 7))
RELEASED_NAME_QUARANTINE = timedelta(days=env.integer("RELEASED_NAME_QUARANTINE_DAYS", 180))
# How long the host of a former subdomain redirects to the present one.
RENAMED_HOST_LIFETIME = timedelta(days=env.integer("RENAMED_HOST_DAYS", 90))
# How long a deleted organization can be kept after all.
ORGANIZATION_GRACE_DAYS = env.integer("ORGANIZATION_GRACE_DAYS", 30)
# What goes on in an organization that is suspended for writing: signing in and out, by which people read,
# taking rights away from sign-ins and tokens, and exporting one's data, which changes none of it.
READ_ONLY_WRITES = [
    (method, re.compile(f"/api/v1/{path}"))
    for method, path in (
        ("POST", "auth/sign-in"),
        ("POST", "auth/refresh"),
        ("POST", "auth/sign-out"),
        ("POST", "auth/sign-out-everywhere"),
        ("POST", "auth/password"),
        ("POST", "auth/password-reset"),
        ("POST", "auth/password-reset/confirm"),
        ("POST", "auth/email-verification"),
        ("POST", "auth/email-verification/resend"),
        ("DELETE", "auth/sign-ins/[0-9a-f-]+"),
        ("DELETE", "auth/tokens/[0-9a-f-]+"),
        ("POST", "archives"),
    )
]
# Custom domains: where their owners point them, who is asked for the proof ("host:port", none: as the
# machine's resolv.conf says), how often, and how long a domain outlives its proof.
CUSTOM_DOMAIN_TARGET = env.text("CUSTOM_DOMAIN_TARGET", "")  # empty: the platform host
DNS_RESOLVERS = env.words("DNS_RESOLVERS", "")
DNS_TIMEOUT_SECONDS = 5.0
DOMAIN_CHECK_PAUSE = timedelta(seconds=10)
DOMAIN_RECHECK_EVERY = timedelta(hours=env.integer("DOMAIN_RECHECK_HOURS", 6))
DOMAIN_GRACE = timedelta(days=env.integer("DOMAIN_GRACE_DAYS", 7))
DOMAIN_CLAIM_LIFETIME = timedelta(days=14)
# How long the archive of a deleted organization is kept beyond its grace.
LAST_ARCHIVE_LIFETIME = timedelta(days=env.integer("LAST_ARCHIVE_DAYS", 30))
# How long one entry of an operator into an organization lasts.
SUPPORT_ENTRY_LIFETIME = timedelta(minutes=15)

# What stands between this process and PostgreSQL: nothing, or a pooler that gives each connection a session
# of its own; or one that gives each transaction another (docs/operators/connections.md).
DATABASE_ENGINE = env.choice(
    "DATABASE_POOLING",
    "session",
    {"session": "tenants.postgresql", "transaction": "tenants.postgresql.transactional"},
)
DATABASES = {
    "default": {
        "ENGINE": DATABASE_ENGINE,
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
}


def pooled(url: str) -> dict[str, object]:
    """Return the default database for a URL, with the process's connection pool.

    - min_size 1: a process that serves nobody keeps one backend, not eight.
    - max_size: a thread uses one connection at a time, so more than the threads of a process are never used,
      and fewer make requests wait for each other, `timeout` at most: then the request is refused (503), not
      hung.
    - max_lifetime bounds the relation cache a backend gathers while it visits tenants (0.25 MB for each
      tenant of 8 tables, never given back before the connection ends).
    - max_idle gives the connections of a busy hour back.
    - num_workers: threads that open connections; one more, so that an attempt that hangs stops no other.
    - no `check`: the backend looks at each connection it takes, which costs no message of its own.
    - the keepalives find a server that vanished without a word: else a thread waits on it for ever.
    """
    parsed = env.database(url)
    options = parsed.pop("OPTIONS")
    assert isinstance(options, dict)  # noqa: S101  tells the type checker what env.database returns
    options["pool"] = {
        "min_size": env.integer("DB_POOL_MIN", 1),
        "max_size": env.integer("DB_POOL_MAX", 8),
        "max_lifetime": env.integer("DB_POOL_MAX_LIFETIME_SECONDS", 1800),
        "max_idle": env.integer("DB_POOL_MAX_IDLE_SECONDS", 300),
        "timeout": env.integer("DB_POOL_TIMEOUT_SECONDS", 3),
        "num_workers": 2,
    }
    waits = {
        "connect_timeout": "5",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
    }
    return {**DATABASES["default"], **parsed, "OPTIONS": {**waits, **options}}


def cached(url: str, **more: object) -> dict[str, object]:
    """Return the default cache for a URL.

    What the cache does for a request (limits, news of the registry) is worth half a second of waiting at
    most: a server that hangs, by default 5 s for each call, would hold every thread of every process.
    """
    waits = env.integer("CACHE_TIMEOUT_MILLISECONDS", 500) / 1000
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_FUNCTION": "tenants.cache.organization_key",
        "OPTIONS": {
            "socket_timeout": waits,
            "socket_connect_timeout": waits,
            "retry": Retry(NoBackoff(), 0),
        },
        **more,
    }


# --- People and sign-in ----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["shared_apps.accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
INVITATION_LIFETIME = timedelta(days=7)

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_PREVENT_ENUMERATION = True

# Object rights: guardian with direct foreign-key models only. Its generic tables point into public
# and are never made; a model without its own permission table is an error, not a generic row.
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
ANONYMOUS_USER_NAME = None
MIGRATION_MODULES = {"guardian": None}
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # guardian's backend is asked through policies, never through user.has_perm
    "staticfiles.W004",  # the collected folder appears with `collectstatic`
]

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "palaestra_session"
SESSION_COOKIE_DOMAIN = None  # host-only: a cookie on the parent domain would be every tenant's cookie
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
CSRF_COOKIE_NAME = "palaestra_csrf"
CSRF_COOKIE_DOMAIN = None
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "api.core.views.csrf_failure"

# --- Requests --------------------------------------------------------------------------------
MIDDLEWARE = [
    "api.core.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.OrganizationMiddleware",
    "api.core.cors.OrganizationCorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
MAX_ROSTER_BYTES = 20 * 1024 * 1024
MAX_ROSTER_ROWS = 50_000
MAX_MEDIA_BYTES = 50 * 1024 * 1024

STATIC_URL = "/static/"
# Static files are served from the installed packages; a folder is only needed for `collectstatic`.
STATIC_ROOT = env.text("STATIC_ROOT", "") or None
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(DATA_DIR / "media")))
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "tenants.storage.OrganizationFileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Exports of organizations, apart from their files: the last one outlives them for a while.
    "archives": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.text("ARCHIVE_ROOT", str(DATA_DIR / "archives")),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

# --- API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.core.authentication.BearerAuthentication",
        "api.core.authentication.OrganizationSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api.core.permissions.DeclaredPolicy"],
    "DEFAULT_RENDERER_CLASSES": ["api.core.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.core.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "api.core.schema.PalaestraSchema",
    "DEFAULT_THROTTLE_CLASSES": ["api.core.throttling.CallerThrottle"],
    "EXCEPTION_HANDLER": "api.core.errors.problem_handler",
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_METADATA_CLASS": None,  # what an operation takes stands in the OpenAPI document
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is nobody's parameter here; Accept chooses
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "NUM_PROXIES": env.integer("NUM_PROXIES", 0),
}
# Requests in each 60 s window.
RATE_LIMITS = {
    "caller": env.integer("RATE_LIMIT_CALLER", 1200),
    "organization": env.integer("RATE_LIMIT_ORGANIZATION", 60_000),
    "anonymous": env.integer("RATE_LIMIT_ANONYMOUS", 120),
    "login_account": 10,
    "login_address": 60,
}
# For the platform host and every organization; each organization has its own list besides.
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", "")
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "sign-up-secret",
    "x-csrftoken",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Idempotency-Replayed",
)
EMBED_ALLOWED_HOSTS = env.words("EMBED_ALLOWED_HOSTS", "")

# --- Mail ------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.integer("EMAIL_PORT", 1025)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Palaestra <no-reply@palaestra.example>")

# --- Jobs ------------------------------------------------------------------------------------
# The platform's own tasks (sweeps, mail) never stand behind an organization's: a queue for each, and the
# organizations' work waits in the fair queue, of which their queue carries only tickets.
PLATFORM_QUEUE = "platform"
# What gateways tell: a payment's effect waits for no mail and no sweep.
WEBHOOK_QUEUE = "webhooks"
TENANT_QUEUE = "tenants"
FAIR_QUEUE_PREFIX = "{fair}:"
# Slots, of all workers' together, that no single organization may hold, however much it has waiting.
FAIR_QUEUE_RESERVED_SLOTS = env.integer("FAIR_QUEUE_RESERVED_SLOTS", 1)


def queues(*names: str) -> list[Queue]:
    """Return the queues a worker takes from when its command names none."""
    return [Queue(name, Exchange(name, type="direct"), routing_key=name) for name in names]


CELERY_TASK_DEFAULT_QUEUE = PLATFORM_QUEUE
CELERY_TASK_QUEUES = queues(PLATFORM_QUEUE, WEBHOOK_QUEUE, TENANT_QUEUE)


def routes(webhooks: str) -> dict[str, dict[str, str]]:
    """Return which tasks go elsewhere than to the platform's queue."""
    return {"billing.process_event": {"queue": webhooks}}


CELERY_TASK_ROUTES = routes(WEBHOOK_QUEUE)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# How long what is over is kept. Mails of a day are counted from delivered messages until the day after.
KEEP_DELIVERED_MESSAGES = timedelta(days=max(3, env.integer("KEEP_DELIVERED_MESSAGES_DAYS", 30)))
KEEP_FINISHED_JOBS = timedelta(days=env.integer("KEEP_FINISHED_JOBS_DAYS", 90))
KEEP_SIGN_INS = timedelta(days=env.integer("KEEP_SIGN_INS_DAYS", 90))
CELERY_BEAT_SCHEDULE = {
    "outbox-sweep": {"task": "outbox.relay", "schedule": 5.0},
    "fair-queue-sweep": {"task": "tenants.sweep_fair_queue", "schedule": 10.0},
    "schemas-refill": {"task": "tenants.refill_ready_schemas", "schedule": 20.0},
    "tenants-migrate-late": {"task": "tenants.migrate_latecomers", "schedule": 60.0},
    "organizations-resume": {"task": "onboarding.resume_provisioning", "schedule": 30.0},
    "organizations-offboard": {"task": "onboarding.continue_offboarding", "schedule": 30.0},
    "domains-check": {"task": "onboarding.check_domains", "schedule": 300.0},
    "sign-ups-sweep": {"task": "onboarding.sweep_sign_ups", "schedule": 30.0},
    "sign-ups-prune": {"task": "onboarding.prune_sign_ups", "schedule": crontab(minute=27)},
    "timers-tick": {"task": "usage.tick", "schedule": 60.0},
    "usage-flush": {"task": "usage.flush", "schedule": 60.0},
    "usage-mails": {"task": "usage.count_mails", "schedule": 900.0},
    "gateway-sweep": {"task": "billing.sweep_events", "schedule": 30.0},
    "gateway-changes": {"task": "billing.resend_changes", "schedule": 30.0},
    "gateway-checkouts": {"task": "billing.sweep_checkouts", "schedule": 60.0},
    "gateway-refunds": {"task": "billing.resend_refunds", "schedule": 30.0},
    "seats-grow": {"task": "billing.settle_growth", "schedule": 30.0},
    "seats-tell": {"task": "billing.tell_seat_use", "schedule": 600.0},
    "gateway-gaps": {"task": "billing.fill_gaps", "schedule": 3600.0},
    "gateway-prune": {"task": "billing.forget_events", "schedule": crontab(minute=57)},
    "gateway-reconcile": {"task": "billing.reconcile", "schedule": crontab(hour=3, minute=17)},
    "dunning": {"task": "billing.run_dunning", "schedule": 60.0},
    "kept-seats-end": {"task": "billing.end_kept_seats", "schedule": crontab(minute=27)},
    "seats-statements": {"task": "billing.order_statements", "schedule": crontab(minute=57)},
    "seats-audit": {"task": "billing.audit_seats", "schedule": crontab(hour=2, minute=57)},
    "jobs-restart": {"task": "jobs.restart_lost", "schedule": 30.0},
    # Not all at once: each at its own minute of the hour.
    "idempotency-forget": {"task": "idempotency.forget_old", "schedule": crontab(minute=7)},
    "outbox-prune": {"task": "outbox.prune", "schedule": crontab(minute=17)},
    "jobs-prune": {"task": "jobs.prune", "schedule": crontab(minute=37)},
    "accounts-prune": {"task": "accounts.prune", "schedule": crontab(minute=47)},
    "archives-expire": {"task": "archives.remove_expired", "schedule": 3600.0},
}
# A bell nobody heard is void: the next stands for it. Else a night without workers of the platform leaves
# 50,000. Minutes at least, since the clocks of beat and worker may differ.
for _bell in CELERY_BEAT_SCHEDULE.values():
    _every = _bell["schedule"]
    # By the clock: each hour, or each day.
    _is_daily = len(getattr(_every, "hour", ())) == 1
    _apart = _every if isinstance(_every, float) else 86_400.0 if _is_daily else 3600.0
    _bell["options"] = {"expires": max(300.0, _apart)}

LOGGING_CONFIG = None
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOG_FORMAT = env.text("LOG_FORMAT", "json")
logging_settings(LOG_LEVEL, LOG_FORMAT)


# How a refused host is answered; by name, since tenants knows nothing of the API above it.
REFUSAL_VIEW = "api.core.views.refuse"
