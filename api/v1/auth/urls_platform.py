"""Routes of the auth slice that only the platform host has: organizations take people by invitation."""

from django.urls import URLPattern, URLResolver, path

from api.v1.auth.views_credentials import RegisterViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/register", RegisterViewSet.as_view({"post": "create"}, basename="auth-register")),
]
