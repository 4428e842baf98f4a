"""Routes both hosts have: health and the API's own documentation."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.views import APIView

from api.core.views import healthz, readyz
from api.openapi.documents import document_json

# The readers bring their scripts and styles along, some of them inline; nothing comes from elsewhere.
READER_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

health = [path("healthz", healthz), path("readyz", readyz)]


def documentation(name: str) -> list[URLPattern]:
    """Return the routes of one host's OpenAPI document and its two readers; none asks for a sign-in.

    Args:
        name: "platform" or "tenant".
    """

    @require_safe
    def openapi(request: HttpRequest) -> HttpResponse:
        return HttpResponse(document_json(name), content_type="application/json")

    return [
        path("api/v1/openapi.json", openapi, name="openapi"),
        path("api/docs/", _reader(SpectacularSwaggerView), name="docs"),
        path("api/redoc/", _reader(SpectacularRedocView), name="redoc"),
    ]


def _reader(view: type[APIView]) -> Callable[..., HttpResponseBase]:
    shown = view.as_view(url_name="openapi", permission_classes=[], authentication_classes=[])

    def read(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = shown(request)
        response["Content-Security-Policy"] = READER_POLICY
        return response

    return read
