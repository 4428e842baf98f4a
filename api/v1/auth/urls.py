"""Routes of the auth slice on both hosts."""

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from api.v1.auth import views, views_credentials

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("auth/sign-ins", views.SignInsViewSet, basename="auth-sign-ins")
router.register("auth/tokens", views_credentials.PersonalTokenViewSet, basename="auth-tokens")

_csrf = views.CsrfViewSet.as_view({"get": "retrieve"}, basename="auth-csrf")
_sign_in = views.SignInViewSet.as_view({"post": "create"}, basename="auth-sign-in")
_refresh = views.RefreshViewSet.as_view({"post": "create"}, basename="auth-refresh")
_me = views.MeViewSet.as_view({"get": "retrieve"}, basename="auth-me")
_sign_out = views.SignOutViewSet.as_view({"post": "create"}, basename="auth-sign-out")
_everywhere = views.SignOutViewSet.as_view({"post": "everywhere"}, basename="auth-sign-out")
_verification = views_credentials.EmailVerificationViewSet
_reset = views_credentials.PasswordResetViewSet
_password = views_credentials.PasswordViewSet.as_view({"post": "create"}, basename="auth-password")

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/csrf", _csrf),
    path("auth/sign-in", _sign_in),
    path("auth/refresh", _refresh),
    path("auth/me", _me),
    path("auth/sign-out", _sign_out),
    path("auth/sign-out-everywhere", _everywhere),
    path(
        "auth/email-verification",
        _verification.as_view({"post": "create"}, basename="auth-email-verification"),
    ),
    path(
        "auth/email-verification/resend",
        _verification.as_view({"post": "resend"}, basename="auth-email-verification"),
    ),
    path("auth/password-reset", _reset.as_view({"post": "create"}, basename="auth-password-reset")),
    path("auth/password-reset/confirm", _reset.as_view({"post": "confirm"}, basename="auth-password-reset")),
    path("auth/password", _password),
    path("", include(router.urls)),
]
