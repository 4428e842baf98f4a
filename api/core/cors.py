"""Which foreign web pages may call an organization's API from a browser: those its own list names."""

from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest


class OrganizationCorsMiddleware(CorsMiddleware):
    """django-cors-headers, asking the organization of the host instead of one list for all.

    Stands inside OrganizationMiddleware, which says whose host it is; costs no query, since the list comes
    with the cached host. On the platform host only the settings' own list counts. A page whose origin is not
    on the list gets its answer without the headers, and the browser keeps it from the page.
    """

    def is_enabled(self, request: HttpRequest) -> bool:
        """Tell whether the answer may get CORS headers: any answer of the API."""
        return request.path_info.startswith("/api/")

    def check_signal(self, request: HttpRequest) -> bool:
        """Tell whether the organization allows the origin; the library's hook for a decision by request."""
        organization: Any = getattr(request, "organization", None)
        return organization is not None and request.headers.get("origin", "") in organization.cors_origins
