"""Routes of the platform host."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from api.core.wellknown import public_keys, tls_ask
from api.urls_shared import documentation, health
from api.webhooks.stripe import receive
from shared_apps.core.console import console_urls

handler404 = "api.core.views.not_found"
handler500 = "api.core.views.server_error"

SLICES = (
    "auth",
    "organizations",
    "plans",
    "gateway",
    "prices",
    "promotions",
    "subscriptions",
    "jobs",
    "audit",
    "sign_ups",
)

urlpatterns: list[URLPattern | URLResolver] = [
    *health,
    path("", RedirectView.as_view(url="/console/")),
    *documentation("platform"),
    *[path("api/v1/", include(f"api.v1.{name}.urls")) for name in SLICES],
    path("api/v1/", include("api.v1.auth.urls_platform")),
    path("api/v1/", include("api.v1.domains.platform_urls")),
    path("api/v1/", include("api.v1.archives.platform_urls")),
    path("api/v1/", include("api.v1.usage.platform_urls")),
    path("tls/ask", tls_ask),
    path(".well-known/palaestra-keys.json", public_keys),
    path("api/webhooks/stripe", receive),
    path("console/", console_urls(admin.site)),
]
