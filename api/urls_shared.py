"""Routes both hosts have: health and the API's own documentation."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from api.core.views import healthz, readyz

health = [path("healthz", healthz), path("readyz", readyz)]


def documentation(urlconf: str, title: str) -> list[URLPattern]:
    """Return the routes of one host's OpenAPI document and its two readers.

    Args:
        urlconf: module whose operations the document lists.
        title: heading of the document.
    """
    settings = {"TITLE": title}
    return [
        path(
            "api/v1/openapi.json",
            SpectacularAPIView.as_view(urlconf=urlconf, custom_settings=settings, permission_classes=[]),
            name="openapi",
        ),
        path(
            "api/docs/",
            SpectacularSwaggerView.as_view(url_name="openapi", permission_classes=[]),
            name="docs",
        ),
        path(
            "api/redoc/",
            SpectacularRedocView.as_view(url_name="openapi", permission_classes=[]),
            name="redoc",
        ),
    ]
