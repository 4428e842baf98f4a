"""Routes of the usage slice on an organization's host."""

from django.urls import path

from api.v1.usage.views import OwnUsageViewSet

urlpatterns = [path("usage", OwnUsageViewSet.as_view({"get": "show"}), name="usage")]
