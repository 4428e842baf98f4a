"""Every refusal in one shape: RFC 9457 problem JSON with a stable code and, where there is one, the field."""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from psycopg import errors as postgres
from rest_framework import exceptions, status
from rest_framework.response import Response

from api.core.refusals import record_refused_write
from api.core.renderers import to_json
from api.core.why import why_address
from shared_apps.core.errors import DomainError, Kind

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"

# Nothing was written, and the same request may well succeed in a second.
_BUSY = (postgres.LockNotAvailable, postgres.DeadlockDetected)

STATUS_OF_KIND: Mapping[Kind, int] = {
    Kind.INVALID: status.HTTP_400_BAD_REQUEST,
    Kind.UNAUTHENTICATED: status.HTTP_401_UNAUTHORIZED,
    Kind.PAYMENT: status.HTTP_402_PAYMENT_REQUIRED,
    Kind.FORBIDDEN: status.HTTP_403_FORBIDDEN,
    Kind.NOT_FOUND: status.HTTP_404_NOT_FOUND,
    Kind.CONFLICT: status.HTTP_409_CONFLICT,
    Kind.GONE: status.HTTP_410_GONE,
    Kind.PRECONDITION: status.HTTP_412_PRECONDITION_FAILED,
    Kind.PRECONDITION_REQUIRED: status.HTTP_428_PRECONDITION_REQUIRED,
    Kind.TOO_LARGE: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    Kind.UNSUPPORTED: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    Kind.THROTTLED: status.HTTP_429_TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: status.HTTP_503_SERVICE_UNAVAILABLE,
}

# (code, title, advice) of refusals that the framework makes before the domain is asked.
_OF_FRAMEWORK: list[tuple[type[Exception], str, str, str]] = [
    (exceptions.ParseError, "malformed_body", "The body could not be read.", "Send valid JSON in UTF-8."),
    (
        exceptions.NotAuthenticated,
        "not_authenticated",
        "Sign in first.",
        "Send a bearer token made for this host.",
    ),
    (
        exceptions.AuthenticationFailed,
        "not_authenticated",
        "The sign-in is not valid here.",
        "Sign in again.",
    ),
    (exceptions.PermissionDenied, "forbidden", "You may not do this.", "Ask an administrator for the right."),
    (exceptions.NotFound, "not_found", "There is nothing here.", "Check the address and the id."),
    (
        exceptions.MethodNotAllowed,
        "method_not_allowed",
        "This address does not take the method.",
        "See `Allow`.",
    ),
    (exceptions.NotAcceptable, "not_acceptable", "No such format.", "Accept application/json."),
    (
        exceptions.UnsupportedMediaType,
        "unsupported_media_type",
        "The body's media type is not taken here.",
        "Send the Content-Type that the API document names for this operation.",
    ),
    (exceptions.Throttled, "rate_limited", "Too many requests.", "Wait the seconds that Retry-After names."),
]


def problem(
    *, code: str, title: str, status_code: int, advice: str = "", instance: str = "", **more: Any
) -> dict[str, Any]:
    """Return the members of one problem document."""
    document: dict[str, Any] = {
        "type": f"urn:palaestra:problem:{code}",
        "title": title,
        "status": status_code,
        "code": code,
    }
    if advice:
        document["detail"] = advice
    if instance:
        document["instance"] = instance
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        document["request_id"] = request_id
    document.update(more)
    return document


def problem_of(error: DomainError, instance: str = "") -> dict[str, Any]:
    """Return the problem document of a domain error; its facts become members beside the standard ones."""
    more: dict[str, Any] = {"facts": error.facts} if error.facts else {}
    if error.field:
        more["errors"] = [{"field": error.field, "code": error.code, "message": error.title}]
    return problem(
        code=error.code,
        title=error.title,
        status_code=STATUS_OF_KIND[error.kind],
        advice=error.advice,
        instance=instance,
        **more,
    )


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the response for an expected refusal, None for a fault (a 500)."""
    request = context.get("request")
    instance = request.path if request is not None else ""
    record_refused_write(error, request, context.get("view"))
    document, headers = _document_of(error, instance)
    if document is None:
        return None
    if document["status"] == status.HTTP_403_FORBIDDEN and request is not None:
        why = why_address(request.path, request.method or "", document.get("facts", {}))
        if why is not None:
            document["why"] = why
    response = Response(document, status=document["status"], headers=headers, content_type=PROBLEM_TYPE)
    response.exception = True
    return response


def django_problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the problem response for code outside DRF (middleware, plain views)."""
    document = problem_of(error, request.path)
    response = HttpResponse(to_json(document), status=document["status"], content_type=PROBLEM_TYPE)
    for name, value in _headers_of(error).items():
        response[name] = value
    return response


