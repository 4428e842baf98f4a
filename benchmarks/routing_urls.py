"""Two endpoints for the benchmark of routing: one asks the database nothing, one eight times."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tenant_apps.cohorts.models import Cohort, CohortMember
from tenant_apps.courses.models import Course
from tenant_apps.people.models import Member

ROWS = 20


def ping(request: HttpRequest) -> JsonResponse:
    """Answer at once."""
    return JsonResponse({"pong": True})


def page(request: HttpRequest) -> JsonResponse:
    """Answer with what a page of a list needs: eight queries in the tenant's tables."""
    rows = list(Cohort.objects.values("id", "name")[:ROWS])
    keys = [row["id"] for row in rows]
    return JsonResponse(
        {
            "rows": [{"id": str(row["id"]), "name": row["name"]} for row in rows],
            "count": Cohort.objects.count(),
            "first": getattr(Cohort.objects.order_by("id").first(), "name", None),
            "places": list(CohortMember.objects.filter(cohort__in=keys).values_list("member_id", flat=True)),
            "members": Member.objects.count(),
            "has_owner": Member.objects.filter(email__startswith="owner@").exists(),
            "courses": list(Course.objects.values_list("slug", flat=True)[:ROWS]),
            "named": list(Cohort.objects.filter(pk__in=keys).values_list("name", flat=True)),
        }
    )


urlpatterns = [path("ping", ping), path("page", page)]
