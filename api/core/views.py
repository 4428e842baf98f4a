"""Plain views and refusals that stand outside DRF: health, unknown paths, faults."""

import sys

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from api.core.errors import PROBLEM_TYPE, django_problem, is_database_away, problem
from api.core.renderers import to_json
from shared_apps.core.errors import DomainError, Forbidden, Kind, NotFound
from tenants.cache import PLATFORM_PREFIX


class CsrfFailed(Forbidden):
    """A cookie session without its CSRF token, or from a foreign origin."""

    code = "csrf_failed"
    title = "The request could not be tied to your session."
    advice = "Send the value of the CSRF cookie as X-CSRFToken, from the same origin; GET auth/csrf sets it."


class DatabaseAway(DomainError):
    """The database cannot be reached for the moment."""

    code = "unavailable"
    kind = Kind.UNAVAILABLE
    title = "The service is not available for a moment."
    advice = "Send the request again in a few seconds."


def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer a refusal of the tenant middleware."""
    return django_problem(request, error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a failed CSRF check of a plain view."""
    return django_problem(request, CsrfFailed(reason=reason))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path that no route takes."""
    return django_problem(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault. The request id in the answer finds the traceback in the log.

    A lost database is no fault of ours to tell about, wherever it was noticed: it comes back.
    """
    error = sys.exc_info()[1]
    if error is not None and is_database_away(error):
        return django_problem(request, DatabaseAway(retry_after_seconds=2))
    document = problem(
        code="internal_error",
        title="Something went wrong on our side.",
        status_code=500,
        advice="Try again; if it stays, tell support the request_id.",
        instance=request.path,
    )
    return HttpResponse(to_json(document), status=500, content_type=PROBLEM_TYPE)


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process answers; touches nothing else."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the process can serve, so a balancer sends traffic only where it can.

    The database decides. Without the cache requests are served, unlimited and a little slower: reported, but
    no reason to take every process out at once.
    """
    checks = {"database": _database_answers(), "cache": _cache_answers()}
    status = "ready" if all(checks.values()) else "degraded" if checks["database"] else "not_ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if checks["database"] else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tenants_organization LIMIT 1")
    except Exception:  # noqa: BLE001  whatever it is, this process cannot serve
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.get(f"{PLATFORM_PREFIX}ready")
    except (RedisError, OSError):
        return False
    return bool(settings.CACHES)
