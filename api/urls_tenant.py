"""Routes of every organization's host."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from api.urls_shared import documentation, health

handler404 = "api.core.views.not_found"
handler500 = "api.core.views.server_error"

SLICES = (
    "auth",
    "profile",
    "members",
    "invitations",
    "seats",
    "billing",
    "files",
    "courses",
    "runs",
    "learning",
    "paths",
    "cohorts",
    "rosters",
    "jobs",
    "audit",
    "domains",
    "archives",
    "usage",
)

urlpatterns: list[URLPattern | URLResolver] = [
    *health,
    path("", RedirectView.as_view(url="/api/docs/")),
    *documentation("tenant"),
    *[path("api/v1/", include(f"api.v1.{name}.urls")) for name in SLICES],
    path("api/v1/", include("api.v1.organizations.tenant_urls")),
]
