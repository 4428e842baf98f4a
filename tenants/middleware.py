"""Host -> organization, and the organization's schema around the rest of the request."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import set_urlconf
from django.utils.module_loading import import_string

from shared_apps.core.errors import DomainError
from tenants.context import in_organization, in_public
from tenants.enums import OPEN_STATES, OrganizationState
from tenants.errors import HostNotFound, OrganizationNotReady, OrganizationSuspended
from tenants.scope import OrganizationRef
from tenants.selectors.hosts import find_organization
from tenants.selectors.levels import check_level

HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


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
        if request.path in HEALTH_PATHS or host == settings.PLATFORM_HOST:
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
    """Return the organization if its host may answer.

    Raises:
        HostNotFound: unknown, being deleted or deleted: all look the same from outside.
        OrganizationNotReady: still provisioning.
        OrganizationBehind: its schema lacks migrations that this code needs.
        OrganizationSuspended: suspended by an operator.
    """
    if organization is None:
        raise HostNotFound
    if organization.state in OPEN_STATES:
        check_level(organization)
        return organization
    if organization.state == OrganizationState.PROVISIONING:
        raise OrganizationNotReady(retry_after_seconds=5)
    if organization.state == OrganizationState.SUSPENDED:
        raise OrganizationSuspended(reason=organization.state_reason)
    raise HostNotFound