def _document_of(error: Exception, instance: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
    if isinstance(error, DomainError):
        return problem_of(error, instance), _headers_of(error)
    if isinstance(error, exceptions.ValidationError):
        return (
            problem(
                code="invalid_input",
                title="Some fields were not accepted.",
                status_code=400,
                advice="Correct the fields named in `errors` and send the request again.",
                instance=instance,
                errors=list(_field_errors(error.get_full_details())),
            ),
            {},
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        return problem(
            code="too_large", title="The body is too large.", status_code=413, instance=instance
        ), {}
    elif isinstance(error, OperationalError) and isinstance(error.__cause__, _BUSY):
        busy = problem(
            code="busy", title="Somebody else is changing this.", status_code=503, instance=instance
        )
        return busy, {"Retry-After": "1"}
    elif isinstance(error, IntegrityError) and isinstance(error.__cause__, postgres.UniqueViolation):
        # Two requests made the same thing at once and a constraint let one through; where a service knows
        # what that means it says so itself, and this is the last word for those that don't.
        log.warning("unique_violation", constraint=error.__cause__.diag.constraint_name)
        taken = problem(
            code="changed_meanwhile",
            title="Somebody else made the same at this very moment.",
            status_code=409,
            advice="Read what is there now, and send the request again if it is still wanted.",
            instance=instance,
        )
        return taken, {}
    elif isinstance(error, IntegrityError) and isinstance(error.__cause__, postgres.ForeignKeyViolation):
        # One request hung something on a row that another deleted, and both were right when they looked.
        log.warning("foreign_key_violation", constraint=error.__cause__.diag.constraint_name)
        gone = problem(
            code="changed_meanwhile",
            title="Somebody else deleted what this belongs to, or added to it, at this very moment.",
            status_code=409,
            advice="Read what is there now, and send the request again if it is still wanted.",
            instance=instance,
        )
        return gone, {}
    elif is_database_away(error):
        log.error("database_away", exc_info=error)
        away = problem(
            code="unavailable",
            title="The service is not available for a moment.",
            status_code=503,
            advice="Send the request again in a few seconds.",
            instance=instance,
        )
        return away, {"Retry-After": "2"}
    for kind, code, title, advice in _OF_FRAMEWORK:
        if isinstance(error, kind) and isinstance(error, exceptions.APIException):
            headers = {}
            wait = getattr(error, "wait", None)  # only a throttle's refusal has it, in seconds
            if wait is not None:
                headers["Retry-After"] = str(max(1, int(wait)))
            if error.status_code == status.HTTP_401_UNAUTHORIZED:
                headers["WWW-Authenticate"] = 'Bearer realm="palaestra"'
            found = problem(
                code=code, title=title, status_code=error.status_code, advice=advice, instance=instance
            )
            return found, headers
    return None, {}


def is_database_away(error: BaseException) -> bool:
    """Tell whether the connection was lost or could not be had: a restart, a failover, an exhausted pool.

    Errors of the driver itself carry no SQLSTATE; classes 08 and 57P say the same from the server.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def _headers_of(error: DomainError) -> dict[str, str]:
    headers = {}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="palaestra"'
    if "retry_after_seconds" in error.facts:
        headers["Retry-After"] = str(error.facts["retry_after_seconds"])
    return headers


def _field_errors(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details to one entry per message, with a dotted path to the field."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": path or "body", "code": str(details["code"]), "message": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            own = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _field_errors(inner, own)
    elif isinstance(details, list):
        for position, inner in enumerate(details):
            is_message = isinstance(inner, dict) and set(inner) == {"message", "code"}
            yield from _field_errors(inner, path if is_message else f"{path}[{position}]")
