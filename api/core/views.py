"""Plain views and refusals that stand outside DRF: health, unknown paths, faults."""

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from api.core.errors import PROBLEM_TYPE, django_problem, problem
from api.core.renderers import to_json
from shared_apps.core.errors import DomainError, Forbidden, NotFound
from tenants.cache import PLATFORM_PREFIX


class CsrfFailed(Forbidden):
    """A cookie session without its CSRF token, or from a foreign origin."""

    code = "csrf_failed"
    title = "The request could not be tied to your session."
    advice = "Send the value of the CSRF cookie as X-CSRFToken, from the same origin; GET auth/csrf sets it."


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
    """Answer a fault. The request id in the answer finds the traceback in the log."""
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
    """Say whether database and cache answer, so a balancer sends traffic only where it can be served."""
    checks = {"database": _database_answers(), "cache": _cache_answers()}
    ready = all(checks.values())
    body = {"status": "ready" if ready else "not_ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


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
