"""Routes of the bare reference."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.bare.views import LearnerView


def _health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("healthz", _health), path("learners/<int:learner_id>", LearnerView.as_view())]
