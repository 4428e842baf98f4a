"""Production: no secret has a default, plain HTTP is redirected, cookies travel only over TLS."""

from config import env
from config.settings.base import *  # noqa: F403  settings modules build on each other
from config.settings.base import REST_FRAMEWORK, cached, pooled

SECRET_KEY = env.text("SECRET_KEY")
SIGNING_KEY = env.text("SIGNING_KEY")
PLATFORM_BASE_DOMAIN = env.text("PLATFORM_BASE_DOMAIN")
PLATFORM_HOST = env.text("PLATFORM_HOST", f"app.{PLATFORM_BASE_DOMAIN}")
DATABASES = {"default": pooled(env.text("DATABASE_URL"))}
REDIS_URL = env.text("REDIS_URL")
CACHES = {"default": cached(REDIS_URL)}
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL)
FAIR_QUEUE_URL = env.text("FAIR_QUEUE_URL", REDIS_URL)
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587)
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", True)
# How many proxies stand before the web process: with too few, everybody shares the proxy's address and its
# budget; with too many, callers choose their own. So it has to be said.
REST_FRAMEWORK = {**REST_FRAMEWORK, "NUM_PROXIES": env.integer("NUM_PROXIES")}
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
# Health checks come from inside, over plain HTTP and by address.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-palaestra_session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-palaestra_csrf"
