"""Routes with leaks planted in them, to prove that the isolation walk finds such."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from tenant_apps.courses.models import Course
from tenants.context import in_organization, in_public
from tenants.models import Organization


def _acme_courses() -> list[str]:
    with in_public():
        acme = Organization.objects.get(slug="acme")
    with in_organization(acme):
        return list(Course.objects.values_list("title", flat=True))


def leaky_list(request: HttpRequest) -> HttpResponse:
    """Answer Acme's courses to everybody."""
    return JsonResponse({"results": _acme_courses()})


def leaky_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Tell that an id of another tenant exists, without showing anything of it."""
    return JsonResponse({"exists": True})


def honest(request: HttpRequest) -> HttpResponse:
    """Answer the host's own courses."""
    return JsonResponse({"results": list(Course.objects.values_list("title", flat=True))})


urlpatterns = [
    path("api/v1/leaky", leaky_list),
    path("api/v1/courses/<uuid:key>", leaky_detail),
    path("api/v1/honest", honest),
]
