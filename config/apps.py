"""Which Django app lives in which schema. Each app is in exactly one list (tests/architecture proves it)."""

SHARED_APPS = [
    "tenants",
    "shared_apps.accounts",
    "shared_apps.audit",
    "shared_apps.outbox",
    "shared_apps.jobs",
    "shared_apps.idempotency",
    "shared_apps.usage",
    "shared_apps.onboarding",
    "shared_apps.archives",
    "billing",
    "django_tenants",
    "unfold",
    "django.contrib.admin",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

TENANT_APPS = [
    "tenant_apps.people",
    "tenant_apps.media",
    "tenant_apps.courses",
    "tenant_apps.runs",
    "tenant_apps.learning",
    "tenant_apps.paths",
    "tenant_apps.cohorts",
    "tenant_apps.rosters",
    # Last, so that its tables could never be made before ours; its generic tables are switched off
    # in MIGRATION_MODULES: object rights live in each app's own direct-key model.
    "guardian",
]

INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
