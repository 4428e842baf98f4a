"""Routes both hosts have: health and the API's own documentation."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from api.core.views import healthz, readyz
from api.openapi.documents import document_json

health = [path("healthz", healthz), path("readyz", readyz)]


def documentation(name: str) -> list[URLPattern]:
    """Return the routes of one host's OpenAPI document and its two readers; none asks for a sign-in.

    Args:
        name: "platform" or "tenant".
    """

    @require_safe
    def openapi(request: HttpRequest) -> HttpResponse:
        return HttpResponse(document_json(name), content_type="application/json")

    open_to_all = {"url_name": "openapi", "permission_classes": [], "authentication_classes": []}
    return [
        path("api/v1/openapi.json", openapi, name="openapi"),
        path("api/docs/", SpectacularSwaggerView.as_view(**open_to_all), name="docs"),
        path("api/redoc/", SpectacularRedocView.as_view(**open_to_all), name="redoc"),
    ]
