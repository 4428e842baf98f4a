"""Routes of the usage slice on the platform host."""

from django.urls import path

from api.v1.usage.views import OrganizationUsageViewSet

urlpatterns = [
    path(
        "organizations/<uuid:pk>/usage",
        OrganizationUsageViewSet.as_view({"get": "show"}),
        name="organizations-usage",
    ),
    path(
        "organizations/<uuid:pk>/shares",
        OrganizationUsageViewSet.as_view({"patch": "shares"}),
        name="organizations-shares",
    ),
]
