"""Host -> organization, and the organization's schema around the rest of the request."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import set_urlconf
from django.utils.module_loading import import_string

from shared_apps.core.errors import DomainError
from tenants.context import in_organization, in_public
from tenants.enums import OPEN_STATES, OrganizationState, Suspension
from tenants.errors import (
    HostNotFound,
    OrganizationClosing,
    OrganizationMoved,
    OrganizationNotReady,
    OrganizationReadOnly,
    OrganizationSuspended,
)
from tenants.links import public_url
from tenants.scope import OrganizationRef
from tenants.selectors.hosts import find_new_host, find_organization
from tenants.selectors.levels import check_level

# Answered at every host and by address: the balancer and the proxy ask there.
PLATFORM_PATHS = frozenset({"/healthz", "/readyz", "/tls/ask"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Browsers keep a permanent redirect for good unless they are told otherwise, and names come free again.
_REDIRECT_KEPT_SECONDS = 86_400


class OrganizationMiddleware:
    """Enter the organization that answers at the request's host; refuse every other host alike.

    X-Forwarded-Host is not believed (USE_X_FORWARDED_HOST is off): a proxy passes the real Host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.refuse: Callable[[HttpRequest, DomainError], HttpResponse] = import_string(settings.REFUSAL_VIEW)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            host = request.get_host().rsplit(":", 1)[0].rstrip(".").lower()
        except DisallowedHost:
            host = ""
        if request.path in PLATFORM_PATHS or host == settings.PLATFORM_HOST:
            return self._on_platform(request)
        return self._on_tenant(request, host)

    def _on_platform(self, request: HttpRequest) -> HttpResponse:
        self._route(request, settings.PUBLIC_SCHEMA_URLCONF)
        request.organization = None  # type: ignore[attr-defined]
        with in_public():
            return self.get_response(request)

    def _on_tenant(self, request: HttpRequest, host: str) -> HttpResponse:
        organization = find_organization(host)
        try:
            organization = check_open(organization)
            check_writable(organization, request.method or "", request.path)
            moved_to = find_new_host(host)
            if moved_to:
                return _redirect(request, moved_to)
        except DomainError as error:
            return self.refuse(request, error)
        self._route(request, settings.ROOT_URLCONF)
        request.organization = organization  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(organization=str(organization.id))
        with in_organization(organization):
            return self.get_response(request)

    @staticmethod
    def _route(request: HttpRequest, urlconf: str) -> None:
        request.urlconf = urlconf
        set_urlconf(urlconf)


def check_open(organization: OrganizationRef | None) -> OrganizationRef:
    """Return the organization if its host may answer; one suspended for writing may, to readers.

    Raises:
        HostNotFound: unknown, being deleted or deleted: all look the same from outside.
        OrganizationNotReady: still provisioning.
        OrganizationBehind: its schema lacks migrations that this code needs.
        OrganizationSuspended: suspended by an operator.
        OrganizationClosing: to be deleted, and kept for a while.
    """
    if organization is None:
        raise HostNotFound
    if organization.state in OPEN_STATES or _is_readable(organization):
        check_level(organization)
        return organization
    if organization.state == OrganizationState.PROVISIONING:
        raise OrganizationNotReady(retry_after_seconds=5)
    if organization.state == OrganizationState.SUSPENDED:
        raise OrganizationSuspended(reason=organization.state_reason)
    if organization.state == OrganizationState.CLOSING:
        end = organization.delete_after
        raise OrganizationClosing(delete_after=end.isoformat() if end else None)
    raise HostNotFound


def check_writable(organization: OrganizationRef, method: str, path: str) -> None:
    """Refuse what would change something in an organization that is suspended for writing.

    Signing in and out, and whatever else READ_ONLY_WRITES lists, goes on: without it nobody could read.

    Raises:
        OrganizationReadOnly: an unsafe method on any other path.
    """
    if not _is_readable(organization) or method in SAFE_METHODS:
        return
    if any(method == allowed and pattern.fullmatch(path) for allowed, pattern in settings.READ_ONLY_WRITES):
        return
    raise OrganizationReadOnly(reason=organization.state_reason)


def _is_readable(organization: OrganizationRef) -> bool:
    return (
        organization.state == OrganizationState.SUSPENDED and organization.suspension == Suspension.READ_ONLY
    )


def _redirect(request: HttpRequest, host: str) -> HttpResponse:
    """Send readers of a former host to the present one, with path and query.

    Raises:
        OrganizationMoved: the request would change something.
    """
    if request.method not in {"GET", "HEAD"}:
        raise OrganizationMoved(host=host)
    response = HttpResponsePermanentRedirect(public_url(host, request.get_full_path()), preserve_request=True)
    response["Cache-Control"] = f"max-age={_REDIRECT_KEPT_SECONDS}"
    return response
