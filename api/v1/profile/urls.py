"""Routes of the profile slice."""

from django.urls import path

from api.v1.profile.views import ProfileViewSet

urlpatterns = [
    path(
        "profile",
        ProfileViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, basename="profile"),
    ),
]
